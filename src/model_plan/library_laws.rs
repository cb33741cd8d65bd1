//! Where a plan begins tensors otherwise than `transformers` does, for a model type of the library that has no recipe
//! of its own here.

use crate::Scheme;
use crate::model::{LibraryType, ModelTensor};
use crate::plan::{Plan, PlannedTensor};
use crate::value::law::Law;
use crate::value::shape::Layout;

use std::collections::BTreeMap;

/// A line for each law of the library that the plan does not follow: how many tensors, the first, and the two laws.
///
/// `tensors` holds those of the plan and others, by any order.
pub(super) fn differences(library: &LibraryType, tensors: &[ModelTensor], plan: &Plan) -> Vec<String> {
    let known: BTreeMap<&str, &ModelTensor> = tensors.iter().map(|t| (t.name.as_str(), t)).collect();
    let mut found: BTreeMap<(String, String), (&str, usize)> = BTreeMap::new();
    for planned in plan.tensors() {
        let Some(tensor) = known.get(planned.name()) else { continue };
        let theirs = library.law(tensor);
        let Some(ours) = other_law(planned, &theirs) else { continue };
        // Laws that go by fans differ from tensor to tensor: one line stands for all of a scheme.
        let kind = ours.split('(').next().unwrap_or_default().to_owned();
        let entry = found.entry((theirs, kind)).or_insert((planned.name(), 0));
        entry.1 += 1;
    }
    let mut lines: Vec<_> = found.into_iter().collect();
    // In the order of the plan.
    lines.sort_by_key(|(_, (first, _))| plan.tensors().iter().position(|t| t.name() == *first));
    let line = |((theirs, _), (first, count)): ((String, String), (&str, usize))| {
        let planned = plan.tensors().iter().find(|t| t.name() == first);
        let ours = planned.and_then(|t| other_law(t, &theirs)).unwrap_or_default();
        let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        let theirs = planned.and_then(|t| law_of(t, &theirs)).map_or(theirs, |law| law.to_string());
        format!("{first}{more}: {ours}; transformers begins {} with {theirs}", library.model_type())
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
