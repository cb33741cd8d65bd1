//! The bench measures what it says; how fast is no test's business.

use super::{dir, json, run, seedbed, text};
use serde_json::Value;

const LAWS: [&str; 4] = ["constant", "uniform", "normal", "truncated"];

/// Every law in every dtype, with figures above 0.
fn check_fills(found: &Value) {
    let fills = found["fills"].as_array().unwrap();
    for law in LAWS {
        for dtype in ["f32", "f16", "bf16"] {
            let mut rows = fills.iter().filter(|r| r["law"] == law && r["dtype"] == dtype).peekable();
            assert!(rows.peek().is_some(), "{law} {dtype}: {found}");
            for row in rows {
                for figure in ["seconds", "wall_seconds", "gb_per_s", "values_per_s", "clear_gb_per_s", "of_clear"] {
                    assert!(row[figure].as_f64() > Some(0.0), "{figure}: {row}");
                }
            }
        }
    }
    assert!(found["many"]["tensors_per_s"].as_f64() > Some(0.0), "{found}");
    assert!(found["planning_us"].as_f64() > Some(0.0), "{found}");
    assert!(found["first_byte"]["total_seconds"].as_f64() > Some(0.0), "{found}");
}

#[test]
fn the_cpu_is_measured_in_every_law_and_dtype() {
    let found = json(dir().path(), &["bench", "--quick", "--device", "cpu", "--size", "64Ki", "--json"]);
    assert_eq!(found["device"]["kind"], "cpu");
    check_fills(&found);
    let fills = found["fills"].as_array().unwrap();
    for level in seedbed::cpu::Level::available() {
        assert!(fills.iter().any(|r| r["by"] == level.to_string()), "{level}: {found}");
    }
    if seedbed::cpu::threads() > 1 {
        assert!(fills.iter().any(|r| r["threads"] == 1), "{found}");
    }
}

#[test]
fn the_table_has_the_rows_that_were_asked_for() {
    let args = ["bench", "--quick", "--device", "cpu", "--size", "4096", "--law", "normal", "--dtype", "bf16"];
    let printed = run(dir().path(), &args);
    let rows = |word: &str| printed.lines().filter(|l| l.starts_with(word)).count();
    assert!(rows("normal") > 0 && rows("uniform") == 0, "{printed}");
    assert!(printed.contains("planning: ") && printed.contains("first bytes "), "{printed}");
}

#[test]
fn the_device_is_measured_beside_its_own_clear_and_copy() {
    if super::gpu::skipped() {
        return;
    }
    let args = ["bench", "--quick", "--device", "gpu", "--size", "4096", "--json"];
    let found = json(dir().path(), &args);
    assert_eq!(found["device"]["kind"], "gpu");
    assert_eq!(found["device"]["checked"], true);
    check_fills(&found);
    let fills = found["fills"].as_array().unwrap();
    assert!(fills.iter().all(|r| r["of_copy"].as_f64() > Some(0.0) && r["cold_seconds"].as_f64() > Some(0.0)));
    let timing = found["timing"].as_str().unwrap();
    assert!(timing.starts_with("GPU timestamps") || timing.contains("wall time"), "{timing}");
}

#[test]
fn unchecked_kernels_are_told_and_never_chosen() {
    if super::gpu::skipped() {
        return;
    }
    let small = ["bench", "--quick", "--size", "4096", "--law", "uniform", "--dtype", "f32", "--unchecked-native-fma"];
    let on = |device: &str| seedbed(dir().path(), &[&small[..], &["--device", device, "--json"]].concat());
    let output = on("gpu");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["device"]["checked"], &found["device"]["tier"]), (&false.into(), &"native fma".into()));
    assert!(found["notes"].to_string().contains("may not be the stream's"), "{found}");
    let output = on("cpu");
    assert!(!output.status.success() && text(&output.stderr).contains("need a GPU"), "{}", text(&output.stderr));
}
