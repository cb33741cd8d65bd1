//! Factors of 1 and shifts of 0 that belong to no norm: told by what stands beside them, and only then.

use crate::model::{ModelTensor, Role};
use crate::recipe::Recipe;

/// The role and the law of the last of these tensors, by `torch-default`; no law where it is unknown.
fn last(list: &[(&str, &[u64])]) -> (&'static str, Option<String>) {
    let recipe = Recipe::builtin("torch-default", None).unwrap().finish(None).unwrap();
    let mut tensors: Vec<ModelTensor> =
        list.iter().map(|(name, dims)| ModelTensor::new(*name, *dims, Role::Other).unwrap()).collect();
    recipe.find_roles(&mut tensors).unwrap();
    let role = tensors.last().unwrap().role.text();
    let law = recipe.assign(&tensors).ok().map(|assigned| assigned.tensors.last().unwrap().spec.scheme.to_string());
    (role, law)
}

fn ones(role: &'static str) -> (&'static str, Option<String>) {
    (role, Some("constant(1)".to_owned()))
}

fn zeros(role: &'static str) -> (&'static str, Option<String>) {
    (role, Some("constant(0)".to_owned()))
}

#[test]
fn a_gain_of_each_channel_beside_a_kernel_is_one() {
    let kernel: (&str, &[u64]) = ("stem.conv1.weight", &[16, 3, 3, 3]);
    assert_eq!(last(&[kernel, ("stem.conv1.gain", &[16, 1, 1, 1])]), ones("scale"));
    // Of other channels, or beside nothing, it may be anything.
    assert_eq!(last(&[kernel, ("stem.conv1.gain", &[8, 1, 1, 1])]), ("other", None));
    assert_eq!(last(&[kernel, ("stem.gain", &[16, 1, 1, 1])]), ("other", None));
}

#[test]
fn alpha_and_beta_alone_scale_and_shift() {
    let alpha: (&str, &[u64]) = ("blocks.0.norm1.alpha", &[1, 1, 64]);
    assert_eq!(last(&[("blocks.0.norm1.beta", &[1, 1, 64]), alpha]), ones("norm"));
    assert_eq!(last(&[alpha, ("blocks.0.norm1.beta", &[1, 1, 64])]), zeros("norm.bias"));
    assert_eq!(last(&[("x.beta", &[4, 64]), ("x.alpha", &[4, 64])]).0, "other");
}

#[test]
fn numbers_of_heads_beside_a_fused_matrix_are_temperatures() {
    let fused: (&str, &[u64]) = ("blocks.0.attn.qkv.weight", &[384, 128]);
    assert_eq!(last(&[fused, ("blocks.0.attn.temperature", &[4, 1, 1])]), ones("scale"));
    let of_swin = Some("constant(2.302585092994046)".to_owned());
    assert_eq!(last(&[fused, ("blocks.0.attn.logit_scale", &[4, 1, 1])]), ("scale", of_swin));
    // Five heads do not divide the matrix; without one nothing is certain.
    assert_eq!(last(&[fused, ("blocks.0.attn.temperature", &[5, 1, 1])]).0, "other");
    assert_eq!(last(&[("blocks.0.attn.temperature", &[4, 1, 1])]), ("other", None));
}

#[test]
fn queries_and_values_with_a_bias_apart_begin_at_zero() {
    let list: [(&str, &[u64]); 3] =
        [("blocks.0.attn.qkv.weight", &[192, 64]), ("blocks.0.attn.q_bias", &[64]), ("blocks.0.attn.v_bias", &[64])];
    assert_eq!(last(&list), zeros("bias.attention"));
    assert_eq!(last(&list[1..]), ("bias", None));
}

#[test]
fn a_norm_over_several_axes_has_a_shift_of_its_shape() {
    assert_eq!(last(&[("3.bias", &[4, 8]), ("3.weight", &[4, 8])]), ones("norm"));
    assert_eq!(last(&[("3.weight", &[4, 8]), ("3.bias", &[4, 8])]), zeros("norm.bias"));
}

#[test]
fn a_response_normalization_adds_nothing_at_first() {
    let bias: (&str, &[u64]) = ("stages.0.blocks.0.mlp.grn.bias", &[64]);
    assert_eq!(last(&[bias, ("stages.0.blocks.0.mlp.grn.weight", &[64])]), zeros("other"));
    assert_eq!(last(&[("stages.0.blocks.0.mlp.grn.weight", &[64]), bias]), zeros("norm.bias"));
}
