//! Tensors of a checkpoint that no law makes: integers, truth values, tensors without elements, quantized weights.

use super::{dir, json, run, seedbed, text};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use seedbed::checkpoint::{Reader, Weights};
use std::fs;
use std::path::Path;

/// A tensor: name, dtype, dimensions, bytes.
pub type Stored<'a> = (&'a str, Dtype, &'a [usize], Vec<u8>);

/// Writes a safetensors file by the format's own crate.
pub fn write(path: &Path, tensors: &[Stored<'_>]) {
    let view = |(name, dtype, dims, bytes): &'_ Stored<'_>| (name.to_string(), *dtype, dims.to_vec(), bytes.clone());
    let owned: Vec<_> = tensors.iter().map(view).collect();
    let views =
        owned.iter().map(|(name, dtype, dims, bytes)| (name, TensorView::new(*dtype, dims.clone(), bytes).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// The bytes of a tensor of a checkpoint, with its dtype and dimensions.
pub fn read(path: &Path, name: &str) -> (String, Vec<u64>, Vec<u8>) {
    let mut weights = Weights::open(path).unwrap();
    let tensor = weights.tensor(name).unwrap_or_else(|| panic!("{name} is missing")).clone();
    let mut bytes = Vec::new();
    weights
        .read_bytes(name, |_, piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .unwrap();
    (tensor.dtype_name(), tensor.dims, bytes)
}

const UP: &str = "model.layers.0.mlp.up_proj.weight";
const DOWN: &str = "model.layers.0.mlp.down_proj.weight";

fn some() -> Vec<Stored<'static>> {
    vec![
        (UP, Dtype::F32, &[4, 3], vec![1; 48]),
        ("bn1.num_batches_tracked", Dtype::I64, &[], 77u64.to_le_bytes().to_vec()),
        ("position_ids", Dtype::I64, &[1, 5], (0..5u64).flat_map(u64::to_le_bytes).collect()),
        ("attn.bias", Dtype::BOOL, &[1, 1, 2, 2], vec![1, 0, 1, 1]),
        ("relative_position_index", Dtype::I32, &[3], (7..10u32).flat_map(u32::to_le_bytes).collect()),
        ("none.weight", Dtype::F32, &[0, 4], vec![]),
        ("none.ids", Dtype::U8, &[3, 0], vec![]),
        (DOWN, Dtype::F32, &[3, 4], vec![2; 48]),
    ]
}

#[test]
fn buffers_are_written_as_they_are() {
    let dir = dir();
    write(&dir.path().join("old.safetensors"), &some());
    let mut seen = Vec::new();
    for (out, more) in [("one", &[][..]), ("shards", &["--max-shard-size", "1"]), ("half", &["--dtype", "bf16"])] {
        let init =
            ["init", "--like", "old.safetensors", "--recipe", "llama", "--seed", "5", "--device", "cpu", "-o", out];
        let output = seedbed(dir.path(), &[&init[..], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let notice = "notice: tensors without a law: 1 written as zeros, as \"bn1.num_batches_tracked\"; 2 written \
                      empty, as \"none.weight\"; 3 copied from old.safetensors, as \"position_ids\"";
        let said = text(&output.stderr);
        let said = said.lines().find(|line| line.contains("without a law")).unwrap();
        assert_eq!(said, notice);
        let m = dir.path().join(out);
        for (name, dtype, dims, bytes) in some().iter().filter(|t| ![UP, DOWN].contains(&t.0)) {
            let zeros = [0; 8].to_vec();
            let bytes = if name.starts_with("bn1") { &zeros } else { bytes };
            let dtype = if out == "half" && *dtype == Dtype::F32 { "BF16".to_owned() } else { dtype.to_string() };
            let dims: Vec<u64> = dims.iter().map(|&d| d as u64).collect();
            assert_eq!(read(&m, name), (dtype, dims, bytes.clone()), "{out} {name}");
        }
        // The weights are those of a model without the others.
        seen.push([UP, DOWN].map(|name| read(&m, name).2));
        let table: serde_json::Value = serde_json::from_str(&fs::read_to_string(m.join("init.json")).unwrap()).unwrap();
        assert_eq!((table["tensors"].as_array().unwrap().len(), table["buffers"].as_array().unwrap().len()), (2, 6));
        let buffer = |name: &str| table["buffers"].as_array().unwrap().iter().find(|b| b["name"] == name).unwrap();
        let ids = serde_json::json!({
            "name": "position_ids", "shape": [1, 5], "dtype": "I64", "content": "copied", "from": "old.safetensors",
        });
        assert_eq!((buffer("position_ids"), &buffer("none.ids")["content"]), (&ids, &"empty".into()));
        assert_eq!(buffer("bn1.num_batches_tracked")["content"], "zeros");
        // Zeros and tensors without elements are checked, copies are not.
        let args = ["verify", out, "--device", "cpu"];
        let output = seedbed(dir.path(), &args);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        let stdout = "5 of 8 tensors equal; 3 come from another checkpoint and are not compared\n";
        assert_eq!(text(&output.stdout), stdout);
        let last = text(&output.stderr).lines().last().unwrap();
        assert!(last.ends_with("3 of 8 tensors come from another checkpoint"), "{last}");
        let found = json(dir.path(), &["inspect", out, "--json"]);
        assert_eq!((&found["missing"], &found["unexpected"]), (&serde_json::json!([]), &serde_json::json!([])));
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0][0], vec![1; 48]);

    // A counter that is not zero is a difference.
    let file = dir.path().join("one/model.safetensors");
    let at = Reader::open(&file).unwrap().tensor("bn1.num_batches_tracked").unwrap().range.start as usize;
    let mut bytes = fs::read(&file).unwrap();
    bytes[at + 1] = 3;
    fs::write(&file, bytes).unwrap();
    let output = seedbed(dir.path(), &["verify", "one", "--device", "cpu"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("bn1.num_batches_tracked: 1 element differs, at index 0\n4 of 8 tensors"));

    // What is left out is left out, and a glob may name a buffer.
    let some =
        ["init", "--like", "old.safetensors", "--recipe", "llama", "--seed", "5", "--device", "cpu", "-o", "some"];
    run(
        dir.path(),
        &[&some[..], &["--skip", "*bias", "--skip", "none.*", "--skip", "*ids", "--skip", "rel*"]].concat(),
    );
    assert_eq!(run(dir.path(), &["verify", "some", "--device", "cpu"]), "3 of 3 tensors equal\n");
}

/// Without its table, a checkpoint made after another one is verified by its config, which need not be of a family that
/// is known, and by its own header.
#[test]
fn a_listed_model_is_verified_by_its_metadata() {
    let dir = dir();
    write(&dir.path().join("old.safetensors"), &some());
    fs::write(dir.path().join("any.json"), r#"{"model_type": "unheard_of", "hidden_size": 3}"#).unwrap();
    let init = ["init", "any.json", "--like", "old.safetensors", "--recipe", "llama", "--set", "sigma=0.5"];
    run(dir.path(), &[&init[..], &["--seed", "5", "--device", "cpu", "-o", "m"]].concat());
    fs::remove_file(dir.path().join("m/init.json")).unwrap();
    let output = seedbed(dir.path(), &["verify", "m", "--device", "cpu"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("5 of 8 tensors equal; 3 come"), "{}", text(&output.stdout));
}

#[test]
fn quantized_weights_give_their_shapes_or_are_refused() {
    let dir = dir();
    let scale = format!("{UP}_scale_inv");
    let input = UP.replace("weight", "input_scale");
    let tensors: Vec<Stored<'_>> = vec![
        (UP, Dtype::F8_E4M3, &[4, 3], vec![0; 12]),
        (&scale, Dtype::F32, &[1, 1], vec![0; 4]),
        (&input, Dtype::F32, &[], vec![0; 4]),
        ("model.norm.weight", Dtype::BF16, &[3], vec![0; 6]),
    ];
    write(&dir.path().join("fp8.safetensors"), &tensors);
    let plan = ["plan", "--like", "fp8.safetensors", "--recipe", "llama"];
    let output = seedbed(dir.path(), &plan);
    assert_eq!(output.status.code(), Some(1));
    let error = format!(
        "error: fp8.safetensors: tensor {UP}: unknown dtype \"F8_E4M3\": expected F32, F16, BF16, or one dtype asked \
         for all tensors\n"
    );
    assert_eq!(text(&output.stderr), error);
    let output = seedbed(dir.path(), &[&plan[..], &["--dtype", "bf16", "--json"]].concat());
    let table: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = table["tensors"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&UP) && rows.iter().all(|r| r["dtype"] == "bf16"), "{names:?}");
    let said = "notice: fp8.safetensors: scales of quantized weights are left out (2, as ";
    assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    // Integers that a tool has packed are weights, not buffers to be copied.
    for name in ["a.qweight", "mlp.experts.gate_up_proj_blocks", "a.weight", "a.g_idx", "a.weight.absmax", "a.bias"] {
        let packed: Vec<Stored<'_>> = vec![(UP, Dtype::F32, &[4, 3], vec![0; 48]), (name, Dtype::U8, &[2], vec![0; 2])];
        write(&dir.path().join("packed.safetensors"), &packed);
        let output = seedbed(dir.path(), &["plan", "--like", "packed.safetensors", "--recipe", "llama"]);
        let error = text(&output.stderr);
        assert!(error.contains(&format!("tensor {name}: unknown dtype \"U8\"")), "{error}");
        assert!(error.contains("looks like a packed weight") && error.lines().count() == 1, "{error}");
    }
}
