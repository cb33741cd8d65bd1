//! Logical tensors inside stored ones.

use super::values;
use crate::StreamVersion;
use crate::model::Role;
use crate::plan::Plan;
use crate::recipe::Recipe;

#[test]
fn parts_have_the_streams_and_fans_of_the_tensors_they_stand_for() {
    // [heads * (q, k, v) * 2, 6], by heads, against the same three matrices stored under their own names.
    let text = r#"
        [parameters]
        heads = 3
        [[tensor]]
        name = "l.{0-1}.qkv.weight"
        shape = ["heads * 3 * 2", 6]
        role = "attention.qkv"
        [[tensor]]
        name = "l.{0-1}.qkv.bias"
        shape = ["heads * 3 * 2"]
        role = "bias"
        [[tensor]]
        name = "l.0.c_attn.weight"
        shape = [6, 8]
        role = "projection"
        layout = "in_out"
        [[tensor]]
        name = "experts.gate_up"
        shape = [3, 8, 5]
        role = "expert.gate_in"
        [[parts]]
        name = "*.qkv.*"
        find = "qkv"
        groups = "heads"
        part = [{name = "q", size = 2, role = "attention.query"}, {name = "k", size = 2}, {name = "v", size = 2}]
        [[parts]]
        name = "*.c_attn.weight"
        find = "c_attn"
        axis = 1
        transpose = true
        part = [{name = "x", size = 2}, {name = "y", size = 6}]
        [[parts]]
        name = "experts.gate_up"
        find = "gate_up"
        stack = 3
        part = [{name = "{i}.gate.weight", size = 4}, {name = "{i}.up.weight", size = 4}]
        [[rule]]
        role = "attention.query"
        rank = [2]
        scheme = "xavier_normal"
        [[rule]]
        rank = [2]
        scheme = "kaiming_uniform"
        [[rule]]
        scheme = "normal(std = 1)"
    "#;
    let recipe = Recipe::parse("parts.toml", text).unwrap().finish(None).unwrap();
    let tensors = recipe.manifest(&recipe.numbers()).unwrap();
    let assignment = recipe.assign(&tensors).unwrap();
    let mut plan = Plan::new(StreamVersion::V1, 7);
    let stored: Vec<Vec<f32>> =
        assignment.tensors.iter().map(|a| values(&plan.push(&a.spec).unwrap().fill())).collect();
    // The same logical tensors, each stored alone.
    let alone = |name: &str, dims: &[u64], scheme: &str| {
        let spec = crate::plan::TensorSpec::new(name, dims, scheme.parse().unwrap()).unwrap();
        values(&Plan::new(StreamVersion::V1, 7).push(&spec).unwrap().fill())
    };
    let (q, k) = (alone("l.1.q.weight", &[6, 6], "xavier_normal"), alone("l.1.k.weight", &[6, 6], "kaiming_uniform"));
    let bias = alone("l.0.v.bias", &[6], "normal(std=1)");
    for head in 0..3 {
        for row in 0..2 {
            for col in 0..6 {
                let at = |part: usize| (head * 6 + part * 2 + row) * 6 + col;
                assert_eq!(stored[1][at(0)], q[(head * 2 + row) * 6 + col]);
                assert_eq!(stored[1][at(1)], k[(head * 2 + row) * 6 + col]);
            }
            assert_eq!(stored[2][head * 6 + 4 + row], bias[head * 2 + row]);
        }
    }
    let y = alone("l.0.y.weight", &[6, 6], "kaiming_uniform");
    let up = alone("experts.2.up.weight", &[4, 5], "kaiming_uniform");
    for row in 0..6 {
        for col in 0..6 {
            assert_eq!(stored[4][row * 8 + 2 + col], y[col * 6 + row]);
        }
    }
    assert_eq!(&stored[5][2 * 40 + 20..], &up[..]);
    assert_eq!(assignment.tensors[0].logical[0].role, Role::Query);
    assert_eq!(assignment.tensors[2].logical[0].layer, Some(0));
}

#[test]
fn groups_of_a_convolution_are_blocks_with_fans_of_their_own() {
    let text = r#"
        [[tensor]]
        name = "conv.weight"
        shape = [12, 2, 5]
        role = "conv"
        [[parts]]
        name = "conv.weight"
        find = "weight"
        blocks = 4
        part = [{name = "weight.{i}"}]
        [[rule]]
        scheme = "xavier_normal"
    "#;
    let recipe = Recipe::parse("conv.toml", text).unwrap().finish(None).unwrap();
    let assignment = recipe.assign(&recipe.manifest(&recipe.numbers()).unwrap()).unwrap();
    let mut plan = Plan::new(StreamVersion::V1, 3);
    let planned = plan.push(&assignment.tensors[0].spec).unwrap();
    let names: Vec<&str> = planned.parts().iter().map(|p| p.name()).collect();
    assert_eq!(names, ["conv.weight.0", "conv.weight.1", "conv.weight.2", "conv.weight.3"]);
    // torch's formula on the whole tensor would count 12 outputs: each group has 3.
    assert_eq!(planned.parts()[3].law().std(), (2.0f64 / (2.0 * 5.0 + 3.0 * 5.0)).sqrt());
    let fill = |spec| values(&Plan::new(StreamVersion::V1, 3).push(spec).unwrap().fill());
    let alone = crate::plan::TensorSpec::new("conv.weight.2", [3, 2, 5], "xavier_normal".parse().unwrap()).unwrap();
    assert_eq!(fill(&assignment.tensors[0].spec)[60..90], fill(&alone)[..]);
}
