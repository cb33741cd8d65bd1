//! The roles that names tell, against those that the families' code gives.

use crate::model::tests::fixtures;
use crate::model::{Family, Model, Role};
use crate::recipe::role_names::{kind_of, of_name};
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
    ("vit", Role::Head, Role::Conv),
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
            let by_name = *told.entry((kind.clone(), rank)).or_insert_with(|| of_name(&t.name, rank));
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
