//! tests/data/fixtures/vision.json and tests/data/vision/expected.tsv.

use super::patterns::expand;
use seedbed::law::Law;
use seedbed::model_plan::HeaderTensor;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A tensor of a model, as the library has it.
pub struct Row {
    pub tensor: HeaderTensor,
    pub is_buffer: bool,
    /// The law of torch's layer that holds it, before anyone initializes it. `None` where no layer of torch does.
    pub torch: Option<Law>,
    /// The law by which the library leaves it. `None` where it computes the values in a way of its own.
    pub own: Option<Law>,
}

/// The models of the fixture: `group/name` and the tensors by name.
pub fn models() -> BTreeMap<String, BTreeMap<String, Row>> {
    let fixture: Value = serde_json::from_str(&read("fixtures/vision.json")).unwrap();
    let words: Vec<&str> = fixture["words"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    let models = fixture.as_object().unwrap().iter().filter(|(key, _)| key.contains('/'));
    let row = |name: String, row: &Value| {
        let word = |i: usize| Some(words[row.get(i)?.as_u64()? as usize]);
        let dims: Vec<u64> = row[0].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        let dtype = word(4).unwrap_or("F32").to_owned();
        Row {
            tensor: HeaderTensor { name, dims, dtype },
            is_buffer: word(1).unwrap().starts_with("buffer "),
            torch: word(2).and_then(law),
            own: word(3).or(word(2)).and_then(law),
        }
    };
    models
        .map(|(model, tensors)| {
            let patterns = tensors.as_object().unwrap().iter();
            let rows = patterns.flat_map(|(pattern, value)| {
                expand(pattern).into_iter().map(|name| (name.clone(), row(name, value))).collect::<Vec<_>>()
            });
            (model.clone(), rows.collect())
        })
        .collect()
}

/// What is known of each model not to be told, or to be told otherwise than the library has it: by kind (`unknown`,
/// `differs`, `other`) and model, the tensors.
pub fn expected() -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for line in read("vision/expected.tsv").lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [kind, model, pattern] = columns[..] else { panic!("{line}") };
        found.entry((kind.to_owned(), model.to_owned())).or_default().extend(expand(pattern));
    }
    found
}

fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A law as tests/data/vision/record.py writes it. `None` for values that are no law's.
fn law(text: &str) -> Option<Law> {
    let Some((kind, numbers)) = text.split_once('(') else {
        return text.parse().ok().map(|c| Law::constant(c).unwrap());
    };
    let numbers: Vec<f64> = numbers.trim_end_matches(')').split(", ").map(|n| n.parse().unwrap()).collect();
    let law = match (kind, &numbers[..]) {
        ("constant", &[c]) => Law::constant(c),
        ("uniform", &[lo, hi]) => Law::uniform(lo, hi),
        ("normal", &[mean, std]) => Law::normal(mean, std),
        // Cut where no value lies.
        ("truncated", &[mean, std, lo, hi]) if (mean - lo).min(hi - mean) > 8.0 * std => Law::normal(mean, std),
        ("truncated", &[mean, std, lo, hi]) => Law::truncated_normal(mean, std, lo, hi),
        ("measured", _) => return None,
        _ => panic!("{text}"),
    };
    Some(law.unwrap())
}
