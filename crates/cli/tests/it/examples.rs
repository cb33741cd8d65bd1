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
    write(
        "bigger",
        &GPT2.replace("\"n_layer\": 2", "\"n_layer\": 3").replace("\"vocab_size\": 31", "\"vocab_size\": 40"),
    );
    run(dir, &["init", "examples/gpt2", "-o", "old", "--device", "cpu"]);
    // A classifier of two classes, which gets three.
    let classes = |n: u64| {
        let fields = format!("{{\"architectures\": [\"GPT2ForSequenceClassification\"], \"num_labels\": {n}, ");
        GPT2.replacen('{', &fields, 1)
    };
    write("classes", &classes(3));
    write("two-classes", &classes(2));
    run(dir, &["init", "two-classes", "-o", "two", "--device", "cpu"]);
    run(dir, &["fill", "--shape", "3", "--scheme", "ones", "-o", "moved.safetensors", "--device", "cpu"]);
    // jq is not everywhere: what it is given must be JSON, which the tests of --json see to.
    fs::create_dir(dir.join("bin")).unwrap();
    fs::write(dir.join("bin/jq"), "#!/bin/sh\ncat\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(dir.join("bin/jq"), executable).unwrap();
}

/// Whether a line measures, or needs a device.
fn is_for_a_device(line: &str) -> bool {
    ["bench", "selftest"].iter().any(|c| line.starts_with(&format!("seedbed {c}"))) || line.contains("--device gpu")
}

/// Runs the lines as a shell does.
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
        // A failure on the left of a pipe counts too.
        let script = format!("set -o pipefail; {line}");
        let mut shell = Command::new("bash");
        shell.current_dir(dir.path()).env("PATH", &path).env_remove("XDG_RUNTIME_DIR").args(["-c", &script]);
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    }
}

/// Lines that measure or need a device are only read by the command line, as they are written: with --help at the end
/// it refuses a wrong flag or value before it prints the help. [`gpu`] runs them with small numbers.
fn read_or_run(lines: Vec<String>) {
    let script = |line: String| if is_for_a_device(&line) { format!("{line} --help") } else { line };
    run_all(&lines.into_iter().map(script).collect::<Vec<_>>());
}

#[test]
#[cfg(unix)]
fn the_examples_of_help_run() {
    let lines = of_help(tempfile::tempdir().unwrap().path());
    read_or_run(lines);
}

#[test]
#[cfg(unix)]
fn the_commands_of_readme_run() {
    read_or_run(of_readme());
}

mod gpu {
    use super::*;

    /// A line with small numbers in place of its own, on the first adapter.
    fn small(line: &str) -> String {
        let (command, pipe) = line.split_once(" | ").map_or((line, String::new()), |(c, p)| (c, format!(" | {p}")));
        let mut words = Vec::new();
        let mut given = command.split(' ').filter(|word| !word.is_empty());
        while let Some(word) = given.next() {
            if ["--size", "--elements"].contains(&word) {
                given.next();
            } else {
                words.push(if word.starts_with("gpu:") { "gpu:0" } else { word });
            }
        }
        match words[1] {
            "bench" => words.extend(["--quick", "--size", "4096"]),
            "selftest" => words.extend(["--elements", "1000"]),
            _ => {}
        }
        words.join(" ") + &pipe
    }

    #[test]
    #[cfg(unix)]
    fn the_commands_that_measure_or_need_a_device_run() {
        let mut lines = of_help(tempfile::tempdir().unwrap().path());
        lines.extend(of_readme());
        lines.retain(|line| is_for_a_device(line));
        for command in ["seedbed bench", "seedbed selftest --device gpu"] {
            assert!(lines.iter().any(|line| line.trim_end() == command), "{lines:?}");
        }
        let mut lines: Vec<String> = lines.iter().map(|line| small(line)).collect();
        lines.sort();
        lines.dedup();
        run_all(&lines);
    }
}
