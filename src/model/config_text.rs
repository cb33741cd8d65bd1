//! The text of a config: JSON, and the two numbers beyond JSON that Python writes.

use crate::{DType, Error, Result};
use serde_json::{Map, Value};

/// Numbers that Python writes and JSON does not have, and the strings that stand for them here, which no config holds.
const INFINITIES: [(&str, &str); 2] = [("Infinity", r#""\u0000Infinity""#), ("-Infinity", r#""\u0000-Infinity""#)];

/// The top-level object.
pub(super) fn parse(text: &str) -> Result<Map<String, Value>> {
    let value: Value = serde_json::from_str(text)
        .or_else(|e| mark_infinities(text).and_then(|marked| serde_json::from_str(&marked).ok()).ok_or(e))
        .map_err(|e| Error::Config(format!("not JSON: {e}, near {:?}", near(text, e.line(), e.column()))))?;
    match value {
        Value::Object(map) => Ok(map),
        Value::Array(_) => Err(not_an_object("an array")),
        Value::String(_) => Err(not_an_object("a string")),
        other => Err(not_an_object(&other.to_string())),
    }
}

/// The text of a config that says which dtype the weights beside it have: `dtype` is set, and so is `torch_dtype` where
/// the config has it. `quantization_config` is removed; the other fields keep their values and their order.
///
/// `transformers` 5.23 takes `dtype` over `torch_dtype`; 4.46 reads `torch_dtype` alone, and goes by the file's
/// tensors where it is absent, so it is never added.
///
/// # Errors
/// [`Error::Config`] where the text is not a JSON object.
pub fn config_with_dtype(text: &str, dtype: DType) -> Result<String> {
    let mut map = parse(text)?;
    let name = Value::from(dtype.long_name());
    if let Some(old) = map.get_mut("torch_dtype") {
        *old = name.clone();
    }
    map.insert("dtype".to_owned(), name);
    // The weights beside the config are not quantized: a loader must not look for scales.
    map.remove("quantization_config");
    let text = serde_json::to_string_pretty(&map).map_err(|e| Error::Config(e.to_string()))?;
    Ok(unmark_infinities(&text) + "\n")
}

fn not_an_object(what: &str) -> Error {
    Error::Config(format!("expected a JSON object, found {what}"))
}

/// The text with strings for its bare `Infinity`, which is not JSON, but Python writes it, and configs of Mamba-2 hold
/// it. `None` where there is none.
fn mark_infinities(text: &str) -> Option<String> {
    let (mut marked, mut quoted) = (String::new(), false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let token = if c == '\\' && quoted { rest.chars().take(2).map(char::len_utf8).sum() } else { c.len_utf8() };
        let number = INFINITIES.iter().find(|(word, _)| !quoted && rest.starts_with(word));
        quoted ^= c == '"';
        let (from, to) = number.map_or((&rest[..token], &rest[..token]), |&(word, mark)| (word, mark));
        marked.push_str(to);
        rest = &rest[from.len()..];
    }
    (marked != text).then_some(marked)
}

/// The text with the infinities as Python writes them.
pub(super) fn unmark_infinities(text: &str) -> String {
    INFINITIES.iter().fold(text.to_owned(), |text, (word, mark)| text.replace(mark, word))
}

/// An error of serde without the names of Rust's types.
pub(super) fn plain(error: &str) -> String {
    for (rust, words) in [("u64", "a whole number"), ("i64", "a whole number"), ("f64", "a number")] {
        if let Some(head) = error.strip_suffix(&format!("expected {rust}")) {
            return format!("{head}expected {words}");
        }
    }
    error.to_owned()
}

/// The text around a syntax error: 40 bytes before it and 10 behind, of its line.
fn near(text: &str, line: usize, column: usize) -> String {
    let line = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default().as_bytes();
    let range = column.saturating_sub(40).min(line.len())..(column + 10).min(line.len());
    String::from_utf8_lossy(&line[range]).trim().to_owned()
}
