//! LoRA pairs, as PEFT names them.

use super::modules::{Finding, Modules};
use crate::Result;
use crate::model::Role;

const HOW: &str = "one of a LoRA pair";

/// Finds pairs A `[rank, in]`, B `[out, rank]`, of linear layers, convolutions and embeddings.
pub(super) fn find(modules: &mut Modules<'_>) -> Result<()> {
    for a in 0..modules.tensors.len() {
        let name = modules.name(a);
        let pair = [("lora_A", "lora_B"), ("lora_embedding_A", "lora_embedding_B")];
        let other = pair.iter().find_map(|(of_a, of_b)| has_piece(name, of_a).then(|| name.replacen(of_a, of_b, 1)));
        let Some(b) = other.and_then(|other| modules.tensor(&other)) else { continue };
        let (&[rank, _, ..], &[_, inner, ..]) = (modules.dims(a), modules.dims(b)) else { continue };
        if rank != inner {
            return modules.contradiction(b, a, "the columns of B are the rows of A");
        }
        modules.replace(a, Finding::by_neighbors(Role::LoraA, HOW));
        modules.replace(b, Finding::by_neighbors(Role::LoraB, HOW));
    }
    Ok(())
}

/// Whether one of the pieces of the name is this one.
fn has_piece(name: &str, piece: &str) -> bool {
    name.contains(piece) && name.split('.').any(|own| own == piece)
}
