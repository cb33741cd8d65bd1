// What the host tells a kernel. The fields are documented on the host's structs of the same layout: `LawParams` in
// src/value/params.rs; `AxisSteps`, `Descriptor` and `KernelSegment` in src/gpu/descriptor.rs. A test compares every
// offset.

struct Law {
    kind: u32,
    tail: u32,
    refine: u32,
    threshold: u32,
    scale: f32,
    center: f32,
    lo: f32,
    hi: f32,
    step: f32,
    offset: f32,
    left: f32,
    right: f32,
    left_edge: f32,
    right_edge: f32,
    inverse: f32,
    poly: array<f32, 9>,
    more: array<f32, 3>,
    mask: u32,
    inner: u32,
    spot: u32,
    cols: u32,
    rows: u32,
    block_rows: u32,
    block_cols: u32,
    table: u32,
    unused: u32,
}

struct Axis {
    extent: u32,
    dst: u32,
    src: vec2<u32>,
}

struct Descriptor {
    key: vec2<u32>,
    src: vec2<u32>,
    dst: u32,
    before: u32,
    axis_count: u32,
    rounding: u32,
    law: Law,
    axes: array<Axis, 6>,
    place: u32,
    unused: u32,
}

struct Segment {
    first_group: u32,
    word: u32,
    words: u32,
    elements: u32,
    items: u32,
    first_descriptor: u32,
    descriptor_count: u32,
    period: u32,
    base: u32,
    stride: u32,
    hint: u32,
}

@group(0) @binding(0) var<storage, read> descriptors: array<Descriptor>;
@group(0) @binding(1) var<storage, read> segments: array<Segment>;
// Frequencies of sinusoidal tables, as 64-bit fractions of a turn.
@group(0) @binding(3) var<storage, read> frequencies: array<vec2<u32>>;
// The destination, as words and as 16-byte steps: an entry point uses one of the two.
@group(0) @binding(2) var<storage, read_write> destination: array<u32>;
@group(0) @binding(2) var<storage, read_write> destination_4: array<vec4<u32>>;
