//! Bad input: one line that names the thing and the numbers, exit code 1, nothing left behind, never a panic.

use super::{command, dir, listing, run, seedbed, text};
use std::fs;
use std::path::Path;

/// The error line, of a run that must fail so and leave the directory as it is.
pub fn refused(dir: &Path, args: &[&str]) -> String {
    refused_with(1, dir, args)
}

/// The same with another exit code.
fn refused_with(code: i32, dir: &Path, args: &[&str]) -> String {
    let before = listing(dir);
    let output = seedbed(dir, args);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    assert_eq!(listing(dir), before, "{args:?}");
    assert!(output.stdout.is_empty(), "{args:?}: {}", text(&output.stdout));
    let lines: Vec<&str> = stderr.lines().filter(|l| !l.starts_with("seed: ") && !l.starts_with("device: ")).collect();
    let [line] = lines[..] else { panic!("{args:?}: {stderr}") };
    line.strip_prefix("error: ").unwrap_or_else(|| panic!("{args:?}: {stderr}")).to_owned()
}

#[test]
fn a_bad_tensor_is_refused() {
    let dir = dir();
    for (shape, scheme, more, expected) in [
        ("3", "bogus", "", "tensor weight: unknown scheme \"bogus\": expected "),
        ("3", "normal(0, 0)", "", "tensor weight: scheme \"normal(0, 0)\": std 0"),
        ("3", "normal(0, -1)", "", "tensor weight: scheme \"normal(0, -1)\": std -1"),
        ("3", "normal(0, inf)", "", "tensor weight: scheme \"normal(0, inf)\": std inf"),
        ("3", "normal(0, NaN)", "", "tensor weight: scheme \"normal(0, NaN)\": std NaN"),
        ("3", "uniform(1, 1)", "", "tensor weight: scheme \"uniform(1, 1)\": uniform on (1, 1): needs finite lo < hi"),
        (
            "3",
            "truncated_normal(std=1, lo=2, hi=2, bounds=sigma)",
            "",
            "tensor weight: scheme \"truncated_normal(std=1, lo=2, hi=2, bounds=sigma)\": truncated normal on \
             [2, 2]: the window is empty",
        ),
        (
            "3",
            "normal(0, 20000)",
            "--dtype=f16",
            "tensor weight: normal(mean=0, std=20000): N(0, 20000^2): values reach ",
        ),
        ("3", "xavier_normal", "", "tensor weight: shape [3]: xavier_normal(gain=1): rank 1 has no fan_in"),
        ("3,0", "zeros", "", "tensor weight: shape [3, 0]: dimension 1 is 0"),
        ("-3", "zeros", "", "tensor weight: shape \"-3\": \"-3\" is not a whole number"),
        ("", "zeros", "", "tensor weight: shape \"\": \"\" is not a whole number"),
        (
            "4294967296,4294967296",
            "zeros",
            "",
            "tensor weight: shape [4294967296, 4294967296]: more than 2^60 elements",
        ),
        ("3,4", "zeros", "--layout=sideways", "tensor weight: unknown layout \"sideways\""),
        (
            "3,4",
            "zeros",
            "--slab=0:1",
            "tensor weight: slab 0:1: one axis given, the tensor of shape [3, 4] has 2 axes",
        ),
        ("3,4", "zeros", "--slab=0:3,1:4", "tensor weight: slab 0:3,1:4: empty or outside of shape [3, 4]"),
        ("3,4", "zeros", "--slab=0:3,1:0", "tensor weight: slab 0:3,1:0: empty or outside of shape [3, 4]"),
        ("3,4", "zeros", "--slab=x", "tensor weight: slab \"x\": \"x\" is not start:extent"),
        ("3,4", "zeros", "--name=__metadata__", "tensor __metadata__: the name is the format's own"),
        ("3,4", "zeros", "--device=gpu:99", "device: gpu:99: "),
    ] {
        let mut args = vec!["fill", "--shape", shape, "--scheme", scheme, "-o", "x.safetensors"];
        args.push(if more.is_empty() { "--seed=1" } else { more });
        if !more.starts_with("--device") {
            args.extend(["--device", "cpu"]);
        }
        // A text that cannot be read is wrong usage; one that does not fit the others is an error.
        let unread = ["unknown ", "scheme \"", "shape \"", "shape [3, 0]", "shape [4294967296, 4294967296]", "slab \""];
        let what = expected.strip_prefix("tensor weight: ").unwrap_or_default();
        let code = if unread.iter().any(|text| what.starts_with(text)) { 2 } else { 1 };
        let error = refused_with(code, dir.path(), &args);
        assert!(error.starts_with(expected), "{args:?}: {error}");
    }
    // A control character of a name does not break the line.
    let args = ["fill", "--shape=3", "--scheme=xavier_normal", "--name=a\nb", "-o", "x"];
    assert!(refused(dir.path(), &args).starts_with("tensor a\\nb: shape [3]"));
}

