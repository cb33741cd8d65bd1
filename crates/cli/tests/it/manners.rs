//! What a command line is expected to have: completions, manual pages, a version, quiet and verbose runs, exit codes.

use super::{command, dir, ends, run, seedbed, text};
use std::process::{Command, Stdio};

const COMMANDS: [&str; 12] = [
    "init",
    "fill",
    "plan",
    "schemes",
    "recipes",
    "inspect",
    "verify",
    "selftest",
    "bench",
    "devices",
    "completions",
    "man",
];

/// Every long flag that the help of a subcommand names.
fn long_flags(command: &str) -> Vec<String> {
    let help = run(dir().path(), &[command, "--help"]);
    let flags = help.lines().map(str::trim_start).filter(|line| line.starts_with('-')).filter_map(|line| {
        let flag = line.split_whitespace().find(|word| word.starts_with("--"))?;
        Some(flag.trim_end_matches(',').to_owned())
    });
    let flags: Vec<String> = flags.collect();
    assert!(flags.contains(&"--help".to_owned()) && flags.contains(&"--quiet".to_owned()), "{command}: {flags:?}");
    flags
}

#[test]
fn completions_name_every_subcommand_and_flag() {
    let dir = dir();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(dir.path(), &["completions", shell]);
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
            for flag in long_flags(command) {
                // fish writes `-l quiet`.
                let fish = format!("-l {}", &flag[2..]);
                assert!(script.contains(if shell == "fish" { &fish } else { &flag }), "{shell}: {command} {flag}");
            }
        }
    }
}

#[test]
#[cfg(unix)]
fn bash_accepts_its_completions_and_completes_with_them() {
    let dir = dir();
    std::fs::write(dir.path().join("seedbed.bash"), run(dir.path(), &["completions", "bash"])).unwrap();
    let bash = |script: &str| {
        let output = Command::new("bash").current_dir(dir.path()).args(["-c", script]).output().unwrap();
        assert!(output.status.success(), "{script}: {}", text(&output.stderr));
        text(&output.stdout).to_owned()
    };
    bash("bash -n seedbed.bash");
    let complete = "source ./seedbed.bash; COMP_WORDS=(seedbed verify --dev); COMP_CWORD=2; \
                    _seedbed seedbed --dev verify; echo \"${COMPREPLY[*]}\"";
    assert_eq!(bash(complete), "--device\n");
    // The values of closed sets, and no file names.
    for (command, flag, word, expected) in [
        ("init", "--dtype", "", "f32 f16 bf16\n"),
        ("fill", "--rounding", "s", "stochastic\n"),
        ("verify", "--device", "", "auto cpu gpu\n"),
        ("fill", "--layout", "c", "conv conv_transpose conv_in_out\n"),
        ("plan", "--recipe", "mu", "mup\n"),
        ("selftest", "--law", "sp", "sparse\n"),
        ("selftest", "--tier", "", "native soft\n"),
        ("selftest", "--mul-wide", "", "u64 u32\n"),
        ("bench", "--law", "a", "all\n"),
        ("bench", "--dtype", "b", "bf16\n"),
        ("bench", "--rounding", "", "nearest stochastic\n"),
    ] {
        let complete = format!(
            "source ./seedbed.bash; COMP_WORDS=(seedbed {command} {flag} '{word}'); COMP_CWORD=3; \
             _seedbed seedbed '{word}' {flag}; echo \"${{COMPREPLY[*]}}\""
        );
        assert_eq!(bash(&complete), expected, "{command} {flag}");
    }
}

#[test]
fn manual_pages_have_their_sections() {
    let dir = dir();
    run(dir.path(), &["man", "--dir", "pages/man1"]);
    let page = |name: &str| std::fs::read_to_string(dir.path().join("pages/man1").join(name)).unwrap();
    assert_eq!(run(dir.path(), &["man"]), page("seedbed.1"));
    for command in COMMANDS {
        let text = page(&format!("seedbed-{command}.1"));
        assert_eq!(run(dir.path(), &["man", command]), text);
        assert!(text.contains(".TH seedbed-"), "{text}");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXIT STATUS\""] {
            assert!(text.contains(&format!("\n.SH {section}\n")), "{command}: {section}: {text}");
        }
        for flag in long_flags(command) {
            assert!(text.contains(&flag.replace('-', "\\-")), "{command}: {flag}");
        }
    }
    let whole = page("seedbed.1");
    assert!(COMMANDS.iter().all(|command| whole.contains(&format!("seedbed\\-{command}(1)"))), "{whole}");
    assert!(whole.contains("143  terminated (SIGTERM)"), "{whole}");
    // A formatter, where there is one, has nothing to complain of.
    let mut groff = Command::new("groff");
    groff.args(["-man", "-Tutf8", "-ww", "-z"]);
    groff.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Ok(mut groff) = groff.spawn() {
        std::io::Write::write_all(&mut groff.stdin.take().unwrap(), page("seedbed-init.1").as_bytes()).unwrap();
        let output = groff.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    }
}

