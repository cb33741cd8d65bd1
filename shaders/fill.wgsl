// The entry points of fills: each finds its segment, then samples and stores the elements of its items.
//
// A thread writes whole words of the destination: two 16-bit elements of one word are always written together.

// The value of `Descriptor.rounding` that asks for stochastic rounding of 16-bit elements.
const STOCHASTIC: u32 = 1u;

// The values of KIND beside the kinds: each descriptor tells its own kind, which is CONSTANT, UNIFORM, NORMAL or
// TRUNCATED; each descriptor tells its own kind and mask.
const PLAIN: u32 = 0xfffffffeu;
const ANY: u32 = 0xffffffffu;

// A pipeline is specialized for one kind of law, so that it holds the code of that law alone. `fill_general` alone
// serves PLAIN and ANY, for words that parts of different laws share.
override KIND: u32 = ANY;
// The mask of the law; ANY where KIND is.
override MASK: u32 = ANY;
// Whether an element may be rounded stochastically. `fill_boxed` and `fill_general` alone look at it.
override STOCHASTIC_ROUNDING: bool = true;
// Threads per workgroup.
override GROUP_SIZE: u32 = 64u;
// Items per thread: they lie GROUP_SIZE apart, so that neighboring threads write neighboring words.
override ITEMS: u32 = 8u;