#[test]
fn a_bad_config_is_refused() {
    let dir = dir();
    let configs =
        include_str!("../../../../tests/data/bad_configs.txt").lines().filter(|l| !l.starts_with('#') && !l.is_empty());
    for line in configs {
        let (config, expected) = line.rsplit_once(" => ").unwrap();
        fs::write(dir.path().join("bad.json"), config).unwrap();
        let error = refused(dir.path(), &["init", "bad.json", "-o", "m", "--device", "cpu"]);
        let expected = format!("bad.json: {}", expected.strip_suffix("..").unwrap_or(expected));
        assert!(error.starts_with(&expected), "{config}: {error}");
        assert!(refused_plan(dir.path()).starts_with(&expected));
    }
    fs::write(dir.path().join("bad.json"), r#"{"model_type": "gpt2", "initializer_range": 1e5}"#).unwrap();
    let error = refused(dir.path(), &["init", "bad.json", "-o", "m", "--dtype", "f16"]);
    let expected = "bad.json: tensor transformer.wte.weight: normal(mean=0, std=100000): N(0, 100000^2): values reach";
    assert!(error.starts_with(expected), "{error}");
    fs::write(dir.path().join("bad.json"), b"{\"a\": \"\xff\"}").unwrap();
    assert!(refused(dir.path(), &["init", "bad.json", "-o", "m"]).starts_with("bad.json: is not UTF-8: invalid"));
    fs::remove_file(dir.path().join("bad.json")).unwrap();
    assert!(refused(dir.path(), &["init", "bad.json", "-o", "m"]).starts_with("bad.json: No such file"));
    fs::create_dir(dir.path().join("bad.json")).unwrap();
    assert!(refused(dir.path(), &["init", "bad.json", "-o", "m"]).starts_with("bad.json/config.json: No such file"));
}

fn refused_plan(dir: &Path) -> String {
    refused(dir, &["plan", "bad.json", "--seed", "1"])
}

#[test]
fn a_bad_target_is_refused() {
    let dir = dir();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("file"), "kept").unwrap();
    fs::create_dir_all(path("taken/model.safetensors")).unwrap();
    fs::create_dir_all(path("taken2/config.json")).unwrap();
    fs::create_dir(path("old")).unwrap();
    fs::write(path("old/config.json"), "{}").unwrap();
    for (target, expected) in [
        ("file", "file: is not a directory"),
        ("file/deeper", "file/deeper: Not a directory"),
        ("taken", "taken/model.safetensors: exists and is not a regular file"),
        ("taken2", "taken2/config.json: exists and is not a regular file"),
        ("old", "old/config.json: exists; --force replaces it"),
        ("/proc/new", "/proc/new: "),
        ("/proc", "/proc/config.json: "),
    ] {
        let error = refused(dir.path(), &["init", "gpt2.json", "-o", target, "--device", "cpu"]);
        assert!(error.starts_with(expected), "{target}: {error}");
    }
    for (target, expected) in [
        ("file", "file: exists; --force replaces it"),
        ("taken", "taken: exists and is not a regular file"),
        ("missing/w.safetensors", "missing/w.safetensors: No such file or directory (os error 2)"),
        ("file/w.safetensors", "file/w.safetensors: Not a directory"),
        ("/dev/full", "/dev/full: exists and is not a regular file"),
    ] {
        let args = ["fill", "--shape", "3", "--scheme", "zeros", "-o", target, "--device", "cpu"];
        let error = refused(dir.path(), &args);
        assert!(error.starts_with(expected), "{target}: {error}");
        assert!(!error.contains(".seedbed-"), "{target}: {error}");
    }
    assert_eq!(fs::read_to_string(path("file")).unwrap(), "kept");
}

