//! What another implementation of the format sees. Without Python these tests fail: leave them out with `--skip
//! python::`, as tests/run.sh does for SEEDBED_PYTHON=skip.

use super::{dir, run, specs};
use std::process::Command;

fn python() -> String {
    let python = std::env::var("SEEDBED_PYTHON").unwrap_or_default();
    assert!(!python.is_empty(), "set SEEDBED_PYTHON to a python3 that has the packages safetensors and numpy");
    python
}

#[test]
fn the_safetensors_package_of_python_opens_what_init_writes() {
    let python = python();
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

/// As `save_pretrained` writes weights: without our metadata, converted by numpy.
#[test]
fn what_python_has_saved_again_is_verified_by_its_table() {
    let (python, dir) = (python(), dir());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/save_again.py");
    for (source, asked, dtype, said) in [
        ("gpt2.json", "f32", "float16", "; 28 as copies in f16 of the planned f32"),
        ("gpt2.json", "f32", "float32", ""),
        ("gpt2.json", "f16", "float64", "; 28 as copies in f64 of the planned f16"),
    ] {
        let (from, to) = (format!("{asked}-{dtype}"), format!("{asked}-{dtype}-saved"));
        let init = ["init", source, "-o", &from, "--recipe", "mitchell", "--dtype", asked, "--device", "cpu"];
        run(dir.path(), &[&init[..], &["--seed", "1"]].concat());
        let output =
            Command::new(&python).arg(script).args([&from, &to]).arg(dtype).current_dir(&dir).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(run(dir.path(), &["verify", &to, "--device", "cpu"]), format!("28 of 28 tensors equal{said}\n"));
        let copies = said.replace(" as copies", " are copies");
        assert!(
            run(dir.path(), &["inspect", &to]).ends_with(&format!("28 of 28 compared with the plan agree{copies}\n"))
        );
    }
}
