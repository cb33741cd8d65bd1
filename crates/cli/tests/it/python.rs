//! What another implementation of the format sees. Without Python these tests fail: leave them out with `--skip
//! python::`, as tests/run.sh does for SEEDBED_PYTHON=skip.

use super::{dir, run, specs};
use std::process::Command;

#[test]
fn the_safetensors_package_of_python_opens_what_init_writes() {
    let python = std::env::var("SEEDBED_PYTHON").unwrap_or_default();
    assert!(!python.is_empty(), "set SEEDBED_PYTHON to a python3 that has the packages safetensors and numpy");
    let dir = dir();
    for (config, dtype, name) in [("gpt2", "f32", "F32"), ("llama", "bf16", "BF16"), ("llama", "f16", "F16")] {
        let (source, target) = (format!("{config}.json"), format!("{config}-{dtype}"));
        run(dir.path(), &["init", &source, "-o", &target, "--dtype", dtype, "--device", "cpu", "--seed", "1"]);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/open_safetensors.py");
        let file = dir.path().join(&target).join("model.safetensors");
        let output = Command::new(&python).arg(script).arg(&file).output().unwrap();
        assert!(output.status.success(), "{python}: {}", String::from_utf8_lossy(&output.stderr));
        let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(seen["metadata"]["format"], "pt");
        let text = std::fs::read_to_string(dir.path().join(&source)).unwrap();
        let specs = specs(&text);
        assert_eq!(seen["tensors"].as_object().unwrap().len(), specs.len());
        for spec in specs {
            let tensor = &seen["tensors"][&spec.name];
            assert_eq!(tensor["shape"], serde_json::json!(spec.shape.dims()), "{}", spec.name);
            assert_eq!(tensor["dtype"], name, "{}", spec.name);
        }
    }
}
