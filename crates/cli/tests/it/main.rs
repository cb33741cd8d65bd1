//! The binary, as a user runs it.

mod adapters;
mod bad;
mod bench;
mod buffers;
mod examples;
mod files;
mod gpu;
mod grown;
mod limits;
mod manners;
mod models;
#[cfg(target_os = "linux")]
mod mounts;
mod neighbors;
mod python;
mod recipes;
mod recorded;
mod rooms;
mod saved;
mod schemes;
mod shards;
mod sources;
mod tables;
#[cfg(unix)]
mod terminal;

use seedbed::model::Model;
use seedbed::plan::TensorSpec;
use seedbed::recipe::Recipe;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const GPT2: &str =
    r#"{"model_type": "gpt2", "n_layer": 2, "n_embd": 24, "n_head": 2, "n_positions": 10, "vocab_size": 31}"#;
const LLAMA: &str = r#"{"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 40,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 33, "pad_token_id": 3,
    "torch_dtype": "bfloat16"}"#;

/// The binary in a directory, without a desktop session.
fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    command.current_dir(dir).args(args).env_remove("XDG_RUNTIME_DIR");
    command
}

fn seedbed(dir: &Path, args: &[&str]) -> Output {
    command(dir, args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The exit code of a run that a signal ended.
fn code_of(signal: &str) -> i32 {
    match signal {
        "-HUP" => 129,
        "-INT" => 130,
        "-TERM" => 143,
        other => panic!("no exit code is known for {other}"),
    }
}

/// Runs the binary until `ready`, then signals it: its output, once it has ended with the signal's exit code.
fn interrupted(dir: &Path, args: &[&str], signal: &str, ready: impl Fn() -> bool) -> Output {
    let mut child = command(dir, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !ready() {
        assert!(child.try_wait().unwrap().is_none(), "{args:?}: ended before the signal");
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(code_of(signal)), "{}", text(&output.stderr));
    output
}

/// What a run that must succeed prints on stdout.
fn run(dir: &Path, args: &[&str]) -> String {
    let output = seedbed(dir, args);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

/// What a run prints on stdout that ends with this exit code.
fn ends(dir: &Path, args: &[&str], code: i32) -> String {
    let output = seedbed(dir, args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

fn json(dir: &Path, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&run(dir, args)).unwrap()
}

/// The tensors of a config with `transformers`' own laws, of the config's dtype.
fn specs(config: &str) -> Vec<TensorSpec> {
    let model = Model::from_json(config).unwrap();
    let recipe = Recipe::default().finish(Some(&model)).unwrap();
    let dtype = model.dtype().unwrap().unwrap_or(seedbed::DType::F32);
    recipe.assign(model.tensors()).unwrap().tensors.into_iter().map(|a| a.spec.dtype(dtype)).collect()
}

/// A directory with the configs `gpt2.json` and `llama.json`.
fn dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("gpt2.json"), GPT2).unwrap();
    std::fs::write(dir.path().join("llama.json"), LLAMA).unwrap();
    dir
}

/// The paths below a directory, sorted.
fn listing(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(listing(&path));
        }
        found.push(path.display().to_string());
    }
    found.sort();
    found
}
