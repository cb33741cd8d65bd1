//! Tensors that are written without a law: a checkpoint's buffers, and weights that are kept whole.

use serde::{Deserialize, Serialize};

/// A tensor that a model's files hold and no law makes. It has no key, and the plan does not have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnplannedTensor {
    /// The name.
    pub name: String,
    /// The dimensions, of which any may be 0.
    pub shape: Vec<u64>,
    /// The element type as the safetensors format spells it: `I64`, `BOOL`, `F32`, ..
    pub dtype: String,
    /// What is in it.
    #[serde(flatten)]
    pub content: Content,
}

/// What a tensor without a law holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "content", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Content {
    /// Zeros, as a count of batches that none was counted in yet.
    Zeros,
    /// Nothing: a dimension is 0.
    Empty,
    /// The bytes of the tensor of this name in another checkpoint.
    Copied {
        /// The name of that checkpoint, as the request gave it.
        from: String,
    },
}

/// What of a plan is said about buffers, in one line; none where there are none.
pub(super) fn notice(buffers: &[UnplannedTensor]) -> Option<String> {
    let said = |what: &str, is_it: &dyn Fn(&Content) -> bool| {
        let mut of_kind = buffers.iter().filter(|b| is_it(&b.content));
        let first = of_kind.next()?;
        Some(format!("{} {what}, as {:?}", of_kind.count() + 1, first.name))
    };
    let from = buffers.iter().find_map(|b| match &b.content {
        Content::Copied { from } => Some(format!("copied from {from}")),
        Content::Zeros | Content::Empty => None,
    });
    let kinds = [
        said("written as zeros", &|content| *content == Content::Zeros),
        said("written empty", &|content| *content == Content::Empty),
        from.and_then(|from| said(&from, &|content| matches!(content, Content::Copied { .. }))),
    ];
    let kinds: Vec<String> = kinds.into_iter().flatten().collect();
    (!kinds.is_empty()).then(|| format!("tensors without a law: {}", kinds.join("; ")))
}
