//! Which tensor goes to which file of a checkpoint of several files: as `huggingface_hub` splits a state dict.

use std::collections::BTreeMap;

/// The tensors of each shard, by their positions in `bytes`, which has the bytes of each. A shard has at most `max`
/// bytes. They are taken in order, without looking for a better fit; a tensor larger than `max` has a shard of its own,
/// before the one that was being collected.
pub fn split(bytes: &[u64], max: u64) -> Vec<Vec<usize>> {
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

/// The text of the index, sorted as `save_pretrained` writes it: which file each tensor is in, and as metadata the
/// totals (parameters, bytes) beside `extra`.
pub fn index_json(
    files: &BTreeMap<&str, String>,
    total: (u64, u64),
    extra: &BTreeMap<String, String>,
) -> serde_json::Result<String> {
    use serde_json::Value;
    let (parameters, bytes) = total;
    let mut metadata: BTreeMap<&str, Value> = extra.iter().map(|(k, v)| (k.as_str(), v.as_str().into())).collect();
    // `format` says how the tensors of a file are laid out; an index has no tensors.
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
}
