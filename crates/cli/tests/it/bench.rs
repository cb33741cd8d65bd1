//! The bench measures what it says; how fast is no test's business.

use super::{dir, json, run};
use serde_json::Value;

const LAWS: [&str; 4] = ["constant", "uniform", "normal", "truncated"];

/// Every law in every dtype, with figures above 0.
pub fn check_fills(found: &Value) {
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
