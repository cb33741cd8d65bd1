//! The roles that names tell, against those that the families' code gives.

use crate::model::tests::fixtures;
use crate::model::{Family, Model, ModelTensor, Role};
use crate::recipe::Recipe;
use crate::recipe::roles::{kind_of, of_name};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Where a name tells another role than the family's code, because the code knows what the name cannot say: (family,
/// role by the code, role by the name).
const ACCEPTED: &[(&str, Role, Role)] = &[
    // Whether the norm multiplies by its weight or by 1 + weight.
    ("gemma2", Role::NormOffset, Role::Norm),
    ("gemma3", Role::NormOffset, Role::Norm),
    ("gemma3_text", Role::NormOffset, Role::Norm),
    // Frozen sines and cosines, under the name of learned positions.
    ("whisper", Role::Sinusoid, Role::Position),
    // How much each layer weighs for the classes of a recording.
    ("whisper", Role::Scale, Role::Other),
    // The head of masked image modeling, `decoder.0.weight`: a kernel of a module called decoder.
    ("vit", Role::Head, Role::Other),
    // CLIP's is told by what stands beside it.
    ("clip", Role::Scale, Role::Other),
    // The classifier of audio has a matrix before it, whose name is any projection's.
    ("whisper", Role::Projection, Role::Other),
];

/// The role by name of every tensor of every fixture, against the role that the family's code gives it.
#[test]
fn names_tell_the_roles_that_the_families_give() {
    let mut told = HashMap::new();
    let mut kinds: BTreeMap<&str, BTreeSet<(String, Role, Role)>> = BTreeMap::new();
    for (_, fixture) in [false, true].into_iter().flat_map(fixtures) {
        let model = Model::from_json(&fixture["config"].to_string()).unwrap();
        let kinds = kinds.entry(model.family().model_type()).or_default();
        for t in model.tensors() {
            let (kind, rank) = (kind_of(&t.name), t.shape.rank());
            let by_name = *told
                .entry((kind.clone(), rank))
                .or_insert_with(|| of_name(&t.name, rank).map_or(Role::Other, |(role, _)| role));
            kinds.insert((kind, t.role, by_name));
        }
    }
    assert_eq!(kinds.len(), Family::all().len());
    let mut differences = BTreeSet::new();
    for (family, kinds) in &kinds {
        let differ = kinds.iter().filter(|(_, code, name)| code != name);
        println!("{family}: {} of {} names tell the role", kinds.len() - differ.clone().count(), kinds.len());
        for (kind, code, name) in differ {
            println!("    {kind}: {code} by the family, {name} by the name");
            differences.insert((*family, *code, *name));
        }
    }
    assert_eq!(differences, ACCEPTED.iter().copied().collect());
}

/// Where neighbors and names together tell another role than the family's code.
const ACCEPTED_TOGETHER: &[(&str, Role, Role)] = &[
    ("gemma2", Role::NormOffset, Role::Norm),
    ("gemma3", Role::NormOffset, Role::Norm),
    ("gemma3_text", Role::NormOffset, Role::Norm),
    ("whisper", Role::Sinusoid, Role::Position),
    // A linear layer whose place nothing tells; weights of layers that a classifier of audio adds up.
    ("whisper", Role::Projection, Role::Linear),
    ("whisper", Role::Scale, Role::Other),
    ("vit", Role::Head, Role::Conv),
    // SigLIP's pooling head is torch's MultiheadAttention.
    ("gemma3", Role::Bias, Role::AttentionBias),
];

/// Without a config: roles, layouts, and the fans of biases of every tensor of every fixture.
#[test]
fn neighbors_and_names_tell_what_the_families_give() {
    let mut differences = BTreeSet::new();
    let mut wrong = BTreeSet::new();
    let mut biases = 0;
    for (_, fixture) in [false, true].into_iter().flat_map(fixtures) {
        let model = Model::from_json(&fixture["config"].to_string()).unwrap();
        let family = model.family().model_type();
        // A header has names and shapes alone.
        let bare = |t: &ModelTensor| ModelTensor::new(t.name.clone(), t.shape.dims(), Role::Other).unwrap();
        let mut tensors: Vec<ModelTensor> = model.tensors().iter().map(bare).collect();
        Recipe::builtin("fixed", None).unwrap().finish(None).unwrap().find_roles(&mut tensors).unwrap();
        for (told, t) in tensors.iter().zip(model.tensors()) {
            if told.role != t.role {
                differences.insert((family, t.role, told.role));
            }
            // A convolution that is not grouped has torch's fans in either layout.
            let fans = |t: &ModelTensor| t.layout.fans(&t.shape).ok().or(t.fans).map(|fans| fans.fan_in);
            if told.role == Role::Bias {
                biases += 1;
            }
            let is_alone = matches!(t.role, Role::Bias | Role::SsmDtBias) && told.fans.is_none();
            if fans(told) != fans(t) && !is_alone {
                wrong.insert((family, kind_of(&t.name), format!("{:?} {:?}", fans(t), fans(told))));
            }
        }
    }
    assert_eq!(differences, ACCEPTED_TOGETHER.iter().copied().collect());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(biases > 1000, "{biases}");
}
