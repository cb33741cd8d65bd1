//! What a checkpoint's header lists: weights, whose shapes a plan takes, and tensors that are none.

use super::text::blame;
use super::unplanned::{Content, UnplannedTensor};
use crate::model::{ModelTensor, Role};
use crate::{DType, Error, Result};
use std::collections::HashSet;

/// A tensor as the header of a safetensors file lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTensor {
    /// The name.
    pub name: String,
    /// The dimensions, row-major, outermost first.
    pub dims: Vec<u64>,
    /// The element type as the format spells it: `F32`, `BF16`, `F64`, `I64`, ..
    pub dtype: String,
}

/// The tensors of a checkpoint, and the name by which errors call it.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub name: String,
    pub tensors: Vec<HeaderTensor>,
}

/// What a tensor of a header is for a model of the same shapes.
pub(super) enum Listed {
    /// A weight, which gets a law.
    Weight(ModelTensor),
    /// A buffer, which gets none.
    Buffer(UnplannedTensor),
    /// A scale of a quantized weight, which the model before it is quantized does not have.
    Scale,
}

/// The last parts of the names that tools for quantized weights give to what they store: integers that are weights.
const QUANTIZED: [&str; 13] = [
    "weight",
    "qweight",
    "qzeros",
    "g_idx",
    "scales",
    "SCB",
    "absmax",
    "quant_map",
    "nested_absmax",
    "nested_quant_map",
    "weight_packed",
    "weight_zero_point",
    "weight_shape",
];

/// What stands behind a weight's name in the name of its scale.
const SCALES: [&str; 6] = ["_scale_inv", "_scale", "_scale_2", "_scales", "_blocks_scale", "_zero_point"];

/// The last parts of the names of other scales of a quantized layer, beside its `weight`.
const BESIDE: [&str; 4] = ["input_scale", "output_scale", "k_scale", "v_scale"];

impl HeaderTensor {
    /// The element type; `None` for one that seedbed does not fill.
    pub(super) fn filled_dtype(&self) -> Option<DType> {
        self.dtype.parse().ok()
    }

    /// Whether its numbers are real ones: `F64`, `BF16`, `F8_E4M3`, ..
    fn is_float(&self) -> bool {
        self.dtype.starts_with('F') || self.filled_dtype().is_some()
    }

    /// Whether its numbers have 8 bits or fewer, so that scales stand beside them.
    pub(super) fn is_small_float(&self) -> bool {
        ["F8", "F6", "F4"].iter().any(|small| self.dtype.starts_with(small))
    }

    fn last_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// Whether these integers are weights that a tool has packed.
    fn is_packed_weight(&self) -> bool {
        let last = self.last_name();
        let ends = ["_weight", "_blocks", "_scales"].iter().any(|end| last.ends_with(end));
        // A mask may have the name of a bias, as that of GPT-2's attention, but not its shape.
        let is_bias = last == "bias" && self.dims.len() == 1;
        ends || is_bias || QUANTIZED.contains(&last) || self.name.contains(".quant_state")
    }

    /// What it is without a law, where it is no weight: `None` where it is one. `asked` is the dtype asked for all
    /// tensors.
    fn to_buffer(&self, from: &str, asked: Option<DType>) -> Option<UnplannedTensor> {
        let is_counter = self.last_name() == "num_batches_tracked";
        let (content, dtype) = if self.dims.contains(&0) {
            let asked = asked.filter(|_| self.is_float()).map(|dtype| dtype.to_string().to_uppercase());
            (Content::Empty, asked.unwrap_or_else(|| self.dtype.clone()))
        } else if is_counter {
            (Content::Zeros, self.dtype.clone())
        } else if self.is_float() || self.dtype.starts_with('C') || self.is_packed_weight() {
            return None;
        } else {
            (Content::Copied { from: from.to_owned() }, self.dtype.clone())
        };
        Some(UnplannedTensor { name: self.name.clone(), shape: self.dims.clone(), dtype, content })
    }

    /// The same tensor for a model. Its dtype must be one that seedbed fills; where one dtype is `asked` for all
    /// tensors, any other of floats serves too.
    ///
    /// # Errors
    /// Those of [`ModelTensor::new`]; [`Error::Unknown`] for another dtype.
    fn to_model(&self, asked: Option<DType>) -> Result<ModelTensor> {
        let dtype = self.filled_dtype();
        if dtype.is_none() && !(self.is_float() && asked.is_some()) {
            let what = match self.is_float() {
                true => "one dtype asked for all tensors",
                false if self.is_packed_weight() => {
                    "the checkpoint before it was quantized, since this looks like a packed weight, or the tensor left \
                     out"
                }
                false => "the tensor left out",
            };
            let error = Error::unknown("dtype", self.dtype.clone(), ["F32", "F16", "BF16"]).or_expected(what);
            return Err(error.in_tensor(&self.name));
        }
        let mut tensor = ModelTensor::new(self.name.clone(), self.dims.clone(), Role::Other)?;
        tensor.dtype = dtype;
        Ok(tensor)
    }
}

impl Header {
    /// What each tensor is, in order. An error is that of one tensor, which the request may leave out.
    pub fn sorted(&self, asked: Option<DType>) -> impl Iterator<Item = (&HeaderTensor, Result<Listed>)> {
        let small: HashSet<&str> = (self.tensors.iter()).filter(|t| t.is_small_float()).map(|t| &*t.name).collect();
        self.tensors.iter().map(move |tensor| {
            let kind = if is_scale(tensor, &small) {
                Ok(Listed::Scale)
            } else if let Some(buffer) = tensor.to_buffer(&self.name, asked) {
                Ok(Listed::Buffer(buffer))
            } else {
                tensor.to_model(asked).map(Listed::Weight)
            };
            (tensor, kind)
        })
    }

    /// An error about this checkpoint, with its name in front.
    pub fn blame(&self, error: &Error) -> Error {
        blame(&self.name, error)
    }
}

/// Whether a tensor is a scale of one of the weights of few bits.
fn is_scale(tensor: &HeaderTensor, small: &HashSet<&str>) -> bool {
    if small.is_empty() {
        return false;
    }
    let of_weight = SCALES.iter().filter_map(|scale| tensor.name.strip_suffix(scale));
    let beside =
        BESIDE.iter().filter_map(|scale| tensor.name.strip_suffix(scale)).map(|layer| format!("{layer}weight"));
    of_weight.map(str::to_owned).chain(beside).any(|weight| small.contains(&*weight))
}