// The segment that workgroup `group` writes: the last one whose first workgroup is not after it. The hint of its stride
// of workgroups and that of the next one leave few segments to choose from.
fn find_segment(group: u32) -> u32 {
    let count = arrayLength(&segments);
    var lo = 0u;
    var hi = count;
    if count > 1u {
        var slot = group / segments[0].stride;
        slot = select(slot, count - 1u, slot >= count);
        lo = segments[slot].hint;
        if slot + 1u < count {
            hi = segments[slot + 1u].hint + 1u;
        }
    }
    while hi - lo > 1u {
        let mid = (lo + hi) / 2u;
        if segments[mid].first_group <= group {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return lo;
}

// a + b on 64-bit numbers (low, high).
fn add_64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let lo = a.x + b.x;
    return vec2<u32>(lo, a.y + b.y + u32(lo < b.x));
}

// a / 4 on a 64-bit number.
fn block_of(a: vec2<u32>) -> vec2<u32> {
    return vec2<u32>((a.x >> 2u) | (a.y << 30u), a.y >> 2u);
}

// The words of a block's four elements: the first word of each where `draw` is 0, the second where it is 1.
fn words_of(key: vec2<u32>, block: vec2<u32>, draw: u32) -> vec4<u32> {
    return philox(vec4<u32>(block, draw, DOMAIN_VALUES), key);
}

// The truncated normal value of lane `lane` of a block, whose word is `w`.
fn truncated_value(law: Law, key: vec2<u32>, block: vec2<u32>, lane: u32, w: u32) -> f32 {
    var p = tail_probability(law, w);
    if is_fine(law, w) {
        p = fine_probability(law, w, words_of(key, block, 1u)[lane]);
    }
    return truncated_at(law, w, p);
}

// The four values of a block. Written with loops, because software drivers inline every call and would compile each
// copy; the compilers of hardware drivers unroll the loops.
fn block_values(law: Law, key: vec2<u32>, block: vec2<u32>) -> vec4<f32> {
    var v = vec4<f32>(law.center);
    if KIND == CONSTANT {
        return v;
    }
    let w = words_of(key, block, 0u);
    if KIND == NORMAL {
        for (var k = 0u; k < 4u; k += 2u) {
            let pair = normal(law, w[k], w[k + 1u]);
            v[k] = pair.x;
            v[k + 1u] = pair.y;
        }
    } else if KIND == TRUNCATED {
        for (var k = 0u; k < 4u; k++) {
            v[k] = truncated_value(law, key, block, k, w[k]);
        }
    } else {
        for (var k = 0u; k < 4u; k++) {
            v[k] = word_value(law, KIND, w[k]);
        }
    }
    return v;
}

// A value that is made from one word.
fn word_value(law: Law, kind: u32, w: u32) -> f32 {
    if kind == LOG_OF_UNIFORM {
        return log_of_uniform_value(law, w);
    }
    if kind == DT_BIAS {
        return dt_bias_value(law, w);
    }
    // UNIFORM, the kind that is left.
    return uniform_value(law, w);
}

// The four words of a 16-byte step: one block of f32 elements, or two blocks of 16-bit elements, the second of them
// `next`.
fn step_words(law: Law, key: vec2<u32>, block: vec2<u32>, next: vec2<u32>) -> vec4<u32> {
    var words: vec4<u32>;
    for (var k = 0u; k < PER_WORD; k++) {
        let v = block_values(law, key, select(block, next, k == 1u));
        if PER_WORD == 1u {
            words = vec4<u32>(encoded(v.x), encoded(v.y), encoded(v.z), encoded(v.w));
        } else {
            words[2u * k] = encoded(v.x) | (encoded(v.y) << 16u);
            words[2u * k + 1u] = encoded(v.z) | (encoded(v.w) << 16u);
        }
    }
    return words;
}

// The kind of a descriptor's law.
fn kind_of(law: Law) -> u32 {
    if KIND < PLAIN {
        return KIND;
    }
    return law.kind;
}

// The mask of a descriptor's law: SPARSE, NONE, or one of the two patterns.
fn mask_of(law: Law) -> u32 {
    if MASK == NONE {
        return NONE;
    }
    return law.mask;
}

// One value of any law.
fn element_value(d: u32, index: vec2<u32>) -> f32 {
    var law = descriptors[d].law;
    let key = descriptors[d].key;
    let mask = mask_of(law);
    if mask == SPARSE {
        let place = div_rem(index, law.cols);
        if is_zero_row(law, key, place.z, place.x) {
            return 0.0;
        }
    } else if mask != NONE && !is_on_pattern(law, index) {
        if mask == PATTERN {
            return 0.0;
        }
        law.center = 0.0;
    }
    return value_at(law, key, index);
}

// One value of a law, without its mask.
fn value_at(law: Law, key: vec2<u32>, index: vec2<u32>) -> f32 {
    let kind = kind_of(law);
    if kind == CONSTANT {
        return law.center;
    }
    if kind == SINUSOIDAL {
        return sinusoidal_value(law, index);
    }
    if kind == LOG_RANGE {
        return log_range_value(law, index);
    }
    if kind == LINSPACE {
        return linspace_value(law, index);
    }
    let block = block_of(index);
    let lane = index.x & 3u;
    let w = words_of(key, block, 0u);
    if kind == NORMAL {
        let pair = normal(law, w[lane & 2u], w[lane | 1u]);
        return pair[lane & 1u];
    }
    if kind == TRUNCATED {
        return truncated_value(law, key, block, lane, w[lane]);
    }
    return word_value(law, kind, w[lane]);
}

// The stored bits of value `x` of an element, rounded as its descriptor says. Stochastic rounding is decided by the
// element's own word of DOMAIN_ROUNDING.
fn stored_bits(d: u32, index: vec2<u32>, x: f32) -> u32 {
    if PER_WORD == 2u && STOCHASTIC_ROUNDING && descriptors[d].rounding == STOCHASTIC {
        let words = philox(vec4<u32>(block_of(index), 0u, DOMAIN_ROUNDING), descriptors[d].key);
        return encoded_by(x, words[index.x & 3u]);
    }
    return encoded(x);
}

// The 64-bit logical index of the first element of a segment that is one run.
fn run_index(s: Segment, d: u32) -> vec2<u32> {
    let inside = s.word * PER_WORD - descriptors[d].dst + descriptors[d].before;
    return add_64(descriptors[d].src, vec2<u32>(inside, 0u));
}

// A step of a box.
struct Step {
    // The step's first element, counted in elements of the binding.
    element: u32,
    // The 64-bit logical index of that element.
    index: vec2<u32>,
    // Whether all words of the step belong to the segment.
    inside: bool,
}

// Step `t` of a descriptor's box, counted row by row. A step is `unit` elements of the innermost axis; where there are
// outer axes, the innermost one holds a whole number of steps.
fn step_of(s: Segment, d: u32, t: u32, unit: u32) -> Step {
    var rest = t;
    var offset = 0u;
    var index = descriptors[d].src;
    for (var k = descriptors[d].axis_count; k > 0u; k--) {
        let axis = descriptors[d].axes[k - 1u];
        let scale = select(1u, unit, k == descriptors[d].axis_count);
        var m = rest;
        if k > 1u {
            let steps = axis.extent / scale;
            rest = m / steps;
            m = m - rest * steps;
        }
        m = m * scale;
        offset = offset + m * axis.dst;
        let p = mul_wide(m, axis.src.x);
        index = add_64(index, vec2<u32>(p.y, p.x + m * axis.src.y));
    }
    let element = descriptors[d].dst + offset - descriptors[d].before;
    let first = element - s.word * PER_WORD;
    let inside = offset >= descriptors[d].before && first < s.words * PER_WORD;
    return Step(element, index, inside);
}

// Segments that are one run, whose 16-byte steps hold whole blocks: one step per item. What does not change from step
// to step is loaded once.
@compute @workgroup_size(GROUP_SIZE)
fn fill_aligned(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let group = id.y * count.x + id.x;
    let s = segments[find_segment(group)];
    let law = descriptors[s.first_descriptor].law;
    let key = descriptors[s.first_descriptor].key;
    let first_block = block_of(run_index(s, s.first_descriptor));
    for (var item = 0u; item < ITEMS; item++) {
        let t = ((group - s.first_group) * ITEMS + item) * GROUP_SIZE + local;
        if t >= s.items {
            return;
        }
        // The host sends no run here whose blocks differ in their high word: it is one for all threads, and so is what
        // the generator makes of it alone.
        let low = first_block.x + t * PER_WORD;
        let block = vec2<u32>(low, first_block.y);
        destination_4[s.word / 4u + t] = step_words(law, key, block, vec2<u32>(low + 1u, first_block.y));
    }
}

// Segments that are one box, whose rows are whole 16-byte steps of whole blocks: one step per item.
@compute @workgroup_size(GROUP_SIZE)
fn fill_rows(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let group = id.y * count.x + id.x;
    let s = segments[find_segment(group)];
    let d = s.first_descriptor;
    let law = descriptors[d].law;
    let key = descriptors[d].key;
    for (var item = 0u; item < ITEMS; item++) {
        let t = ((group - s.first_group) * ITEMS + item) * GROUP_SIZE + local;
        if t >= s.items {
            return;
        }
        let step = step_of(s, d, t, 4u * PER_WORD);
        if step.inside {
            let block = block_of(step.index);
            let next = add_64(block, vec2<u32>(1u, 0u));
            destination_4[step.element / (4u * PER_WORD)] = step_words(law, key, block, next);
        }
    }
}

// Segments that are one box, which shares no word with another box and may begin at any word: one word per item.
@compute @workgroup_size(GROUP_SIZE)
fn fill_boxed(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let group = id.y * count.x + id.x;
    let s = segments[find_segment(group)];
    let d = s.first_descriptor;
    for (var item = 0u; item < ITEMS; item++) {
        let t = ((group - s.first_group) * ITEMS + item) * GROUP_SIZE + local;
        if t >= s.items {
            return;
        }
        let step = step_of(s, d, t, PER_WORD);
        if step.inside {
            var bits = 0u;
            for (var k = 0u; k < PER_WORD; k++) {
                let index = add_64(step.index, vec2<u32>(k, 0u));
                bits = bits | (stored_bits(d, index, element_value(d, index)) << (16u * k));
            }
            destination[step.element / PER_WORD] = bits;
        }
    }
}

// Segments that are one run of consecutive elements and may begin at any word: one block per item.
@compute @workgroup_size(GROUP_SIZE)
fn fill_contiguous(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let group = id.y * count.x + id.x;
    let s = segments[find_segment(group)];
    let d = s.first_descriptor;
    let law = descriptors[d].law;
    let key = descriptors[d].key;
    // `phase` is the position of the first element in its block; for 16-bit elements it is even.
    let first = run_index(s, d);
    let phase = first.x & 3u;
    let first_block = block_of(first);
    for (var item = 0u; item < ITEMS; item++) {
        let t = ((group - s.first_group) * ITEMS + item) * GROUP_SIZE + local;
        if t >= s.items {
            return;
        }
        let v = block_values(law, key, add_64(first_block, vec2<u32>(t, 0u)));
        // The block's first element, counted from the segment's start. Where the segment begins inside a block, that
        // element lies before the segment: the number wraps, and the comparison below leaves it out.
        let element = 4u * t - phase;
        if PER_WORD == 1u {
            for (var k = 0u; k < 4u; k++) {
                if element + k < s.words {
                    destination[s.word + element + k] = encoded(v[k]);
                }
            }
        } else {
            for (var k = 0u; k < 4u; k += 2u) {
                // A wrapped number is even: halved as a signed number it still lies before the segment.
                let word = bitcast<u32>(bitcast<i32>(element + k) >> 1u);
                if word < s.words {
                    let upper = select(0u, encoded(v[k + 1u]), element + k + 1u < s.elements);
                    destination[s.word + word] = encoded(v[k]) | (upper << 16u);
                }
            }
        }
    }
}

// The 64-bit logical index (x, y) of the binding's element `element` in a descriptor's box; z is 1 where the box holds
// the element, else 0.
fn locate(d: u32, element: u32) -> vec3<u32> {
    if element < descriptors[d].dst {
        return vec3<u32>(0u);
    }
    var rest = element - descriptors[d].dst + descriptors[d].before;
    var index = descriptors[d].src;
    for (var k = 0u; k < descriptors[d].axis_count; k++) {
        let axis = descriptors[d].axes[k];
        let m = rest / axis.dst;
        rest = rest - m * axis.dst;
        if m >= axis.extent {
            return vec3<u32>(0u);
        }
        let p = mul_wide(m, axis.src.x);
        index = add_64(index, vec2<u32>(p.y, p.x + m * axis.src.y));
    }
    return vec3<u32>(index, u32(rest == 0u));
}

// The stored bits of the binding's element `element`: 0 where none of the segment's descriptors has it. Where the
// descriptors repeat with a period, its place in the period tells the one that may have it.
fn element_bits(s: Segment, element: u32) -> u32 {
    var lo = s.first_descriptor;
    var hi = lo + s.descriptor_count;
    if s.period > 0u {
        let inside = element - s.base;
        let place = inside - inside / s.period * s.period;
        while hi - lo > 1u {
            let mid = (lo + hi) / 2u;
            if descriptors[mid].place <= place {
                lo = mid;
            } else {
                hi = mid;
            }
        }
        hi = lo + 1u;
    }
    for (var d = lo; d < hi; d++) {
        let found = locate(d, element);
        if found.z == 1u {
            return stored_bits(d, found.xy, element_value(d, found.xy));
        }
    }
    return 0u;
}

// Any segment: one word per item, each element located by itself.
@compute @workgroup_size(GROUP_SIZE)
fn fill_general(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let group = id.y * count.x + id.x;
    let s = segments[find_segment(group)];
    for (var item = 0u; item < ITEMS; item++) {
        let t = ((group - s.first_group) * ITEMS + item) * GROUP_SIZE + local;
        if t >= s.items {
            return;
        }
        let word = s.word + t;
        var bits = 0u;
        for (var k = 0u; k < PER_WORD; k++) {
            bits = bits | (element_bits(s, word * PER_WORD + k) << (16u * k));
        }
        destination[word] = bits;
    }
}
