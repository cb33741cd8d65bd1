// Orthogonal matrices, a block of 64 reflectors at a time, from the last block to the first. Each block of reflectors
// takes the entries reflect_block, products, factor, apply and update, in this order. docs/stream/orthogonal.md is the
// normative text.
//
// Every element of a product is a sequence of fused multiply-adds in the order that the page states. A workgroup
// computes a tile of 64 x 64 elements, each thread 4 x 4 of them. The matrix is the taller one of what is asked for and
// its transpose; the z of a workgroup counts the matrices of the dispatch.

// What a dispatch reads. src/gpu/orthogonal.rs holds the same struct, and a test compares every offset.
struct ReflectorBlock {
    key: vec2<u32>,
    // The first matrix's index in the tensor.
    matrix: u32,
    // The first reflector of the block of reflectors: its first row and column.
    first: u32,
    // Reflectors, rows and columns from there on.
    width: u32,
    rows: u32,
    cols: u32,
    // Elements of the destination from a row to the next, from a column to the next, from a matrix to the next, and
    // before the first.
    row_step: u32,
    col_step: u32,
    matrix_step: u32,
    start: u32,
    // Words of the workspace from a matrix to the next, and where a matrix's T and sums begin.
    work_step: u32,
    t_start: u32,
    sum_start: u32,
    gain: f32,
    // Always 1.0: fma(x, one, y) with `one` loaded keeps compilers from re-associating the sum.
    one: f32,
}

@group(0) @binding(0) var<storage, read> block: ReflectorBlock;
@group(0) @binding(1) var<storage, read_write> work: array<f32>;
@group(0) @binding(2) var<storage, read_write> destination: array<f32>;

var<workgroup> lanes: array<f32, 64>;
var<workgroup> leading: f32;
var<workgroup> tile_a: array<vec4<f32>, 512>;
var<workgroup> tile_b: array<vec4<f32>, 512>;
var<workgroup> square: array<f32, 4096>;

// 1 / d of a normal positive number within 2^-62 .. 2^62.
fn reciprocal(d: f32) -> f32 {
    // The seed is within 12.2 %; each step takes the error e to e^3.
    var y = bitcast<f32>(0x7ef311c3u - bitcast<u32>(d));
    var e = fused(-d, y, 1.0);
    y = fused(y, fused(e, e, e), y);
    e = fused(-d, y, 1.0);
    return fused(y, fused(e, e, e), y);
}

// +0 below 2^-40, else the number itself.
fn flushed(x: f32) -> f32 {
    return select(x, 0.0, (bitcast<u32>(x) & 0x7fffffffu) < 0x2b800000u);
}

fn flushed_4(x: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(flushed(x.x), flushed(x.y), flushed(x.z), flushed(x.w));
}

fn fused_4(a: f32, b: vec4<f32>, c: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(fused(a, b.x, c.x), fused(a, b.y, c.y), fused(a, b.z, c.z), fused(a, b.w, c.w));
}

// Elements 4 b to 4 b + 3 of a reflector.
fn deviates(b: u32, reflector: u32, matrix: u32) -> vec4<f32> {
    let w = philox(vec4<u32>(b, reflector, matrix, DOMAIN_ORTHOGONAL), block.key);
    return vec4<f32>(turn(w.y, root(neg_2_ln(w.x))), turn(w.w, root(neg_2_ln(w.z))));
}

// A reflector per workgroup: deviates, norm, scaling.
@compute @workgroup_size(64)
fn reflect_block(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let column = id.x;
    let v = id.z * block.work_step + column;
    let live = column < block.width;
    let elements = select(0u, block.rows - column, live);
    for (var row = local; row < block.rows - elements; row += 64u) {
        work[v + 64u * row] = 0.0;
    }
    var sum = 0.0;
    for (var b = local; 4u * b < elements; b += 64u) {
        let x = deviates(b, block.first + column, block.matrix + id.z);
        for (var k = 0u; k < 4u; k++) {
            if 4u * b + k < elements {
                work[v + 64u * (column + 4u * b + k)] = x[k];
                sum = fused(x[k], x[k], sum);
            }
        }
        if b == 0u {
            leading = x.x;
        }
    }
    if !live && local == 0u {
        leading = 1.0;
    }
    lanes[local] = sum;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half = half >> 1u) {
        if local < half {
            lanes[local] = fused(lanes[local + half], block.one, lanes[local]);
        }
        workgroupBarrier();
    }
    let first = leading;
    let twice = root(4.0 * lanes[0]);
    let inverse = reciprocal(fused(twice, 0.5, bitcast<f32>(bitcast<u32>(first) & 0x7fffffffu)));
    let scale = select(inverse, -inverse, first < 0.0);
    for (var b = local; 4u * b < elements; b += 64u) {
        for (var k = 0u; k < 4u; k++) {
            let element = 4u * b + k;
            if element < elements {
                let at = v + 64u * (column + element);
                work[at] = select(flushed(work[at] * scale), 1.0, element == 0u);
            }
        }
    }
    if local == 0u {
        work[id.z * block.work_step + block.t_start + 4096u + column] = select(-1.0, 1.0, first < 0.0);
    }
}

