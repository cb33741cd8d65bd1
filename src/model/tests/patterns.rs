//! The names of fixtures, of which those that differ by numbers alone are written once: tests/data/patterns.py.

/// The names of a pattern: `{0-3,7}` is each of these numbers.
pub fn expand(pattern: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    for piece in pattern.split('{') {
        let (numbers, text) = piece.split_once('}').unwrap_or(("", piece));
        let spans = numbers.split(',').filter(|s| !s.is_empty()).flat_map(|span| {
            let (first, last) = span.split_once('-').unwrap_or((span, span));
            first.parse::<u64>().unwrap()..=last.parse().unwrap()
        });
        let mut spans: Vec<String> = spans.map(|n| n.to_string()).collect();
        if numbers.is_empty() {
            spans.push(String::new());
        }
        names = names.iter().flat_map(|n| spans.iter().map(move |s| format!("{n}{s}{text}"))).collect();
    }
    names
}
