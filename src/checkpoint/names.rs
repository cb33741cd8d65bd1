//! The names of the files in a model's directory.

/// The weights of a model in one file.
pub const SINGLE: &str = "model.safetensors";

/// What says which shard holds which tensor.
pub const INDEX: &str = "model.safetensors.index.json";

/// The config of `transformers`.
pub const CONFIG: &str = "config.json";

/// The weights of an adapter, as PEFT names them.
pub const ADAPTER: &str = "adapter_model.safetensors";

/// The config of an adapter.
pub const ADAPTER_CONFIG: &str = "adapter_config.json";

/// The name of shard `index`, counted from 0, of `count`; a single file has its own name.
#[cfg(feature = "checkpoint")]
pub fn shard(index: usize, count: usize) -> String {
    if count == 1 { SINGLE.to_owned() } else { format!("model-{:05}-of-{count:05}.safetensors", index + 1) }
}

/// Whether loaders take a file of this name for weights of a model: the single file, a shard, the index.
#[cfg(feature = "checkpoint")]
pub fn is_weights(name: &str) -> bool {
    let is_number = |text: &str| text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit());
    let numbers = name.strip_prefix("model-").and_then(|n| n.strip_suffix(".safetensors"));
    let is_shard = numbers.and_then(|n| n.split_once("-of-")).is_some_and(|(i, n)| is_number(i) && is_number(n));
    is_shard || name == SINGLE || name == INDEX
}

#[cfg(test)]
#[cfg(feature = "checkpoint")]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_others() {
        assert_eq!((shard(0, 1), shard(1, 12)), (SINGLE.into(), "model-00002-of-00012.safetensors".into()));
        for weights in [SINGLE, INDEX, "model-00001-of-00009.safetensors", "model-100000-of-100000.safetensors"] {
            assert!(is_weights(weights), "{weights}");
        }
        for other in [CONFIG, "model-1-of-9.safetensors", "model-00001-of-00009.bin", "model-a-of-b.safetensors"] {
            assert!(!is_weights(other), "{other}");
        }
    }
}
