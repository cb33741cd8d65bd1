// Entry points that show single functions of the kernels to the tests.

@group(0) @binding(0) var<storage, read> inputs: array<u32>;
@group(0) @binding(1) var<storage, read_write> outputs: array<u32>;

// Four counter words and two key words each; four words out.
@compute @workgroup_size(64)
fn run_philox(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = 6u * id.x;
    if i + 6u > arrayLength(&inputs) {
        return;
    }
    let counter = vec4<u32>(inputs[i], inputs[i + 1u], inputs[i + 2u], inputs[i + 3u]);
    let x = philox(counter, vec2<u32>(inputs[i + 4u], inputs[i + 5u]));
    for (var k = 0u; k < 4u; k++) {
        outputs[4u * id.x + k] = x[k];
    }
}

// Two words each; the high and the low word of their product.
@compute @workgroup_size(64)
fn run_mul_wide(@builtin(global_invocation_id) id: vec3<u32>) {
    if 2u * id.x + 2u > arrayLength(&inputs) {
        return;
    }
    let p = mul_wide(inputs[2u * id.x], inputs[2u * id.x + 1u]);
    outputs[2u * id.x] = p.x;
    outputs[2u * id.x + 1u] = p.y;
}

// Three floats each; one out.
@compute @workgroup_size(64)
fn run_fused(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = 3u * id.x;
    if i + 3u > arrayLength(&inputs) {
        return;
    }
    let x = fused(bitcast<f32>(inputs[i]), bitcast<f32>(inputs[i + 1u]), bitcast<f32>(inputs[i + 2u]));
    outputs[id.x] = bitcast<u32>(x);
}
