//! Adapters of PEFT: laws of LoRA pairs, and the names that PEFT loads.

use super::{dir, json, listing, run, seedbed, text};
use seedbed::checkpoint::Reader;
use std::fs;
use std::path::Path;

const PREFIX: &str = "base_model.model.model";

/// A directory as PEFT saves it, of zeros.
fn adapter(dir: &Path, tensors: &[(&str, &[u64])], config: Option<&str>) {
    fs::create_dir_all(dir).unwrap();
    let (mut header, mut at) = (serde_json::Map::new(), 0);
    for (name, dims) in tensors {
        let end = at + 4 * dims.iter().product::<u64>();
        let entry = serde_json::json!({ "dtype": "F32", "shape": dims, "data_offsets": [at, end] });
        header.insert(format!("{PREFIX}.{name}"), entry);
        at = end;
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    file.resize(file.len() + at as usize, 0);
    fs::write(dir.join("adapter_model.safetensors"), file).unwrap();
    if let Some(config) = config {
        fs::write(dir.join("adapter_config.json"), config).unwrap();
    }
}

/// The names of the files in a directory, sorted.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const PAIRS: &[(&str, &[u64])] = &[
    ("layers.0.self_attn.q_proj.lora_A.weight", &[8, 64]),
    ("layers.0.self_attn.q_proj.lora_B.weight", &[64, 8]),
    ("conv.lora_A.weight", &[8, 4, 3, 3]),
    ("conv.lora_B.weight", &[16, 8, 1, 1]),
    ("embed_tokens.lora_embedding_A", &[8, 100]),
    ("embed_tokens.lora_embedding_B", &[64, 8]),
];

const CONFIG: &str = "{\"peft_type\": \"LORA\", \"r\": 8, \"init_lora_weights\": true}\n";

#[test]
fn pairs_get_the_laws_of_peft_and_keep_its_names() {
    let dir = dir();
    adapter(&dir.path().join("old"), PAIRS, Some(CONFIG));
    run(dir.path(), &["init", "--like", "old", "--recipe", "adapters", "-o", "new", "--seed", "3", "--device", "cpu"]);
    assert_eq!(names(&dir.path().join("new")), ["adapter_config.json", "adapter_model.safetensors", "init.json"]);
    assert_eq!(fs::read_to_string(dir.path().join("new/adapter_config.json")).unwrap(), CONFIG);
    assert_eq!(run(dir.path(), &["verify", "new", "--device", "cpu"]), "6 of 6 tensors equal\n");
    assert!(run(dir.path(), &["inspect", "new"]).contains("6 of 6 compared with the plan agree"));
    let reader = Reader::open(dir.path().join("new/adapter_model.safetensors")).unwrap();
    assert_eq!(reader.tensors().len(), 6);
    let laws = |args: &[&str]| {
        let plan = json(dir.path(), &[&["plan", "--recipe", "adapters", "--json", "--like"], args].concat());
        let law = |name: &str| {
            let row =
                plan["tensors"].as_array().unwrap().iter().find(|r| r["name"] == format!("{PREFIX}.{name}")).unwrap();
            (row["std"].as_f64().unwrap(), row["max"].as_f64().unwrap())
        };
        PAIRS.iter().map(|(name, _)| law(name)).collect::<Vec<_>>()
    };
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let found = laws(&["old"]);
    // kaiming_uniform(a = sqrt(5)): U(-1 / sqrt(fan_in), 1 / sqrt(fan_in)).
    assert!(close(found[0].1, 0.125) && close(found[2].1, 1.0 / 6.0), "{found:?}");
    assert_eq!([found[1], found[3], found[4]], [(0.0, 0.0); 3]);
    assert_eq!(found[5].0, 1.0);
    // As `adapter_config.json` says, a normal law of std 1 / r.
    adapter(&dir.path().join("gaussian"), PAIRS, Some(&CONFIG.replace("true", "\"gaussian\"")));
    let found = laws(&["gaussian"]);
    assert!(
        close(found[0].0, 0.125) && close(found[2].0, 0.125) && found[1].0 == 0.0 && found[5].0 == 1.0,
        "{found:?}"
    );
    assert!(close(laws(&["gaussian", "--set", "gaussian=0"])[0].1, 0.125));
    // The file alone: without a config beside it there is none to copy.
    adapter(&dir.path().join("bare"), PAIRS, None);
    run(
        dir.path(),
        &["init", "--like", "bare/adapter_model.safetensors", "--recipe", "adapters", "-o", "bare2", "--seed", "3"],
    );
    assert_eq!(names(&dir.path().join("bare2")), ["adapter_model.safetensors", "init.json"]);
}

#[test]
fn what_is_no_pair_or_is_made_of_the_base_model_is_refused() {
    let dir = dir();
    let init = |from: &str| {
        let before = listing(dir.path());
        let output = seedbed(dir.path(), &["init", "--like", from, "--recipe", "adapters", "-o", "new", "--seed", "3"]);
        assert_eq!((output.status.code(), listing(dir.path())), (Some(1), before));
        text(&output.stderr).to_owned()
    };
    // DoRA's magnitudes are the norms of the base model's weights.
    let dora = [PAIRS, &[("layers.0.self_attn.q_proj.lora_magnitude_vector", &[64])]].concat();
    adapter(&dir.path().join("dora"), &dora, Some(CONFIG));
    let error = init("dora");
    assert!(error.contains("lora_magnitude_vector"), "{error}");
    for (config, expected) in [
        (
            CONFIG.replace("true", "\"pissa\""),
            "pissa/adapter_config.json: init_lora_weights is \"pissa\": recipe adapters knows",
        ),
        (
            CONFIG.replace("true", "false"),
            "pissa/adapter_config.json: init_lora_weights is false: recipe adapters knows",
        ),
        ("[]".to_owned(), "pissa/adapter_config.json: not a config of PEFT's: "),
    ] {
        adapter(&dir.path().join("pissa"), PAIRS, Some(&config));
        let error = init("pissa");
        assert!(error.contains(expected), "{error}");
    }
    adapter(&dir.path().join("old"), PAIRS, Some(CONFIG));
    let args = ["init", "--like", "old", "--recipe", "adapters", "-o", "new", "--max-shard-size", "1kB", "--seed", "3"];
    let output = seedbed(dir.path(), &args);
    assert!(text(&output.stderr).contains("PEFT loads one alone"), "{}", text(&output.stderr));
    assert!(!dir.path().join("new").exists());
}
