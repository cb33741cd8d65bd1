//! The commands that need a device; a software one will do. Without one these tests fail: where there is none, leave
//! them out with `--skip gpu::`, as tests/run.sh does for SEEDBED_GPU=skip.

use super::bench::{check_figures, check_fills};
use super::{dir, interrupted, json, listing, run, seedbed, text};
use serde_json::Value;
use std::time::{Duration, Instant};

const SELFTEST: [&str; 4] = ["selftest", "--device", "gpu", "--json"];

#[test]
fn the_selftest_finds_no_differing_word_in_any_law() {
    let found = json(dir().path(), &[&SELFTEST[..], &["--elements", "10000"]].concat());
    assert_eq!(found["differing_words"], 0, "{found}");
    let rows = found["laws"].as_array().unwrap();
    let cases = seedbed::gpu::cases();
    assert_eq!(rows.len(), cases.iter().map(|case| case.dtypes().count()).sum::<usize>());
    for row in rows {
        let thin = row["case"].as_str().unwrap().starts_with("truncated [0.1,") && row["dtype"] != "f32";
        assert!(row["elements"].as_u64() >= Some(10_000) || thin && row["reason"].is_string(), "{row}");
    }
    for law in cases.iter().map(seedbed::gpu::Case::law) {
        assert!(rows.iter().any(|row| row["law"] == law && row["made_by"].is_string()), "{law}");
    }
    for (key, value) in [("rounding", "stochastic"), ("storage", "interleaved"), ("storage", "transposed")] {
        assert!(rows.iter().any(|row| row[key] == value), "{value}");
    }
    assert!(found["elements"].as_u64() > Some(10_000 * 100) && found["seconds"].as_f64() > Some(0.0), "{found}");
}

#[test]
fn the_selftest_compares_what_is_named_with_the_kernels_that_are_named() {
    let some = ["--elements", "4Ki", "--law", "normal,near_identity", "--dtype", "f16", "--mul-wide", "u32"];
    let found = json(dir().path(), &[&SELFTEST[..], &some].concat());
    assert_eq!((&found["differing_words"], &found["forced"]), (&0.into(), &true.into()), "{found}");
    assert_eq!(found["multiply"], seedbed::gpu::MulWide::U32.to_string());
    let rows = found["laws"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["dtype"] == "f16"), "{found}");
    assert!(rows.iter().all(|row| row["law"] == "normal" || row["law"] == "near_identity"), "{found}");
}

/// The control: kernels that round twice, where the device took others, are found to differ.
#[test]
fn the_selftest_sees_words_that_differ() {
    let soft = seedbed::gpu::Tier::SoftFma.to_string();
    let some = ["--elements", "100000", "--law", "normal", "--dtype", "f32"];
    let own = json(dir().path(), &[&SELFTEST[..], &some].concat());
    let output = seedbed(dir().path(), &[&SELFTEST[..], &some, &["--tier", "native"]].concat());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["tier"], "native fma");
    let differing = found["differing_words"].as_u64().unwrap();
    // A device whose own fma is exact took those kernels itself.
    assert_eq!(differing > 0, own["tier"] == soft.as_str(), "{found}");
    assert_eq!(output.status.code(), Some(i32::from(differing > 0)), "{}", text(&output.stderr));
    if differing > 0 {
        assert!(text(&output.stderr).contains(" words differ from the CPU's"), "{}", text(&output.stderr));
    }
}

/// A comparison that would take hours ends soon after a signal.
#[test]
#[cfg(unix)]
fn a_signal_ends_the_selftest() {
    let started = Instant::now();
    let args = ["selftest", "--device", "gpu", "--elements", "10Gi", "--law", "normal", "--dtype", "f32", "--json"];
    let output = interrupted(dir().path(), &args, "-INT", || started.elapsed() > Duration::from_secs(4));
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    assert!(started.elapsed() < Duration::from_secs(100), "{:?}", started.elapsed());
}

