//! The commands that need a device; a software one will do.

use super::{dir, json, run};

pub(super) fn skipped() -> bool {
    std::env::var("SEEDBED_GPU").is_ok_and(|v| v == "skip")
}

#[test]
fn the_selftest_finds_no_differing_word() {
    if skipped() {
        return;
    }
    let found = json(dir().path(), &["selftest", "--elements", "10000", "--device", "gpu", "--json"]);
    assert_eq!(found["differing_words"], 0, "{found}");
    let laws = found["laws"].as_array().unwrap();
    assert_eq!(laws.len(), 3 * seedbed::gpu::schemes().len());
    assert!(laws.iter().all(|l| l["elements"] == 10000 || l["law"].as_str().unwrap().starts_with("truncated [0.1,")));
    assert!(laws.iter().filter(|l| l["elements"] == 10000).count() >= 28, "{found}");
}

#[test]
fn the_gpu_writes_the_file_that_the_cpu_writes() {
    if skipped() {
        return;
    }
    let dir = dir();
    let file = |device: &str| {
        run(dir.path(), &["init", "llama.json", "-o", device, "--seed", "3", "--device", device]);
        std::fs::read(dir.path().join(device).join("model.safetensors")).unwrap()
    };
    assert!(file("gpu") == file("cpu"));
}

#[test]
fn devices_lists_what_gpu_n_counts() {
    if skipped() {
        return;
    }
    let found = json(dir().path(), &["devices", "--json"]);
    assert_eq!(found["adapters"][0]["device"], "gpu:0", "{found}");
    assert!(found["cpu"]["threads"].as_u64() > Some(0));
}
