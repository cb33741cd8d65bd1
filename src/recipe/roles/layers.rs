//! Linear layers and convolutions, by a weight and the bias of its outputs.

use super::modules::{Finding, Modules};
use crate::Result;
use crate::model::Role;
use crate::value::shape::Layout;

/// The names of a weight, and the layout in which a library stores it under that name.
const WEIGHTS: [(&str, Layout); 2] = [("weight", Layout::OutIn), ("kernel", Layout::InOut)];

pub(super) const MATRIX: &str = "a matrix with a bias of its outputs: a linear layer";
pub(super) const KERNEL: &str = "a kernel with a bias of its channels: a convolution";
pub(super) const BARE_KERNEL: &str = "a weight of rank 4 or 5: a convolution";
const BIAS: &str = "the bias of the weight beside it";

/// Finds weights that have a bias, and gives the bias its weight's fans. What a linear layer is for is left to names:
/// here its role is the class.
pub(super) fn find(modules: &mut Modules<'_>) -> Result<()> {
    let mut square = Vec::new();
    // How many matrices that are not square are stored [out, in], and [in, out].
    let mut stored = [0usize; 2];
    for m in 0..modules.all.len() {
        let module = &modules.all[m];
        let weight = WEIGHTS.iter().find_map(|(leaf, layout)| Some((module.get(leaf)?, layout.clone())));
        let Some((weight, usual)) = weight else { continue };
        let (dims, bias) = (modules.dims(weight), module.get("bias"));
        let length = bias.and_then(|bias| match modules.dims(bias) {
            [length] => Some((bias, *length)),
            _ => None,
        });
        match (dims, length) {
            ([out, input], Some((bias, length))) => {
                // A layout that the config or the list has said holds.
                let tensor = &modules.tensors[weight];
                let layout = if tensor.layout != Layout::OutIn {
                    tensor.layout.clone()
                } else if out == input && length == *out {
                    square.push((weight, bias));
                    usual.clone()
                } else if length == *out {
                    stored[0] += 1;
                    Layout::OutIn
                } else if length == *input {
                    stored[1] += 1;
                    Layout::InOut
                } else {
                    return modules.contradiction(bias, weight, "a bias has the length of its weight's outputs");
                };
                linear(modules, weight, bias, layout);
            }
            ([first, second, ..], Some((bias, length))) if dims.len() > 2 => {
                let [.., outputs] = dims else { continue };
                let fits = match usual {
                    Layout::InOut => length == *outputs,
                    // The second axis of a transposed convolution has the outputs of one group.
                    _ => length == *first || (length % second == 0 && first % (length / second) == 0),
                };
                // Three axes may be Bilinear's [out, in, in] too, whose fan in torch is the second axis alone.
                if dims.len() == 3 && length == *first && modules.all[m].prefix.ends_with("bilinear") {
                    linear(modules, weight, bias, Layout::axes([1], [0], [2]));
                    continue;
                }
                let is_told = dims.len() > 3 || dims[2] == 1 || is_convolution(modules.all[m].prefix);
                if is_told && !fits {
                    let what = "a bias has the length of its weight's output channels";
                    return modules.contradiction(bias, weight, what);
                }
                if !is_told || !(3..=5).contains(&dims.len()) {
                    continue;
                }
                let fans = usual.fans(&modules.tensors[weight].shape).ok();
                modules.keep(weight, Finding::by_neighbors(Role::Conv, KERNEL).layout(usual));
                modules.keep(bias, Finding::by_neighbors(Role::Bias, BIAS).fans(fans));
            }
            // A norm of channels may be stored as [1, 1, 1, channels].
            ([before @ .., _], None)
                if (4..=5).contains(&dims.len()) && bias.is_none() && before.iter().any(|&d| d != 1) =>
            {
                modules.keep(weight, Finding::by_neighbors(Role::Conv, BARE_KERNEL).layout(usual));
            }
            ([_, _, _], None) if bias.is_none() && is_convolution(modules.all[m].prefix) => {
                let how = "three axes under the name of a convolution";
                modules.keep(weight, Finding::by_neighbors(Role::Conv, how).layout(usual));
            }
            _ => {}
        }
    }
    // A square matrix does not say how it is stored: as the others of its model are.
    if stored[1] > 0 && stored[0] == 0 {
        for (weight, bias) in square {
            for at in [weight, bias] {
                modules.found[at] = None;
            }
            linear(modules, weight, bias, Layout::InOut);
        }
    }
    Ok(())
}

fn linear(modules: &mut Modules<'_>, weight: usize, bias: usize, layout: Layout) {
    let fans = layout.fans(&modules.tensors[weight].shape).ok();
    modules.keep(weight, Finding::by_neighbors(Role::Linear, MATRIX).layout(layout));
    modules.keep(bias, Finding::by_neighbors(Role::Bias, BIAS).fans(fans));
}

/// Whether the last pieces of a prefix are those of a convolution.
fn is_convolution(prefix: &str) -> bool {
    prefix.rsplit('.').take(2).any(|piece| {
        let piece = piece.to_ascii_lowercase();
        piece.contains("conv") || piece.contains("patch_embed") || piece == "downsample"
    })
}
