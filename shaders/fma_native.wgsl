// a * b + c, rounded once: for devices whose own fma rounds once. Two interchangeable implementations; the self-test
// picks the first that is exact. The other is fma_soft.wgsl.
fn fused(a: f32, b: f32, c: f32) -> f32 {
    return fma(a, b, c);
}