// Tiles of columns.
fn tiles() -> u32 {
    return (block.cols + 63u) / 64u;
}

// Where the workspace has the sums of a chunk of rows for a tile of columns.
fn sum_of(z: u32, chunk: u32, tile: u32) -> u32 {
    return z * block.work_step + block.sum_start + (chunk * (tiles() + 1u) + tile) * 4096u;
}

// Where the destination has an element of this block's part of the matrix.
fn place(z: u32, row: u32, col: u32) -> u32 {
    let matrix = block.start + z * block.matrix_step;
    return matrix + (block.first + row) * block.row_step + (block.first + col) * block.col_step;
}

// Four elements of a row, in tile `tile` of columns, before this block is applied: the block's own columns are those of
// the identity with their signs, and the columns to the right of them have zeros in the block's own rows. The only
// branch is the whole workgroup's; what lies outside is read at a place that exists, and not used.
fn before_4(z: u32, tile: u32, row: u32, col: u32) -> vec4<f32> {
    var x: vec4<f32>;
    if tile == 0u {
        let sign = work[z * block.work_step + block.t_start + 4096u + min(row, 63u)];
        for (var k = 0u; k < 4u; k++) {
            x[k] = select(0.0, sign, row == col + k && row < block.width);
        }
        return x;
    }
    let first = place(z, min(row, block.rows - 1u), min(col, block.cols - 1u));
    let inside = row >= 64u && row < block.rows;
    for (var k = 0u; k < 4u; k++) {
        let exists = col + k < block.cols;
        x[k] = select(0.0, destination[first + select(0u, k * block.col_step, exists)], inside && exists);
    }
    return x;
}

fn work_4(at: u32) -> vec4<f32> {
    return vec4<f32>(work[at], work[at + 1u], work[at + 2u], work[at + 3u]);
}

fn set_work_4(at: u32, x: vec4<f32>) {
    work[at] = x.x;
    work[at + 1u] = x.y;
    work[at + 2u] = x.z;
    work[at + 3u] = x.w;
}

// V^T C over a chunk of 256 rows (y) for a tile of columns (x); the last tile is V^T V. From the last row to the first,
// so that the leading 1 of a reflector comes last: small numbers are added before it, where their sum loses less.
@compute @workgroup_size(256)
fn products(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let v = id.z * block.work_step;
    let from_v = id.x == tiles();
    let i = local / 16u;
    let j = local % 16u;
    var sum_0 = vec4<f32>();
    var sum_1 = vec4<f32>();
    var sum_2 = vec4<f32>();
    var sum_3 = vec4<f32>();
    for (var stage = 8u; stage > 0u; stage--) {
        for (var s = 0u; s < 2u; s++) {
            let at = local + 256u * s;
            let row = 256u * id.y + 32u * (stage - 1u) + at / 16u;
            let col = 4u * (at % 16u);
            var a = vec4<f32>();
            if row < block.rows {
                a = work_4(v + 64u * row + col);
            }
            tile_a[at] = a;
            if from_v {
                tile_b[at] = a;
            } else {
                tile_b[at] = before_4(id.z, id.x, row, 64u * id.x + col);
            }
        }
        workgroupBarrier();
        for (var k = 32u; k > 0u; k--) {
            let a = tile_a[16u * k - 16u + i];
            let b = tile_b[16u * k - 16u + j];
            sum_0 = fused_4(a.x, b, sum_0);
            sum_1 = fused_4(a.y, b, sum_1);
            sum_2 = fused_4(a.z, b, sum_2);
            sum_3 = fused_4(a.w, b, sum_3);
        }
        workgroupBarrier();
    }
    let out = sum_of(id.z, id.y, id.x) + 256u * i + 4u * j;
    set_work_4(out, sum_0);
    set_work_4(out + 64u, sum_1);
    set_work_4(out + 128u, sum_2);
    set_work_4(out + 192u, sum_3);
}

// Chunks of rows.
fn chunks() -> u32 {
    return (block.rows + 255u) / 256u;
}

// T: the inverse of the upper triangle of V^T V with half its diagonal, a column per thread.
@compute @workgroup_size(64)
fn factor(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let column = local;
    // `square` has the triangle above its diagonal, and the transpose of T on and below it.
    for (var row = 0u; row <= column; row++) {
        var sum = 0.0;
        for (var chunk = chunks(); chunk > 0u; chunk--) {
            sum = fused(work[sum_of(id.z, chunk - 1u, tiles()) + 64u * row + column], block.one, sum);
        }
        if row < column {
            square[64u * row + column] = flushed(sum);
        } else {
            square[64u * row + column] = reciprocal(select(1.0, 0.5 * sum, column < block.width));
        }
    }
    workgroupBarrier();
    for (var row = column; row > 0u; row--) {
        let i = row - 1u;
        var sum = 0.0;
        for (var k = row; k <= column; k++) {
            sum = fused(square[64u * i + k], square[64u * column + k], sum);
        }
        square[64u * column + i] = flushed(-(flushed(sum) * square[65u * i]));
    }
    let t = id.z * block.work_step + block.t_start;
    for (var row = 0u; row < 64u; row++) {
        var x = 0.0;
        if row <= column {
            x = square[64u * column + row];
        }
        work[t + 64u * row + column] = x;
    }
}