#[test]
fn the_gpu_writes_the_file_that_the_cpu_writes() {
    let dir = dir();
    let file = |device: &str| {
        run(dir.path(), &["init", "llama.json", "-o", device, "--seed", "3", "--device", device]);
        std::fs::read(dir.path().join(device).join("model.safetensors")).unwrap()
    };
    assert!(file("gpu") == file("cpu"));
}

#[test]
fn devices_lists_what_gpu_n_counts() {
    let found = json(dir().path(), &["devices", "--json"]);
    assert_eq!(found["adapters"][0]["device"], "gpu:0", "{found}");
    assert!(found["cpu"]["threads"].as_u64() > Some(0));
}

/// The kernels of a device take seconds to compile on some drivers: a signal meanwhile ends the job too.
#[test]
fn an_interrupt_while_the_device_is_opened_leaves_nothing_behind() {
    let dir = dir();
    let before = listing(dir.path());
    let args = ["init", "gpt2.json", "-o", "out", "--device", "gpu", "--seed", "1"];
    interrupted(dir.path(), &args, "-TERM", || dir.path().join("out").exists());
    assert_eq!(listing(dir.path()), before);
}

#[test]
fn the_device_is_measured_beside_its_own_clear_and_copy() {
    let args = ["bench", "--quick", "--device", "gpu", "--size", "4096", "--json"];
    let found = json(dir().path(), &args);
    assert_eq!(found["device"]["kind"], "gpu");
    assert_eq!(found["device"]["checked"], true);
    check_fills(&found, &["constant", "uniform", "normal", "truncated_normal"]);
    let fills = found["fills"].as_array().unwrap();
    assert!(fills.iter().all(|r| r["of_copy"].as_f64() > Some(0.0) && r["cold_seconds"].as_f64() > Some(0.0)));
    let many = found["many"].as_array().unwrap();
    assert!(many.len() == 2 && many.iter().all(|m| m["of_one"].as_f64() > Some(0.0)), "{found}");
    assert!(many[1]["how"].as_str().unwrap().contains("record_all"), "{found}");
    // Each law and dtype was prepared once.
    let prepared: Vec<_> =
        found["preparation"].as_array().unwrap().iter().map(|p| p["what"].as_str().unwrap()).collect();
    assert!(prepared.contains(&"uniform bf16, nearest"), "{prepared:?}");
    let timing = found["timing"].as_str().unwrap();
    assert!(timing.starts_with("GPU timestamps") || timing.contains("wall time"), "{timing}");
}

/// Laws of every sort, and those that the host makes for a software adapter.
#[test]
fn structured_laws_and_matrices_are_measured_on_the_device() {
    let laws = ["--law", "sparse,sinusoidal,orthogonal", "--dtype", "f32,bf16", "--rounding", "nearest,stochastic"];
    let args = [&["bench", "--quick", "--device", "gpu", "--size", "4096", "--json"][..], &laws].concat();
    let found = json(dir().path(), &args);
    let (refused, measured): (Vec<_>, Vec<_>) =
        found["fills"].as_array().unwrap().iter().cloned().partition(|row| row["error"].is_string());
    check_figures(&measured);
    assert!(refused.len() == 3 && refused.iter().all(|row| row["dtype"] == "f32"), "{found}");
    assert_eq!(measured.len(), 3 * 3, "{found}");
    let bf16 = measured.iter().find(|row| row["law"] == "orthogonal" && row["dtype"] == "bf16").unwrap();
    assert_eq!(bf16["by"], "host, copied");
    let printed = run(dir().path(), &args[..args.len() - laws.len() - 1]);
    assert!(
        printed.contains("/ clear: ") && printed.contains("/ copy: ") && printed.contains("QUICK RUN"),
        "{printed}"
    );
}

#[test]
fn unchecked_kernels_are_told_and_never_chosen() {
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
