//! Where a plan begins tensors otherwise than `transformers` does, for a model type of the library that has no recipe
//! of its own here.

use crate::Scheme;
use crate::model::{LibraryType, ModelTensor};
use crate::plan::{Plan, PlannedTensor};
use crate::value::law::Law;
use crate::value::shape::Layout;
use crate::value::text::and_more;
use std::collections::BTreeMap;

/// A line for each law of the library that the plan does not follow: how many tensors, the first, and the two laws.
///
/// `tensors` holds those of the plan and others, by any order.
pub(super) fn differences(library: &LibraryType, tensors: &[ModelTensor], plan: &Plan) -> Vec<String> {
    let known: BTreeMap<&str, &ModelTensor> = tensors.iter().map(|t| (t.name.as_str(), t)).collect();
    // Of each the first tensor's number in the plan, its two laws, and how many tensors there are.
    let mut found: BTreeMap<(String, String), (usize, String, usize)> = BTreeMap::new();
    for (at, planned) in plan.tensors().iter().enumerate() {
        let Some(tensor) = known.get(planned.name()) else { continue };
        let theirs = library.law(tensor);
        let Some(ours) = other_law(planned, &theirs) else { continue };
        // Laws that go by fans differ from tensor to tensor: one line stands for all of a scheme.
        let kind = ours.split('(').next().unwrap_or_default().to_owned();
        found.entry((theirs, kind)).or_insert((at, ours, 0)).2 += 1;
    }
    let mut lines: Vec<_> = found.into_iter().collect();
    // In the order of the plan.
    lines.sort_by_key(|(_, (first, ..))| *first);
    let line = |((theirs, _), (first, ours, count)): ((String, String), (usize, String, usize))| {
        let planned = &plan.tensors()[first];
        let (name, more) = (planned.name(), and_more(count - 1));
        let theirs = law_of(planned, &theirs).map_or(theirs, |law| law.to_string());
        format!("{name}{more}: {ours}; transformers begins {} with {theirs}", library.model_type())
    };
    lines.into_iter().map(line).collect()
}

/// The plan's law of a tensor as text, where it is not the library's.
fn other_law(planned: &PlannedTensor, theirs: &str) -> Option<String> {
    let theirs = law_of(planned, theirs);
    let other = planned.parts().iter().find(|part| theirs.as_ref() != Some(part.law()));
    other.map(|part| part.law().to_string())
}

/// The library's law, where its text is a scheme and not words. None of these schemes goes by fans.
fn law_of(planned: &PlannedTensor, theirs: &str) -> Option<Law> {
    theirs.parse::<Scheme>().ok()?.law(planned.shape(), &Layout::default()).ok()
}
