//! LayerScale, whose beginning is the model's choice, and CLIP's `logit_scale`.

use super::modules::{Finding, Modules};
use super::norms::SHIFTS;
use crate::model::Role;
use std::collections::HashSet;

/// Finds the scales of residual branches, and the one of CLIP's logits where it is certainly CLIP's.
pub(super) fn find(modules: &mut Modules<'_>) {
    // The prefixes beneath which a matrix stands: blocks, and what holds them.
    let mut blocks: HashSet<&str> = HashSet::new();
    for module in &modules.all {
        if module.leaves().any(|(_, at)| modules.dims(at).len() > 1) {
            let mut prefix = module.prefix;
            while let Some((above, _)) = prefix.rsplit_once('.') {
                if !blocks.insert(above) {
                    break;
                }
                prefix = above;
            }
        }
    }
    for m in 0..modules.all.len() {
        let module = &modules.all[m];
        let is_block = blocks.contains(module.prefix);
        let has_shift = module.any(&SHIFTS).is_some();
        let of_module = is_numbered(module.last_piece(), &["ls", "layer_scale", "layerscale"])
            || module.last_piece().ends_with("_layer_scale");
        let found: Vec<usize> = (module.leaves())
            .filter(|(leaf, _)| {
                let is_scale = leaf.starts_with("layer_scale") || leaf.starts_with("layerscale");
                let by_module =
                    of_module && (is_numbered(leaf, &["gamma", "lambda"]) || ["weight", "scale"].contains(leaf));
                // Without a shift, and beside the layers of a block, it scales what the block adds.
                let by_block = is_block && !has_shift && is_numbered(leaf, &["gamma", "lambda", "gamma_xca", "ls"]);
                is_scale || by_module || by_block
            })
            .map(|(_, at)| at)
            // A vector of channels, whose other axes are 1. A single number is a gate, which begins at zero.
            .filter(|&at| modules.dims(at).iter().filter(|&&d| d > 1).count() == 1)
            .collect();
        for at in found {
            modules
                .keep(at, Finding::by_neighbors(Role::LayerScale, "a vector that scales a block's branch: LayerScale"));
        }
    }
    logit_scale(modules);
}

/// Whether the piece is one of these words, with a number behind it or none.
fn is_numbered(piece: &str, words: &[&str]) -> bool {
    let end = |word: &&str| piece.strip_prefix(*word);
    words.iter().filter_map(end).any(|end| end.trim_start_matches('_').bytes().all(|b| b.is_ascii_digit()))
}

/// CLIP's is one number beside a projection of texts. SigLIP has a bias beside it; Swin v2's are one per head.
fn logit_scale(modules: &mut Modules<'_>) {
    let mut scales = Vec::new();
    let (mut has_projection, mut has_bias) = (false, false);
    for module in &modules.all {
        for (leaf, at) in module.leaves() {
            if leaf == "logit_scale" && modules.dims(at).is_empty() {
                scales.push(at);
            }
            has_bias |= leaf == "logit_bias";
            has_projection |= leaf == "text_projection" || module.prefix.contains("text_projection");
        }
    }
    if has_projection && !has_bias {
        for at in scales {
            let how = "one number beside a projection of texts and no logit_bias: CLIP's";
            modules.keep(at, Finding::by_neighbors(Role::Scale, how));
        }
    }
}
