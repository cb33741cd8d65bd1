//! Text to stdout and stderr, and numbers as people read them.

use crate::outcome::Outcome;
use seedbed::Error;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Speech {
    /// Errors only.
    Quiet,
    /// Errors, warnings, the seed and the device.
    #[default]
    Normal,
    /// Also what was chosen, why, and how long it took.
    Verbose,
}

static SPEECH: AtomicU8 = AtomicU8::new(Speech::Normal as u8);

/// From now on this much is said.
pub fn set_speech(speech: Speech) {
    SPEECH.store(speech as u8, Ordering::Relaxed);
}

/// Whether only errors are said.
pub fn is_quiet() -> bool {
    SPEECH.load(Ordering::Relaxed) == Speech::Quiet as u8
}

/// Whether details are said.
pub fn is_verbose() -> bool {
    SPEECH.load(Ordering::Relaxed) == Speech::Verbose as u8
}

/// `error: text` on stderr, one line, always.
pub fn error(text: &str) {
    say("error", text);
}

/// `what: text` on stderr, one line, unless only errors are said.
pub fn note(what: &str, text: &str) {
    if !is_quiet() {
        say(what, text);
    }
}

/// `what: text` on stderr, one line, where details are said.
pub fn detail(what: &str, text: &str) {
    if is_verbose() {
        say(what, text);
    }
}

/// How long `what` took, where details are said.
pub fn time(what: &str, since: Instant) {
    detail("time", &format!("{what} in {:.3} s", since.elapsed().as_secs_f64()));
}

fn say(what: &str, text: &str) {
    // A stderr that is closed leaves nobody to tell.
    let _ = writeln!(io::stderr(), "{what}: {}", clean(text));
}

/// Lines on stderr as they stand, always: what belongs to an error and is made to be copied.
pub fn block(text: &str) {
    let lines: String = text.lines().map(|line| clean(line) + "\n").collect();
    // A stderr that is closed leaves nobody to tell.
    let _ = write!(io::stderr(), "{lines}");
}

/// Lines on stdout.
pub fn lines(lines: impl IntoIterator<Item = String>) -> Outcome {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let write = || {
        lines.into_iter().try_for_each(|line| writeln!(out, "{line}"))?;
        out.flush()
    };
    write().map_err(|e| Error::io("stdout", e).into())
}

/// Text or a script on stdout, as it stands.
pub fn bytes_out(bytes: &[u8]) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|e| Error::io("stdout", e).into())
}

/// JSON on stdout.
pub fn json(value: &impl serde::Serialize) -> Outcome {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut write = || {
        serde_json::to_writer_pretty(&mut out, value)?;
        writeln!(out)?;
        out.flush()
    };
    write().map_err(|e| Error::io("stdout", e).into())
}

/// The text with its control characters escaped: names come from files, and could otherwise steer the terminal.
pub fn clean(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// `1234567` as `1,234,567`.
pub fn count(n: impl Into<u128>) -> String {
    let digits = n.into().to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `497759232` as `497.8 MB`.
pub fn bytes(n: u64) -> String {
    let (mut value, mut unit) = (n as f64, "B");
    for next in ["kB", "MB", "GB", "TB", "PB", "EB"] {
        if value < 999.95 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    if unit == "B" { format!("{n} B") } else { format!("{value:.1} {unit}") }
}

/// Six significant digits, without zeros at the end.
pub fn number(x: f64) -> String {
    let trim = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    let scientific = format!("{x:.5e}");
    match scientific.split_once('e').map(|(digits, exponent)| (digits, exponent.parse::<i32>())) {
        Some((_, Ok(exponent))) if x != 0.0 && (-4..6).contains(&exponent) => {
            let text = format!("{x:.*}", usize::try_from(5 - exponent).unwrap_or(0));
            if text.contains('.') { trim(&text) } else { text }
        }
        Some((digits, Ok(exponent))) if x != 0.0 => format!("{}e{exponent}", trim(digits)),
        _ => format!("{x}"),
    }
}

/// `[768, 3072]` as `768x3072`, and `[]` as it stands.
pub fn shape(dims: &[u64]) -> String {
    if dims.is_empty() { "[]".to_owned() } else { dims.iter().map(u64::to_string).collect::<Vec<_>>().join("x") }
}

/// What is said of tensors whose first rows were kept from another checkpoint.
pub fn kept_rows(tensors: usize) -> String {
    match tensors {
        0 => String::new(),
        1 => "; 1 has kept rows, which are not compared".to_owned(),
        n => format!("; {n} have kept rows, which are not compared"),
    }
}

/// What is said of tensors that were copied from another checkpoint, or follow from such a one.
pub fn copied(tensors: usize) -> String {
    match tensors {
        0 => String::new(),
        1 => "; 1 comes from another checkpoint and is not compared".to_owned(),
        n => format!("; {n} come from another checkpoint and are not compared"),
    }
}

/// The value as text, and a dash where there is none.
pub fn or_dash<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0u64, 999, 1000, 124_439_808].map(count), ["0", "999", "1,000", "124,439,808"]);
        assert_eq!([0, 999, 1000, 999_960, 497_759_232].map(bytes), ["0 B", "999 B", "1.0 kB", "1.0 MB", "497.8 MB"]);
        let numbers = [0.0, 1.0, 0.02, -0.004_082_482_9, 123_456.7, 1_234_567.0, 1e-7, f64::NAN, 100.0];
        let expected = ["0", "1", "0.02", "-0.00408248", "123457", "1.23457e6", "1e-7", "NaN", "100"];
        assert_eq!(numbers.map(number), expected);
        assert_eq!(clean("a\nb\u{1b}[1mé"), "a\\nb\\u{1b}[1mé");
        assert_eq!([shape(&[]), shape(&[3]), shape(&[3, 4])], ["[]", "3", "3x4"]);
    }
}
