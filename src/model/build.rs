//! The list of a model's tensors while it grows, within bounds.

use super::Class;
use crate::plan::TensorSpec;
use crate::scheme::Scheme;
use crate::shape::Layout;
use crate::{Error, Result};

/// The largest published models have a few thousand tensors.
const MAX_TENSORS: u64 = 100_000;

pub(super) struct Build {
    prefix: &'static str,
    tensors: Vec<TensorSpec>,
    elements: u64,
}

impl Build {
    pub fn new(class: Class) -> Self {
        Self { prefix: class.prefix, tensors: Vec::new(), elements: 0 }
    }

    /// Adds a tensor of the base model.
    pub fn push(&mut self, name: &str, dims: &[u64], scheme: Scheme) -> Result<&mut TensorSpec> {
        let prefix = self.prefix;
        self.push_outside(format!("{prefix}{name}"), dims, scheme)
    }

    /// Adds a tensor that stands outside the base model: the head.
    pub fn push_outside(&mut self, name: impl Into<String>, dims: &[u64], scheme: Scheme) -> Result<&mut TensorSpec> {
        let spec = TensorSpec::new(name, dims, scheme)?;
        spec.scheme.law(&spec.shape, &spec.layout).map_err(|e| e.in_tensor(&spec.name))?;
        // Neither sum can overflow: both terms are at most 2^60.
        self.elements += spec.shape.count();
        if self.elements > 1 << 60 {
            let before = self.elements - spec.shape.count();
            let reason = format!("with the {before} elements before it, more than 2^60");
            return Err(Error::Shape { shape: dims.to_vec(), reason }.in_tensor(&spec.name));
        }
        self.tensors.push(spec);
        Ok(self.tensors.last_mut().expect("a tensor was pushed"))
    }

    /// A linear layer `[out, in]`, torch's.
    pub fn linear(&mut self, name: &str, [out, input]: [u64; 2], std: f64, bias: bool) -> Result<()> {
        self.push(&format!("{name}.weight"), &[out, input], normal(std))?;
        if bias {
            self.push(&format!("{name}.bias"), &[out], Scheme::Constant(0.0))?;
        }
        Ok(())
    }

    /// GPT-2's `Conv1D`: a linear layer stored `[in, out]`, always with a bias.
    pub fn conv1d(&mut self, name: &str, [input, out]: [u64; 2], std: f64) -> Result<()> {
        self.push(&format!("{name}.weight"), &[input, out], normal(std))?.layout = Layout::InOut;
        self.push(&format!("{name}.bias"), &[out], Scheme::Constant(0.0))?;
        Ok(())
    }

    /// Builds `count` layers, once the first one shows how many tensors that makes.
    pub fn layers(&mut self, field: &str, count: u64, layer: impl Fn(&mut Self, u64) -> Result<()>) -> Result<()> {
        let before = self.tensors.len();
        layer(self, 0)?;
        let each = (self.tensors.len() - before) as u64;
        if count * each > MAX_TENSORS {
            let total = count * each;
            return Err(Error::Config(format!(
                "{field}: {count} layers of {each} tensors make {total}, more than {MAX_TENSORS}"
            )));
        }
        (1..count).try_for_each(|i| layer(self, i))
    }

    pub fn finish(self) -> Vec<TensorSpec> {
        self.tensors
    }
}

pub(super) fn normal(std: f64) -> Scheme {
    Scheme::Normal { mean: 0.0, std }
}
