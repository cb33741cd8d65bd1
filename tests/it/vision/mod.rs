//! Models of torchvision and timm, and layers of torch, told by names and shapes alone: `torch-default` gives each
//! parameter what the layer of torch that holds it has by itself, or says that it does not know it. The fixture and the
//! table of docs/recipes.md are made by tests/data/vision.

mod fixture;
#[path = "../../../src/model/tests/patterns.rs"]
mod patterns;

use fixture::{Row, expected, models};
use seedbed::Error;
use seedbed::law::Law;
use seedbed::model::Told;
use seedbed::model_plan::{HeaderTensor, ModelPlan, ModelRequest};
use std::collections::{BTreeMap, BTreeSet};

/// No law of the fixture has more digits than 7.
const PRECISION: f64 = 1e-6;
/// The forty models of docs/recipes.md.
const FORTY: [&str; 2] = ["torchvision/", "timm/"];

fn request(model: &str, tensors: &BTreeMap<String, Row>, pasted: Option<&str>) -> ModelRequest {
    let header: Vec<HeaderTensor> = tensors.values().map(|row| row.tensor.clone()).collect();
    let request = ModelRequest::new().like(model, header);
    let request = pasted.into_iter().fold(request, |request, toml| request.recipe_text("pasted.toml", toml));
    request.recipe("torch-default")
}

/// The plan of a model, and the tensors that are unknown without the lines that the error gives: those that the lines
/// give a role or a law.
fn accepted(model: &str, tensors: &BTreeMap<String, Row>) -> (ModelPlan, BTreeSet<String>) {
    let (reason, toml) = match request(model, tensors, None).plan(0) {
        Ok(planned) => return (planned, BTreeSet::new()),
        Err(Error::UnknownTensors { reason, toml }) => (reason, toml),
        Err(error) => panic!("{model}: {error}"),
    };
    let pasted = request(model, tensors, Some(&toml));
    let planned = pasted.plan(0).unwrap_or_else(|e| panic!("{model}: {e}\n{toml}"));
    let with_role = pasted.explain().unwrap().into_iter().filter(|tensor| matches!(tensor.told, Told::Entry(_)));
    let with_law = planned.rows().filter(|row| row.rule.starts_with("pasted.toml:"));
    let unknown: BTreeSet<_> = with_role.map(|tensor| tensor.name).chain(with_law.map(|row| row.name)).collect();
    let count = reason.split(' ').find_map(|word| word.parse::<usize>().ok());
    assert_eq!(Some(unknown.len()), count, "{model}: {reason}\n{toml}");
    (planned, unknown)
}

fn is_same(ours: &Law, theirs: &Law) -> bool {
    let numbers = |law: &Law| [law.mean(), law.std(), law.range().0, law.range().1];
    let is_close = |a: f64, b: f64| (a - b).abs() <= PRECISION * a.abs().max(b.abs());
    std::mem::discriminant(ours) == std::mem::discriminant(theirs)
        && numbers(ours).into_iter().zip(numbers(theirs)).all(|(a, b)| is_close(a, b))
}

/// How the laws of a model compare: the names by kind. `differs`: not what torch's layer has. `other`: a law for a
/// parameter of none of torch's layers that is not the library's. And how many laws were compared with torch's.
fn compare(planned: &ModelPlan, tensors: &BTreeMap<String, Row>, unknown: &BTreeSet<String>) -> (Vec<Kind>, usize) {
    let (mut differs, mut other, mut count) = (BTreeSet::new(), BTreeSet::new(), 0);
    let ours: BTreeMap<&str, &Law> = planned.plan.tensors().iter().map(|t| (t.name(), t.parts()[0].law())).collect();
    for (name, row) in tensors.iter().filter(|(name, _)| !unknown.contains(*name)) {
        let law = ours.get(name.as_str());
        match (law, &row.torch, &row.own) {
            // A buffer is written as its layer has it, or copied, or left out: never drawn.
            (None, ..) if row.is_buffer => {}
            (None, ..) => panic!("{name}: left out"),
            (Some(law), Some(torch), _) => {
                count += usize::from(!row.is_buffer);
                if !is_same(law, torch) {
                    differs.insert(name.clone());
                }
            }
            (Some(law), None, _) if row.is_buffer => panic!("{name}: a buffer that is no layer's is {law}"),
            (Some(law), None, Some(own)) if is_same(law, own) => {}
            (Some(_), None, _) => {
                other.insert(name.clone());
            }
        }
    }
    (vec![("unknown", unknown.clone()), ("differs", differs), ("other", other)], count)
}

type Kind = (&'static str, BTreeSet<String>);

#[test]
fn every_law_is_torchs_own_or_unknown() {
    let mut known = expected();
    let (mut tensors, mut unknown, mut compared) = (0, 0, 0);
    for (model, rows) in models() {
        let (planned, not_known) = accepted(&model, &rows);
        let (kinds, count) = compare(&planned, &rows, &not_known);
        if FORTY.iter().any(|group| model.starts_with(group)) {
            (tensors, unknown, compared) = (tensors + rows.len(), unknown + not_known.len(), compared + count);
        }
        for (kind, names) in kinds {
            let known = known.remove(&(kind.to_owned(), model.clone())).unwrap_or_default();
            let new: Vec<_> = names.difference(&known).take(5).collect();
            let gone: Vec<_> = known.difference(&names).take(5).collect();
            assert!(new.is_empty() && gone.is_empty(), "{model}: {kind}: new {new:?}, no more {gone:?}");
        }
    }
    assert!(known.is_empty(), "no such models: {:?}", known.keys());
    assert!(unknown * 50 <= tensors, "{unknown} of {tensors} tensors are unknown: more than 2 %");
    assert!(compared > 7_000, "{compared} laws were compared");
}

#[test]
fn none_of_the_forty_has_a_law_of_torch_that_differs() {
    let known = expected();
    let differ = known.keys().filter(|(kind, model)| kind == "differs" && FORTY.iter().any(|g| model.starts_with(g)));
    assert_eq!(differ.count(), 0);
}

#[test]
fn another_law_is_told_from_torchs() {
    let (mut models, model) = (models(), "torchvision/mobilenet_v2");
    let rows = models.get_mut(model).unwrap();
    let (planned, unknown) = accepted(model, rows);
    // A batch norm of 0, a bias of 0, a matrix of another fan.
    for (name, law) in [
        ("features.0.1.weight", Law::constant(0.0)),
        ("classifier.1.bias", Law::constant(0.0)),
        ("classifier.1.weight", Law::uniform(-0.028, 0.028)),
    ] {
        rows.get_mut(name).unwrap().torch = Some(law.unwrap());
    }
    let (kinds, _) = compare(&planned, rows, &unknown);
    assert_eq!(kinds[1].1.len(), 3, "{:?}", kinds[1]);
}
