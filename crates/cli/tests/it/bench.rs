//! The bench measures what it says; how fast is no test's business.

use super::{command, dir, interrupted, json, run, seedbed, text};
use serde_json::Value;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Every row has figures above 0, and the shape of its elements.
pub fn check_figures(fills: &[Value]) {
    for row in fills {
        for figure in ["seconds", "wall_seconds", "gb_per_s", "values_per_s", "clear_gb_per_s", "of_clear"] {
            assert!(row[figure].as_f64() > Some(0.0), "{figure}: {row}");
        }
        let sides = row["shape"].as_array().unwrap().iter().map(|side| side.as_u64().unwrap());
        assert_eq!(row["elements"].as_u64(), Some(sides.product()), "{row}");
    }
}

/// These laws in every dtype, with figures above 0.
pub fn check_fills(found: &Value, laws: &[&str]) {
    let fills = found["fills"].as_array().unwrap();
    for law in laws {
        for dtype in ["f32", "f16", "bf16"] {
            assert!(fills.iter().any(|r| r["law"] == *law && r["dtype"] == dtype), "{law} {dtype}: {found}");
        }
    }
    assert!(fills.iter().all(|r| laws.iter().any(|law| r["law"] == *law)), "{found}");
    check_figures(fills);
    assert!(found["many"][0]["tensors_per_s"].as_f64() > Some(0.0), "{found}");
    assert!(found["planning_us"].as_f64() > Some(0.0), "{found}");
    assert!(found["first_byte"]["total_seconds"].as_f64() > Some(0.0), "{found}");
}

#[test]
fn the_cpu_is_measured_in_the_usual_laws_and_every_dtype() {
    let found = json(dir().path(), &["bench", "--quick", "--device", "cpu", "--size", "64Ki", "--json"]);
    assert_eq!(found["device"]["kind"], "cpu");
    check_fills(&found, &["constant", "uniform", "normal", "truncated_normal"]);
    let fills = found["fills"].as_array().unwrap();
    for level in seedbed::cpu::Level::available() {
        assert!(fills.iter().any(|r| r["by"] == level.to_string()), "{level}: {found}");
    }
    if seedbed::cpu::threads() > 1 {
        assert!(fills.iter().any(|r| r["threads"] == 1), "{found}");
    }
}

#[test]
fn all_measures_every_law_and_every_rounding() {
    let all = ["bench", "--quick", "--device", "cpu", "--size", "4Ki", "--law", "all", "--json"];
    let found = json(dir().path(), &[&all[..], &["--rounding", "nearest,stochastic"]].concat());
    let fills = found["fills"].as_array().unwrap();
    let laws = || fills.iter().map(|row| row["law"].as_str().unwrap()).collect::<std::collections::BTreeSet<_>>();
    assert!(laws().len() == 15 && laws().contains("orthogonal") && laws().contains("sinusoidal"), "{:?}", laws());
    let (refused, measured): (Vec<_>, Vec<_>) = fills.iter().cloned().partition(|row| row["error"].is_string());
    check_figures(&measured);
    for law in laws() {
        for (dtype, rounding) in
            [("f32", "nearest"), ("f16", "nearest"), ("bf16", "nearest"), ("f16", "stochastic"), ("bf16", "stochastic")]
        {
            let is = |row: &&Value| row["law"] == law && row["dtype"] == dtype && row["rounding"] == rounding;
            assert!(measured.iter().any(|row| is(&row)), "{law} {dtype} {rounding}");
        }
        // What cannot be is told in its row, and the others are measured.
        let row = refused.iter().find(|row| row["law"] == law).unwrap();
        assert_eq!((&row["dtype"], &row["rounding"]), (&"f32".into(), &"stochastic".into()));
        assert!(row["error"].as_str().unwrap().starts_with("stochastic rounding of f32"), "{row}");
        assert!(row["gb_per_s"].is_null(), "{row}");
    }
    assert_eq!(refused.len(), 15);
}

#[test]
fn the_table_has_the_rows_that_were_asked_for_and_says_what_they_are() {
    let args = ["bench", "--quick", "--device", "cpu", "--size", "4096", "--law", "normal,sparse", "--dtype", "bf16"];
    let printed = run(dir().path(), &args);
    let rows = |word: &str| printed.lines().filter(|l| l.starts_with(word)).count();
    assert!(rows("normal ") > 0 && rows("sparse ") > 0 && rows("uniform ") == 0, "{printed}");
    assert!(printed.contains("planning: ") && printed.contains("first bytes "), "{printed}");
    assert!(printed.contains(" 64x64 ") && printed.contains(" 4,096 "), "{printed}");
    // No figure stands without what it is.
    assert!(printed.contains("QUICK RUN: ") && printed.contains("/ memset: the fill's speed over "), "{printed}");
    assert!(!printed.contains("/ clear") && !printed.contains("/ copy"), "{printed}");
    let stochastic = run(dir().path(), &[&args[..], &["--rounding", "stochastic"]].concat());
    assert!(stochastic.contains("bf16, stochastic"), "{stochastic}");
    let help = run(dir().path(), &["bench", "--help"]);
    assert!(["/ clear", "/ copy", "/ memset"].iter().all(|column| help.contains(column)), "{help}");
}

#[test]
fn a_quick_run_says_so_and_another_does_not() {
    let args = ["bench", "--device", "cpu", "--size", "256", "--law", "constant", "--dtype", "f32", "--json"];
    assert_eq!(json(dir().path(), &[&args[..], &["--quick"]].concat())["quick"], true);
    assert_eq!(json(dir().path(), &args)["quick"], false);
}

/// Work on every core beside it is warned of, on stderr and in the JSON.
#[test]
#[cfg(target_os = "linux")]
fn a_loaded_machine_is_warned_of() {
    let args =
        ["bench", "--quick", "--device", "cpu", "--size", "256", "--law", "constant", "--dtype", "f32", "--json"];
    let output = seedbed(dir().path(), &args);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (cores, before) = (found["load"]["cores"].as_f64().unwrap(), found["load"]["before"].as_f64().unwrap());
    let warnings = found["load"]["warnings"].as_array().unwrap();
    let warned = warnings.iter().any(|w| w.as_str().unwrap().contains("before the run"));
    assert_eq!(warned, before > 0.25 * cores, "{found}");
    assert!(found["load"]["after"].as_f64() >= Some(0.0), "{found}");
    let said = text(&output.stderr);
    for warning in warnings {
        assert!(said.contains(warning.as_str().unwrap()), "{warning}: {said}");
    }
}

/// A run that would take minutes ends soon after a signal, and prints nothing half done.
#[test]
#[cfg(unix)]
fn a_signal_ends_a_run() {
    let dir = dir();
    for signal in ["-INT", "-TERM"] {
        let started = Instant::now();
        let args = ["bench", "--device", "cpu", "--size", "16Mi", "--law", "all", "--json"];
        let output = interrupted(dir.path(), &args, signal, || started.elapsed() > Duration::from_millis(700));
        assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    }
}

#[test]
fn wrong_names_are_wrong_usage() {
    let dir = dir();
    for (args, expected) in [
        (["--law", "norml"], "did you mean `normal`?"),
        (["--dtype", "fp16"], "did you mean `f16`?"),
        (["--rounding", "up"], "unknown rounding \"up\": expected nearest, stochastic"),
        (["--size", "1.5Mi"], "\"1.5Mi\" is no number of elements"),
    ] {
        let output = command(dir.path(), &[&["bench"][..], &args].concat()).stdout(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains(expected), "{args:?}: {}", text(&output.stderr));
    }
}