#[test]
fn a_bad_file_is_refused() {
    let dir = dir();
    let path = |name: &str| dir.path().join(name);
    run(dir.path(), &["init", "llama.json", "-o", "m", "--device", "cpu"]);
    let bytes = fs::read(path("m/model.safetensors")).unwrap();
    fs::write(path("short"), &bytes[..bytes.len() - 1]).unwrap();
    fs::write(path("text"), "not a safetensors file, only text").unwrap();
    fs::write(
        path("foreign"),
        safetensors::serialize::<&str, safetensors::tensor::TensorView<'_>, _>([], None).unwrap(),
    )
    .unwrap();
    for (file, expected) in [
        ("none", "none: No such file"),
        ("short", "short: "),
        ("text", "text: header of "),
        (".", "./model.safetensors: No such file"),
    ] {
        for verb in ["inspect", "verify"] {
            let error = refused(dir.path(), &[verb, file]);
            assert!(error.starts_with(expected), "{verb} {file}: {error}");
        }
    }
    // A clone without the large files; a header that no loader takes; the id of a repository.
    let pointer =
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32\nsize 9\n";
    for (name, args) in [
        ("lfs.safetensors", &["inspect", "lfs.safetensors"][..]),
        ("lfs/config.json", &["plan", "lfs"]),
        ("lfs/model.safetensors.index.json", &["verify", "lfs"]),
        ("lfs.toml", &["plan", "llama.json", "--recipe", "lfs.toml"]),
    ] {
        fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        fs::write(path(name), pointer).unwrap();
        let error = refused(dir.path(), args);
        assert!(error.ends_with(": a Git LFS pointer in the place of the file, which is not here: run `git lfs pull`"));
        assert!(error.starts_with(name), "{error}");
    }
    let large = fs::File::create(path("large.safetensors")).unwrap();
    large.set_len(200_000_000).unwrap();
    std::io::Write::write_all(&mut &large, &120_000_000u64.to_le_bytes()).unwrap();
    let error = refused(dir.path(), &["inspect", "large.safetensors"]);
    assert_eq!(
        error,
        "large.safetensors: header of 120000000 bytes, the format allows 100000000, and loaders refuse more: save it \
         as several files"
    );
    for (args, advice) in [
        (&["plan", "meta-llama/Llama-3.2-1B"][..], "download its config.json and give its path"),
        (&["init", "meta-llama/Llama-3.2-1B", "-o", "x"], "download its config.json and give its path"),
        (&["verify", "meta-llama/Llama-3.2-1B"], "download its files and give their directory"),
        (&["plan", "--like", "a/b", "--recipe", "llama"], "download its files and give their directory"),
    ] {
        let error = refused(dir.path(), args);
        assert!(error.ends_with(&format!("; it looks like a repository id of Hugging Face: {advice}")), "{error}");
        assert!(error.contains(": No such file or directory"), "{error}");
    }
    for other in ["m/none", "none/config.json", "none", "a/b/c"] {
        assert!(!refused(dir.path(), &["plan", other]).contains("Hugging Face"), "{other}");
    }
    let error = refused(dir.path(), &["verify", "foreign"]);
    assert!(error.contains("foreign: metadata: has no seedbed.stream_version"), "{error}");
    // Without the table the config tells, and without either nothing does.
    fs::remove_file(path("m/init.json")).unwrap();
    assert_eq!(run(dir.path(), &["verify", "m", "--device", "cpu"]), "21 of 21 tensors equal\n");
    fs::remove_file(path("m/config.json")).unwrap();
    assert!(
        refused(dir.path(), &["verify", "m"])
            .starts_with("m/model.safetensors: neither init.json nor config.json stands beside it: name one as SOURCE")
    );
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let dir = dir();
    for args in [
        &["init"][..],
        &["init", "gpt2.json", "-o", ""],
        &["init", "gpt2.json", "-o", "m", "--seed", "-1"],
        &["init", "gpt2.json", "-o", "m", "--seed", "18446744073709551616"],
        &["init", "gpt2.json", "-o", "m", "--seed", "0x"],
        &["init", "gpt2.json", "-o", "m", "--dtype", "f64"],
        &["init", "gpt2.json", "-o", "m", "--max-shard-size", "0"],
        &["init", "gpt2.json", "-o", "m", "--max-shard-size", "5 bananas"],
        &["init", "gpt2.json", "-o", "m", "--max-shard-size", "-1GB"],
        &["init", "gpt2.json", "-o", "m", "--memory", "0GB"],
        &["fill", "--shape", "3", "--scheme", "ones", "-o", "m", "--memory", "lots"],
        &["init", "gpt2.json", "-o", "m", "--device", "tpu"],
        &["frobnicate"],
        &["selftest", "--elements", "0"],
    ] {
        let output = seedbed(dir.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!text(&output.stderr).contains("panicked"));
    }
    assert!(!dir.path().join("m").exists());
}

