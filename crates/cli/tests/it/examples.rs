//! Every example in the help of the subcommands, and every command of the binary in README, runs.

use super::{GPT2, LLAMA, run, text};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The example lines of help.
fn of_help(dir: &Path) -> Vec<String> {
    let mut examples = Vec::new();
    for command in
        ["init", "fill", "plan", "schemes", "recipes", "inspect", "verify", "selftest", "bench", "completions", "man"]
    {
        let help = run(dir, &[command, "--help"]);
        let found: Vec<&str> =
            help.lines().filter_map(|l| l.strip_prefix("  ")).filter(|l| l.starts_with("seedbed ")).collect();
        assert!(!found.is_empty(), "{command} has no example");
        // Help is 100 columns wide where the width is not known: a longer example would be cut in two.
        assert!(found.iter().all(|line| line.len() <= 98), "{found:?}");
        examples.extend(found.iter().map(|line| (*line).to_owned()));
    }
    examples
}

/// The commands of the binary in README, without the comments after them. `cargo run` is the binary of this test.
fn of_readme() -> Vec<String> {
    let readme = include_str!("../../../../README.md");
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut lines: Vec<String> = blocks
        .flat_map(str::lines)
        .map(|line| line.replace("cargo run --release -- ", "seedbed "))
        .filter(|line| line.starts_with("seedbed "))
        .map(|line| line.split("  #").next().unwrap().to_owned())
        .collect();
    assert!(lines.len() >= 15, "{lines:?}");
    // The first command stands there twice, by cargo and by its name.
    lines.dedup();
    lines
}

/// What the examples are told to find: small models under the names of the large ones.
fn prepare(dir: &Path) {
    let write = |name: &str, config: &str| {
        fs::create_dir_all(dir.join(name)).unwrap();
        fs::write(dir.join(name).join("config.json"), config).unwrap();
    };
    write("examples/gpt2", GPT2);
    write("examples/llama-3.2-1b", LLAMA);
    write("bigger", &GPT2.replace("\"n_layer\": 2", "\"n_layer\": 3"));
    run(dir, &["init", "examples/gpt2", "-o", "old", "--device", "cpu"]);
    run(dir, &["fill", "--shape", "3", "--scheme", "ones", "-o", "moved.safetensors", "--device", "cpu"]);
    // jq is not everywhere: what it is given must be JSON, which the tests of --json see to.
    fs::create_dir(dir.join("bin")).unwrap();
    fs::write(dir.join("bin/jq"), "#!/bin/sh\ncat\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(dir.join("bin/jq"), executable).unwrap();
}

/// Runs the lines as a shell does. Those that measure or need a device are only read by the command line: with --help
/// at the end it refuses a wrong flag or value before it prints the help.
fn run_all(lines: &[String]) {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    let binary = Path::new(env!("CARGO_BIN_EXE_seedbed")).parent().unwrap();
    let path = std::env::join_paths(
        [dir.path().join("bin"), binary.to_path_buf()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    for line in lines {
        let read_only = ["bench", "selftest"].iter().any(|c| line.starts_with(&format!("seedbed {c}")))
            || line.contains("--device gpu");
        let script = if read_only { format!("{line} --help") } else { line.clone() };
        // A failure on the left of a pipe counts too.
        let script = format!("set -o pipefail; {script}");
        let mut shell = Command::new("bash");
        shell.current_dir(dir.path()).env("PATH", &path).env_remove("XDG_RUNTIME_DIR").args(["-c", &script]);
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    }
}

#[test]
#[cfg(unix)]
fn the_examples_of_help_run() {
    let lines = of_help(tempfile::tempdir().unwrap().path());
    run_all(&lines);
}

#[test]
#[cfg(unix)]
fn the_commands_of_readme_run() {
    run_all(&of_readme());
}
