//! What a terminal gets: tables and help as wide as it is, and progress. In a pipe a row is a line.

use super::{command, dir, run, text};
use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;
use std::process::Stdio;

/// A terminal of so many columns: the side that a program sees, and the side that shows what the program writes.
fn terminal(columns: u16) -> (OwnedFd, File) {
    let size = libc::winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let (mut shown, mut seen) = (-1, -1);
    // SAFETY: the two descriptors and the size are on this stack; the name and the settings may be null.
    let result = unsafe {
        libc::openpty(
            &raw mut shown,
            &raw mut seen,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            (&raw const size).cast(),
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: both were opened just now, and nothing else owns them.
    unsafe { (OwnedFd::from_raw_fd(seen), File::from_raw_fd(shown)) }
}

/// What a run that must succeed shows on a terminal, stdout and stderr together.
fn shown(dir: &Path, columns: u16, args: &[&str]) -> String {
    let (seen, mut shown) = terminal(columns);
    let mut command = command(dir, args);
    // Colors would count as columns here.
    command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(seen.try_clone().unwrap()).stderr(seen);
    let mut child = command.spawn().unwrap();
    // The command holds the program's side of the terminal open, which would not end.
    drop(command);
    let mut bytes = Vec::new();
    // The end of a terminal is an error on Linux.
    let _ = shown.read_to_end(&mut bytes);
    assert!(child.wait().unwrap().success(), "{args:?}: {}", String::from_utf8_lossy(&bytes));
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn tables_and_help_take_the_width_of_the_terminal() {
    let dir = dir();
    for columns in [60, 120] {
        for args in [&["plan", "gpt2.json", "-q"][..], &["recipes"], &["schemes"], &["devices"]] {
            let lines = shown(dir.path(), columns, args);
            assert!(!lines.is_empty(), "{args:?}");
            // A table, not the lines of text around it.
            let summary = lines.lines().last().unwrap_or_default();
            let table = lines.replace(summary, "");
            assert!(widest(&table) <= usize::from(columns), "{args:?} {columns}: {lines}");
        }
        let help = shown(dir.path(), columns, &["init", "--help"]);
        assert!(widest(&help) <= usize::from(columns), "{help}");
    }
    assert!(widest(&shown(dir.path(), 120, &["init", "--help"])) > 80);
    // Only what is too long is wrapped.
    let wide = shown(dir.path(), 120, &["recipes"]);
    for name in ["zero-residual ", "deepnorm-encoder-decoder ", "transformers/llama "] {
        assert!(wide.lines().any(|line| line.starts_with(name)), "{name}: {wide}");
    }
}

#[test]
fn in_a_pipe_a_row_is_a_line_whatever_the_width() {
    let dir = dir();
    for args in [&["plan", "gpt2.json"][..], &["recipes"], &["schemes"], &["plan", "gpt2.json", "--table"]] {
        let plain = run(dir.path(), args);
        let output = command(dir.path(), args).env("COLUMNS", "40").output().unwrap();
        assert_eq!(text(&output.stdout), plain, "{args:?}");
    }
    let table = run(dir.path(), &["plan", "gpt2.json", "--table"]);
    // A line for each tensor, the heading and the summary.
    assert_eq!(table.lines().count(), 28 + 2);
    let line = table.lines().find(|line| line.starts_with("transformer.h.1.mlp.c_proj.weight ")).unwrap();
    assert!(line.contains(" mlp.out ") && line.contains("[-0.0677") && widest(line) > 120, "{line}");
}

#[test]
fn progress_is_shown_on_a_terminal_alone_and_not_when_quiet() {
    let dir = dir();
    let fill = ["fill", "--shape", "30000000", "--scheme", "normal(0, 1)", "-o", "w", "--force", "--device", "cpu"];
    let loud = shown(dir.path(), 80, &fill);
    assert!(loud.contains(" left") && loud.contains("MB"), "{loud:?}");
    let quiet = shown(dir.path(), 80, &[&fill[..], &["--quiet"]].concat());
    assert_eq!(quiet, "w: weight 30000000 f32, 120.0 MB\n");
    let output = command(dir.path(), &fill).output().unwrap();
    assert!(!text(&output.stderr).contains(" left"), "{}", text(&output.stderr));
}