#[test]
fn the_version_is_short_or_tells_what_was_built() {
    let dir = dir();
    let short = format!("seedbed {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(dir.path(), &["-V"]), short);
    let long = run(dir.path(), &["--version"]);
    let mut lines = long.lines();
    assert_eq!(lines.next(), Some(short.trim_end()));
    let facts: Vec<(&str, &str)> = lines.map(|line| line.split_once(": ").unwrap()).collect();
    let fact = |what: &str| facts.iter().find(|(key, _)| *key == what).map(|(_, value)| *value);
    assert_eq!(fact("stream version"), Some("1"));
    assert_eq!(fact("target").map(|target| target.contains(std::env::consts::ARCH)), Some(true), "{long}");
    let features: Vec<&str> = fact("features").unwrap().split(", ").collect();
    assert!(["parallel", "gpu", "checkpoint"].iter().all(|feature| features.contains(feature)), "{long}");
    if let Some(commit) = fact("commit") {
        let hash = commit.trim_end_matches("-dirty");
        assert!(hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{long}");
    }
}

#[test]
fn quiet_says_errors_alone_and_verbose_says_why() {
    let dir = dir();
    let init = ["init", "gpt2.json", "-o", "m", "--force", "--device", "cpu", "--seed", "7"];
    let said = |more: &[&str]| {
        let output = seedbed(dir.path(), &[&init[..], more].concat());
        assert!(output.status.success());
        assert!(text(&output.stdout).starts_with("m/model.safetensors: GPT2"));
        text(&output.stderr).to_owned()
    };
    assert_eq!(said(&["-q"]), "");
    let normal = said(&[]);
    assert!(normal.starts_with("seed: 7\ndevice: "), "{normal}");
    let verbose = said(&["--verbose"]);
    for line in [
        "config: gpt2.json",
        "recipe: transformers/gpt2 (the default of the model)",
        "time: 28 tensors planned in ",
        "seed: 7",
        "cpu: level ",
        "choice: cpu: as asked for",
        "device: ",
        "time: device opened in ",
    ] {
        assert!(verbose.lines().any(|said| said.starts_with(line)), "{line}: {verbose}");
    }
    // The flags may stand before the subcommand; together they are wrong usage.
    assert_eq!(text(&seedbed(dir.path(), &["-q", "verify", "m", "--device", "cpu"]).stderr), "");
    ends(dir.path(), &["-q", "-v", "devices"], 2);
    let output = seedbed(dir.path(), &["-q", "verify", "none"]);
    assert!(text(&output.stderr).starts_with("error: none: No such file"), "{}", text(&output.stderr));
}

#[test]
fn help_states_the_exit_codes_and_a_near_name_is_suggested() {
    let dir = dir();
    let help = run(dir.path(), &["--help"]);
    for code in ["  0  ", "  1  ", "  2  ", "  3  ", "  129  ", "  130  ", "  143  "] {
        assert!(help.lines().any(|line| line.starts_with(code)), "{code}: {help}");
    }
    for (args, near) in
        [(&["verfy", "m"][..], "verify"), (&["init", "--recipes", "x"], "--recipe"), (&["man", "ini"], "init")]
    {
        let output = command(dir.path(), args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let error = text(&output.stderr);
        assert!(error.contains("similar") && error.contains(&format!("'{near}'")), "{args:?}: {error}");
    }
}

#[test]
fn an_error_ends_with_the_flag_that_helps() {
    let dir = dir();
    run(dir.path(), &["init", "gpt2.json", "-o", "old", "--device", "cpu"]);
    std::fs::remove_file(dir.path().join("old/config.json")).unwrap();
    let fill = ["fill", "--shape", "3", "-o", "x", "--scheme"];
    for (args, advice) in [
        (&["plan", "gpt2.json", "--recipe", "xyzzy"][..], "; `seedbed recipes` lists them"),
        (&[&fill[..], &["xyzzy"]].concat(), "; `seedbed schemes` lists them"),
        (&["schemes", "xyzzy"], "; `seedbed schemes` lists them"),
        (&["recipes", "xyzzy"], "; `seedbed recipes` lists them"),
        (&["plan", "--like", "old"], ": name a recipe, such as gpt2; the flag is --recipe NAME"),
        (
            &[&fill[..], &["ones", "--device", "gpu:99"]].concat(),
            "; `seedbed devices` lists what there is; --device cpu gives the same bytes",
        ),
    ] {
        let output = seedbed(dir.path(), args);
        // What a flag names in words is read before anything else is looked at.
        let code = if args.contains(&"--scheme") && args.contains(&"xyzzy") { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        let error = text(&output.stderr).lines().last().unwrap_or_default();
        assert!(error.ends_with(advice), "{args:?}: {error}");
    }
    std::fs::write(dir.path().join("other.json"), r#"{"model_type": "lama"}"#).unwrap();
    for (args, near) in [
        (&["plan", "gpt2.json", "--recipe", "lama"][..], "llama"),
        (&["recipes", "lama"], "llama"),
        (&["plan", "other.json"], "llama"),
        (&[&fill[..], &["orthognal"]].concat(), "orthogonal"),
        (&["schemes", "he_norml"], "he_normal"),
    ] {
        let output = seedbed(dir.path(), args);
        let code = if args.contains(&"--scheme") { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        let error = text(&output.stderr).lines().last().unwrap_or_default();
        assert!(error.ends_with(&format!("did you mean `{near}`?")), "{args:?}: {error}");
    }
    // A family that is not known; the library's sentence is not said again.
    std::fs::write(dir.path().join("rwkv.json"), r#"{"model_type": "rwkv"}"#).unwrap();
    let error = seedbed(dir.path(), &["plan", "rwkv.json"]);
    let error = text(&error.stderr);
    assert!(error.ends_with("lists its tensors; the flags are --like CHECKPOINT and --recipe FILE\n"), "{error}");
    // Where no flag helps none is named.
    for (args, expected) in [
        (&["plan", "none.json"][..], "none.json: No such file or directory (os error 2)"),
        (&["plan", "--like", "none"], "none: No such file or directory (os error 2)"),
        (&["plan", "rwkv.json", "--missing-from", "none"], "none: No such file or directory (os error 2)"),
        (&["plan", "--like", "gpt2.json"], "gpt2.json: index: missing field `weight_map` at line 1 column "),
    ] {
        let output = seedbed(dir.path(), args);
        let error = text(&output.stderr);
        assert!(error.starts_with(&format!("error: {expected}")) && !error.contains("--"), "{args:?}: {error}");
    }
}

/// As the Python wheel calls it: any number of times in a process, which keeps its own signal handlers.
#[test]
fn the_command_line_is_a_function_that_can_be_called_again() {
    let dir = dir();
    let target = dir.path().join("w").display().to_string();
    let call = |args: &[&str]| seedbed_cli::run(["seedbed"].iter().chain(args).map(Into::into));
    let fill = ["-q", "fill", "--shape", "3", "--scheme", "ones", "--device", "cpu", "-o", &target];
    #[cfg(unix)]
    let handlers = || {
        [libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGXFSZ].map(|signal| {
            // SAFETY: `sigaction` is a C struct for which zeros are valid, and a null action only asks.
            unsafe {
                let mut now: libc::sigaction = std::mem::zeroed();
                assert_eq!(libc::sigaction(signal, std::ptr::null(), &raw mut now), 0);
                now.sa_sigaction
            }
        })
    };
    #[cfg(unix)]
    let before = handlers();
    assert_eq!(call(&fill), 0);
    assert_eq!(call(&fill), 1, "the file exists");
    assert_eq!(call(&[&fill[..], &["--force"]].concat()), 0);
    assert_eq!(call(&["fill", "--shape"]), 2);
    assert_eq!(call(&["-q", "verify", &target, "--device", "cpu"]), 0);
    #[cfg(unix)]
    assert_eq!(handlers(), before);
}
