//! Which tensor goes to which file of a sharded checkpoint: as `huggingface_hub` splits a state dict.

use std::collections::BTreeMap;

/// The weights of a model in one file.
pub(super) const SINGLE: &str = "model.safetensors";

/// What says which shard holds which tensor.
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// Positions of the tensors of each shard, of at most `max` bytes of tensors. In order, without looking for a better fit; a
/// tensor larger than that has a shard of its own, before the one that was being collected.
pub(super) fn split(bytes: &[u64], max: u64) -> Vec<Vec<usize>> {
    let mut shards = Vec::new();
    let mut current = Vec::new();
    let mut size = 0u64;
    for (i, &bytes) in bytes.iter().enumerate() {
        if bytes > max {
            shards.push(vec![i]);
            continue;
        }
        if size.saturating_add(bytes) > max {
            shards.push(std::mem::take(&mut current));
            size = 0;
        }
        current.push(i);
        size += bytes;
    }
    if !current.is_empty() || shards.is_empty() {
        shards.push(current);
    }
    shards
}

/// The name of shard `index`, counted from 0, of `count`.
pub(super) fn name(index: usize, count: usize) -> String {
    if count == 1 { SINGLE.to_owned() } else { format!("model-{:05}-of-{count:05}.safetensors", index + 1) }
}

/// Whether a file of this name is one that loaders take for weights of a model: the single file, a shard, the index.
pub(super) fn is_weights(name: &str) -> bool {
    let number = |text: &str| text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit());
    let shard = name.strip_prefix("model-").and_then(|n| n.strip_suffix(".safetensors"));
    let shard = shard.and_then(|n| n.split_once("-of-")).is_some_and(|(i, n)| number(i) && number(n));
    shard || name == SINGLE || name == INDEX
}

/// The text of the index: sorted, as `save_pretrained` writes it. The metadata's own keys win over the extra ones.
pub(super) fn index_json(
    files: &BTreeMap<&str, String>,
    total: (u64, u64),
    extra: &BTreeMap<String, String>,
) -> serde_json::Result<String> {
    use serde_json::Value;
    let (parameters, bytes) = total;
    let mut metadata: BTreeMap<&str, Value> = extra.iter().map(|(k, v)| (k.as_str(), v.as_str().into())).collect();
    // It says how tensors are laid out in a file; an index has none.
    metadata.remove("format");
    metadata.insert("total_parameters", parameters.into());
    metadata.insert("total_size", bytes.into());
    let index =
        BTreeMap::from([("metadata", serde_json::to_value(metadata)?), ("weight_map", serde_json::to_value(files)?)]);
    Ok(serde_json::to_string_pretty(&index)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected lists are what `split_torch_state_dict_into_shards` of huggingface_hub 2.4.0 gives.
    #[test]
    fn tensors_are_split_as_huggingface_hub_splits_them() {
        assert_eq!(split(&[6, 6, 2, 6, 2, 2], 10), [vec![0], vec![1, 2], vec![3, 4, 5]]);
        assert_eq!(split(&[6, 20, 2, 20], 10), [vec![1], vec![3], vec![0, 2]]);
        assert_eq!(split(&[5, 5, 1], 10), [vec![0, 1], vec![2]]);
        assert_eq!(split(&[20], 10), [vec![0]]);
        assert_eq!(split(&[1, 2], u64::MAX), [vec![0, 1]]);
        assert_eq!(split(&[3, 2], 1), [vec![0], vec![1]]);
        assert_eq!(split(&[], 1), [Vec::<usize>::new()]);
    }

    #[test]
    fn names_are_told_from_others() {
        assert_eq!((name(0, 1), name(1, 12)), (SINGLE.into(), "model-00002-of-00012.safetensors".into()));
        for weights in [SINGLE, INDEX, "model-00001-of-00009.safetensors", "model-100000-of-100000.safetensors"] {
            assert!(is_weights(weights), "{weights}");
        }
        for other in ["config.json", "model-1-of-9.safetensors", "model-00001-of-00009.bin", "model-a-of-b.safetensors"]
        {
            assert!(!is_weights(other), "{other}");
        }
    }
}
