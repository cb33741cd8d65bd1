//! Memory and disk: what is allowed, and what comes of too little.

use super::bad::refused;
use super::{command, dir, listing, run, text};
use std::fs;
use std::path::Path;

/// Bytes of the process's largest resident set, by its last look at itself before it ended.
#[cfg(target_os = "linux")]
fn peak(dir: &Path, args: &[&str]) -> u64 {
    let mut child =
        command(dir, args).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    loop {
        let ended = child.try_wait().unwrap();
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        if let Some(kib) = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()) {
            peak = peak.max(kib << 10);
        }
        if let Some(status) = ended {
            assert!(status.success());
            assert!(peak > 0);
            return peak;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn peak_memory_stays_within_the_budget_and_128_mib() {
    let dir = dir();
    // 512 MB in one tensor, and a model of 420 MB.
    let large = r#"{"model_type": "gpt2", "n_layer": 2, "n_embd": 2048, "n_head": 16, "vocab_size": 1000}"#;
    fs::write(dir.path().join("large.json"), large).unwrap();
    let fill = ["fill", "--shape", "128000000", "--scheme", "zeros", "-o", "w", "--device", "cpu", "--no-sync"];
    let init = ["init", "large.json", "-o", "m", "--device", "cpu", "--no-sync"];
    for (memory, budget) in [("8MiB", 8 << 20), ("64MiB", 64 << 20)] {
        for args in [&fill[..], &init[..]] {
            let peak = peak(dir.path(), &[args, &["--force", "--memory", memory]].concat());
            assert!(peak <= budget + (128 << 20), "{args:?} {memory}: {peak}");
        }
    }
}

#[test]
fn a_budget_that_is_too_small_is_an_error_with_the_numbers() {
    let dir = dir();
    let expected = "buffer: a memory of 1048576 bytes is too small: 4194304 are needed";
    let memory = ["--device", "cpu", "--memory", "1MiB"];
    let fill = ["fill", "--shape", "9", "--scheme", "ones", "-o"];
    for args in [&["init", "gpt2.json", "-o", "m"][..], &[&fill[..], &["w"]].concat(), &[&fill[..], &["-"]].concat()] {
        let error = refused(dir.path(), &[args, &memory[..]].concat());
        assert!(error.starts_with(expected) && error.ends_with("; --memory allows more"), "{error}");
    }
}

#[test]
fn no_room_is_found_before_anything_is_written() {
    let dir = dir();
    // 2^59 bytes: more than any disk has.
    let args = ["fill", "--shape", "144115188075855872", "--scheme", "zeros", "-o", "w", "--device", "cpu"];
    let error = refused(dir.path(), &args);
    assert!(error.starts_with("w: No space left on device: 5764607523034238"), "{error}");
    assert!(error.contains(" bytes needed, ") && error.ends_with(" free"), "{error}");
    // Before the seed is drawn or a device opened, for a model too.
    let huge = r#"{"model_type": "gpt2", "n_layer": 900, "n_embd": 100000, "n_head": 10}"#;
    fs::write(dir.path().join("huge.json"), huge).unwrap();
    let error = refused(dir.path(), &["init", "huge.json", "-o", "deep/m", "--max-shard-size", "1TB"]);
    assert!(error.starts_with("deep/m/model-00001-of-"), "{error}");
    assert!(error.contains(": No space left on device: ") && error.ends_with(" free"), "{error}");
}

/// A limit on the size of files, which only the write meets: the disk seemed large enough.
#[test]
#[cfg(target_os = "linux")]
fn a_write_that_fails_midway_leaves_what_was_there() {
    let dir = dir();
    run(dir.path(), &["init", "llama.json", "-o", "m", "--device", "cpu"]);
    let wide = super::GPT2.replace("\"n_layer\"", "\"n_inner\": 1000, \"n_layer\"");
    fs::write(dir.path().join("wide.json"), wide).unwrap();
    let before = listing(dir.path());
    for (args, expected) in [
        ("init wide.json -o m --force --max-shard-size 13824", "error: m/model-000"),
        ("init wide.json -o n", "error: n/model.safetensors: File too large"),
        ("fill --shape 99999 --scheme ones -o w", "error: w: File too large"),
    ] {
        // Blocks of 512 bytes: the table and some of the shards fit, the largest do not.
        let limited = format!("ulimit -f 120; exec \"$0\" {args} --device cpu");
        let output = std::process::Command::new("sh")
            .current_dir(dir.path())
            .args(["-c", &limited, env!("CARGO_BIN_EXE_seedbed")])
            .output()
            .unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args}: {stderr}");
        let error = stderr.lines().last().unwrap_or_default();
        assert!(error.starts_with(expected) && error.contains("File too large"), "{args}: {stderr}");
        assert_eq!(listing(dir.path()), before, "{args}");
    }
    let verified = run(dir.path(), &["verify", "m", "--device", "cpu"]);
    assert!(verified.contains("tensors equal"), "{verified}");
}