#[test]
fn wrong_values_are_told_of_in_words_of_our_own() {
    let dir = dir();
    let fill = ["fill", "--shape", "3", "--scheme", "ones", "-o", "m"];
    for (args, expected) in [
        (
            &[&fill[..], &["--seed", "x"]].concat()[..],
            "a seed is a whole number from 0 to 18446744073709551615, decimal",
        ),
        (&[&fill[..], &["--seed", ""]].concat(), "a seed is a whole number from 0 to 18446744073709551615, decimal"),
        (&["selftest", "--elements", "x"], "\"x\" is no number of elements, such as 1000000, 64Ki, 16Mi or 4Gi"),
        (&["selftest", "--elements", "0"], "the number of elements is from 1 to 1024Gi"),
        (&["bench", "--size", "2Ti"], "\"2Ti\" is no number of elements"),
        (&["selftest", "--law", "norml"], "did you mean `normal`?"),
        (&["selftest", "--device", "cpu"], "unknown GPU \"cpu\": expected gpu, or gpu:N"),
        (
            &["bench", "--device", "cpu", "--unchecked-native-fma"],
            "the native-fma kernels need a GPU: give --device gpu",
        ),
        (&["selftest", "--tier", "hard"], "unknown tier \"hard\": expected native, soft"),
        (&["selftest", "--mul-wide", "u16"], "unknown multiplication \"u16\": expected u64, u32"),
        (&["plan", "gpt2.json", "--set", "n_layer=x"], "\"x\" is not a number: a value is set by NAME=VALUE"),
        (&["plan", "gpt2.json", "--set", "n_layer"], "a value is set by NAME=VALUE"),
        (&["plan", "gpt2.json", "--set", "n_layer=nan"], "\"nan\" is not finite, and a value must be"),
        (&[&fill[..], &["--dtype", "fp16"]].concat(), "expected f32, f16, bf16; did you mean `f16`?"),
        (&[&fill[..], &["--device", "gpu:x"]].concat(), "unknown device \"gpu:x\": expected auto, cpu, gpu, or gpu:N"),
        // Where the tensors come from may be said in three ways.
        (&["plan"], "<CONFIG|--like <CHECKPOINT>|--recipe <NAME|FILE>>"),
        (&["init", "-o", "m"], "<CONFIG|--like <CHECKPOINT>|--recipe <NAME|FILE>>"),
    ] {
        let output = seedbed(dir.path(), args);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
        assert!(!stderr.contains("digit found") && !stderr.contains("literal"), "{args:?}: {stderr}");
    }
    let error = refused(dir.path(), &["recipes", "transformers"]);
    assert!(error.contains("is one file for each family of models: name one of transformers/gpt2, "), "{error}");
}

#[test]
#[cfg(unix)]
fn no_control_character_of_a_path_reaches_the_terminal() {
    let dir = dir();
    for args in [
        &["init", "gpt2.json", "-o", "d\u{1b}[31mx", "--device", "cpu"][..],
        &["fill", "--shape", "3", "--scheme", "ones", "-o", "f\u{1b}[31mx", "--device", "cpu"],
    ] {
        let said = run(dir.path(), args);
        assert!(said.contains("\\u{1b}[31mx") && !said.contains('\u{1b}'), "{said:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_stdout_that_is_full_is_an_error() {
    let dir = dir();
    for args in
        [&["plan", "gpt2.json"][..], &["fill", "--shape", "9", "--scheme", "ones", "-o", "-", "--device", "cpu"]]
    {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = command(dir.path(), args).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("error: stdout: No space left"), "{}", text(&output.stderr));
    }
}
