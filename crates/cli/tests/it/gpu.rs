//! The commands that need a device; a software one will do. Without one these tests fail: where there is none, leave
//! them out with `--skip gpu::`, as tests/run.sh does for SEEDBED_GPU=skip.

use super::bench::check_fills;
use super::{dir, interrupted, json, listing, run, seedbed, text};
use serde_json::Value;

#[test]
fn the_selftest_finds_no_differing_word() {
    let found = json(dir().path(), &["selftest", "--elements", "10000", "--device", "gpu", "--json"]);
    assert_eq!(found["differing_words"], 0, "{found}");
    let laws = found["laws"].as_array().unwrap();
    assert_eq!(laws.len(), 3 * seedbed::gpu::schemes().len());
    assert!(laws.iter().all(|l| l["elements"] == 10000 || l["law"].as_str().unwrap().starts_with("truncated [0.1,")));
    assert!(laws.iter().filter(|l| l["elements"] == 10000).count() >= 28, "{found}");
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
    check_fills(&found);
    let fills = found["fills"].as_array().unwrap();
    assert!(fills.iter().all(|r| r["of_copy"].as_f64() > Some(0.0) && r["cold_seconds"].as_f64() > Some(0.0)));
    let timing = found["timing"].as_str().unwrap();
    assert!(timing.starts_with("GPU timestamps") || timing.contains("wall time"), "{timing}");
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