// B = T W for a tile of columns, W the sum of the chunks; B is written over the sums of the first chunk.
@compute @workgroup_size(256)
fn apply(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = local / 16u;
    let j = local % 16u;
    for (var s = 0u; s < 4u; s++) {
        let at = local + 256u * s;
        var w = vec4<f32>();
        for (var chunk = chunks(); chunk > 0u; chunk--) {
            w = fused_4(block.one, work_4(sum_of(id.z, chunk - 1u, id.x) + 4u * at), w);
        }
        if s < 2u {
            tile_a[at] = flushed_4(w);
        } else {
            tile_b[at - 512u] = flushed_4(w);
        }
    }
    workgroupBarrier();
    let t = id.z * block.work_step + block.t_start + 256u * i;
    var sum_0 = vec4<f32>();
    var sum_1 = vec4<f32>();
    var sum_2 = vec4<f32>();
    var sum_3 = vec4<f32>();
    for (var k = 0u; k < 64u; k++) {
        var b: vec4<f32>;
        if k < 32u {
            b = tile_a[16u * k + j];
        } else {
            b = tile_b[16u * k + j - 512u];
        }
        sum_0 = fused_4(work[t + k], b, sum_0);
        sum_1 = fused_4(work[t + 64u + k], b, sum_1);
        sum_2 = fused_4(work[t + 128u + k], b, sum_2);
        sum_3 = fused_4(work[t + 192u + k], b, sum_3);
    }
    let out = sum_of(id.z, 0u, id.x) + 256u * i + 4u * j;
    set_work_4(out, flushed_4(sum_0));
    set_work_4(out + 64u, flushed_4(sum_1));
    set_work_4(out + 128u, flushed_4(sum_2));
    set_work_4(out + 192u, flushed_4(sum_3));
}

fn store(at: u32, before: f32, sum: f32) {
    let c = flushed(fused(-sum, block.one, before));
    // After the first block, which comes last, the values are those of the tensor. The stream has no -0.
    let value = select(c, c * block.gain, block.first == 0u);
    destination[at] = select(value, 0.0, (bitcast<u32>(value) << 1u) == 0u);
}

// A thread reads no other elements of the destination than it writes.
fn store_4(z: u32, tile: u32, row: u32, col: u32, sum: vec4<f32>) {
    if row < block.rows && col < block.cols {
        let x = before_4(z, tile, row, col);
        let first = place(z, row, col);
        for (var k = 0u; k < 4u; k++) {
            if col + k < block.cols {
                store(first + k * block.col_step, x[k], sum[k]);
            }
        }
    }
}

// C - V B for a tile of columns (x) and of rows (y).
@compute @workgroup_size(256)
fn update(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let v = id.z * block.work_step;
    let b_start = sum_of(id.z, 0u, id.x);
    let i = local / 16u;
    let j = local % 16u;
    var sum_0 = vec4<f32>();
    var sum_1 = vec4<f32>();
    var sum_2 = vec4<f32>();
    var sum_3 = vec4<f32>();
    for (var stage = 0u; stage < 2u; stage++) {
        for (var s = 0u; s < 2u; s++) {
            let at = local + 256u * s;
            // 8 quadruples of k for each of 64 rows; 16 of columns for each of 32 k.
            let row = 64u * id.y + at / 8u;
            var a = vec4<f32>();
            if row < block.rows {
                a = work_4(v + 64u * row + 32u * stage + 4u * (at % 8u));
            }
            tile_a[at] = a;
            tile_b[at] = work_4(b_start + 2048u * stage + 4u * at);
        }
        workgroupBarrier();
        for (var q = 0u; q < 8u; q++) {
            let a_0 = tile_a[32u * i + q];
            let a_1 = tile_a[32u * i + 8u + q];
            let a_2 = tile_a[32u * i + 16u + q];
            let a_3 = tile_a[32u * i + 24u + q];
            for (var k = 0u; k < 4u; k++) {
                let b = tile_b[64u * q + 16u * k + j];
                sum_0 = fused_4(a_0[k], b, sum_0);
                sum_1 = fused_4(a_1[k], b, sum_1);
                sum_2 = fused_4(a_2[k], b, sum_2);
                sum_3 = fused_4(a_3[k], b, sum_3);
            }
        }
        workgroupBarrier();
    }
    let row = 64u * id.y + 4u * i;
    let col = 64u * id.x + 4u * j;
    store_4(id.z, id.x, row, col, sum_0);
    store_4(id.z, id.x, row + 1u, col, sum_1);
    store_4(id.z, id.x, row + 2u, col, sum_2);
    store_4(id.z, id.x, row + 3u, col, sum_3);
}
