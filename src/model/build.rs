//! The list of a model's tensors while it grows, within bounds.

use super::fields::Fields;
use super::role::Role;
use super::tensor::{ModelTensor, Variables};
use super::told::Told;
use crate::value::shape::{Fans, Layout};
use crate::{Error, Result};
use std::collections::HashSet;
use std::sync::Arc;

/// The largest published models have some 70,000.
const MAX_TENSORS: u64 = 100_000;

/// A model's tensors so far, in the order of its `state_dict`.
pub(super) struct Build {
    /// What stands before the names of the base model.
    prefix: &'static str,
    tensors: Vec<ModelTensor>,
    /// Tensors that are not stored: (name, the stored tensor that they share).
    ties: Vec<(String, String)>,
    elements: u64,
    /// The layer that is being built.
    layer: Option<u64>,
    /// The depth of tensors outside layers, of those that are built next: 0 before the layers, layers + 1 behind them.
    depth: u64,
    /// The numbers of the stack that is being built.
    variables: Arc<Variables>,
    /// The role of the norms that are built next.
    norm: Role,
}

impl Build {
    /// No tensors yet. `prefix` stands before the names of the base model's.
    pub fn new(prefix: &'static str) -> Self {
        Self {
            prefix,
            tensors: Vec::new(),
            ties: Vec::new(),
            elements: 0,
            layer: None,
            depth: 0,
            variables: Arc::default(),
            norm: Role::Norm,
        }
    }

    /// Begins a stack: the tensors that follow have these numbers, and those that `fields` has read or holds.
    ///
    /// The general names are `hidden`, `intermediate`, `layers`, `heads`, `kv_heads`, `head_dim`, `vocab`, `positions`,
    /// `experts`, `active_experts`, `state`: as many of them as the model has. `tied` is added at the end: 1 where a
    /// head shares the embedding, else 0.
    pub fn stack<const N: usize>(&mut self, fields: &Fields, numbers: [(&str, u64); N]) {
        let mut variables = fields.numbers();
        variables.extend(numbers.map(|(name, n)| (name.to_owned(), n as f64)));
        self.variables = Arc::new(variables);
        self.depth = 0;
    }

    /// Says that the tensors that follow stand behind the layers of the stack, which were built before.
    pub fn behind(&mut self, layers: u64) {
        self.depth = layers + 1;
    }

    /// Adds a tensor of the base model.
    pub fn push(&mut self, name: &str, role: Role, dims: &[u64]) -> Result<&mut ModelTensor> {
        let prefix = self.prefix;
        self.outside(format!("{prefix}{name}"), role, dims)
    }

    /// Adds a tensor that stands outside the base model: the head.
    pub fn outside(&mut self, name: impl Into<String>, role: Role, dims: &[u64]) -> Result<&mut ModelTensor> {
        let mut tensor = ModelTensor::new(name, dims, role)?;
        if self.tensors.len() as u64 >= MAX_TENSORS {
            return Err(Error::Config(format!("more than {MAX_TENSORS} tensors")).in_tensor(&tensor.name));
        }
        // Neither sum can overflow: both terms are at most 2^60.
        self.elements += tensor.shape.count();
        if self.elements > 1 << 60 {
            let before = self.elements - tensor.shape.count();
            let reason = format!("with the {before} elements before it, more than 2^60");
            return Err(Error::Shape { shape: dims.to_vec(), reason }.in_tensor(&tensor.name));
        }
        tensor.told = Told::Config;
        tensor.layer = self.layer;
        // A recipe knows the depth of these by their role.
        let told_by_role = role.is_embedding() || role.is_head();
        tensor.depth = Some(self.depth).filter(|_| self.layer.is_none() && !told_by_role);
        tensor.variables = Arc::clone(&self.variables);
        self.tensors.push(tensor);
        Ok(self.tensors.last_mut().expect("a tensor was pushed"))
    }

    /// The bias of the weight that was pushed last: `weight` in its name becomes `bias`.
    pub fn bias(&mut self, out: u64) -> Result<&mut ModelTensor> {
        let weight = self.tensors.last().expect("a weight stands before its bias");
        let (name, fans) = (weight.name.clone(), weight.layout.fans(&weight.shape)?);
        let name = name.strip_suffix("weight").unwrap_or(&name).to_owned() + "bias";
        let bias = self.outside(name, Role::Bias, &[out])?;
        bias.fans = Some(fans);
        Ok(bias)
    }

    /// A linear layer `[out, in]`, torch's.
    pub fn linear(&mut self, name: &str, role: Role, [out, input]: [u64; 2], bias: bool) -> Result<()> {
        self.push(&format!("{name}.weight"), role, &[out, input])?;
        if bias {
            self.bias(out)?;
        }
        Ok(())
    }

    /// A linear layer with a bias that stands outside the base model.
    pub fn outside_linear(&mut self, name: &str, role: Role, [out, input]: [u64; 2]) -> Result<()> {
        self.outside(format!("{name}.weight"), role, &[out, input])?;
        self.bias(out)?;
        Ok(())
    }

    /// GPT-2's `Conv1D`: a linear layer stored `[in, out]`, always with a bias.
    pub fn conv1d(&mut self, name: &str, role: Role, [input, out]: [u64; 2]) -> Result<()> {
        self.push(&format!("{name}.weight"), role, &[input, out])?.layout = Layout::InOut;
        self.bias(out)?;
        Ok(())
    }

    /// The experts of a layer, each with three matrices of its own: gate, up and down, by their names.
    pub fn experts(
        &mut self,
        (field, count): (&str, u64),
        name: &str,
        [gate, up, down]: [&str; 3],
        [d, inner]: [u64; 2],
    ) -> Result<()> {
        let total = count.saturating_mul(3);
        if total > MAX_TENSORS {
            return Err(Error::Config(format!(
                "{field}: {count} experts of 3 tensors make {total}, more than {MAX_TENSORS}"
            )));
        }
        let prefix = self.prefix;
        for i in 0..count {
            self.outside(format!("{prefix}{name}.{i}.{gate}.weight"), Role::ExpertGate, &[inner, d])?;
            self.outside(format!("{prefix}{name}.{i}.{up}.weight"), Role::ExpertIn, &[inner, d])?;
            self.outside(format!("{prefix}{name}.{i}.{down}.weight"), Role::ExpertOut, &[d, inner])?;
        }
        Ok(())
    }

    /// The scale of a norm.
    pub fn norm(&mut self, name: &str, width: u64) -> Result<()> {
        self.push(&format!("{name}.weight"), self.norm, &[width])?;
        Ok(())
    }

    /// Says that the norms that follow multiply by 1 + weight.
    pub fn norms_are_offsets(&mut self) {
        self.norm = Role::NormOffset;
    }

    /// The scale and the shift of a norm.
    pub fn layer_norm(&mut self, name: &str, width: u64) -> Result<()> {
        self.norm(name, width)?;
        self.push(&format!("{name}.bias"), Role::NormBias, &[width])?;
        Ok(())
    }

    /// A language-model head `[vocab, hidden]`: stored, or tied to the embedding.
    pub fn head(&mut self, tied: bool, name: &str, embedding: &str, dims: [u64; 2]) -> Result<()> {
        if tied {
            self.tie(name, embedding);
        } else {
            self.outside(name, Role::Unembedding, &dims)?;
        }
        Ok(())
    }

    /// Says that the tensor `name` is not stored, for it shares `stored`. Both names are whole, with their prefix.
    pub fn tie(&mut self, name: impl Into<String>, stored: impl Into<String>) {
        self.ties.push((name.into(), stored.into()));
    }

    /// Builds `count` layers. The first one shows how many tensors that makes, so that too many are refused in time.
    pub fn layers(&mut self, field: &str, count: u64, layer: impl Fn(&mut Self, u64) -> Result<()>) -> Result<()> {
        let before = self.tensors.len();
        for i in 0..count {
            self.layer = Some(i);
            layer(self, i)?;
            let each = (self.tensors.len() - before) as u64;
            if i == 0 && count.saturating_mul(each) > MAX_TENSORS {
                let total = count.saturating_mul(each);
                return Err(Error::Config(format!(
                    "{field}: {count} layers of {each} tensors make {total}, more than {MAX_TENSORS}"
                )));
            }
        }
        self.layer = None;
        self.depth = count + 1;
        Ok(())
    }

    /// The tensors, and the ties.
    pub fn finish(mut self) -> (Vec<ModelTensor>, Vec<(String, String)>) {
        // T5's two input embeddings share one weight too, and are no heads.
        let heads = self.ties.iter().filter(|(name, _)| !name.ends_with("embed_tokens.weight"));
        let shared: HashSet<&str> = heads.map(|(_, stored)| stored.as_str()).collect();
        let tied = self.tensors.iter().any(|t| t.role == Role::Embedding && shared.contains(t.name.as_str()));
        // The tensors of a stack share their numbers, and go on doing so.
        let mut of_stack: Option<[Arc<Variables>; 2]> = None;
        for tensor in &mut self.tensors {
            match &of_stack {
                Some([old, new]) if Arc::ptr_eq(old, &tensor.variables) => tensor.variables = Arc::clone(new),
                _ => {
                    let mut variables = (*tensor.variables).clone();
                    variables.insert("tied".to_owned(), f64::from(u8::from(tied)));
                    let new = Arc::new(variables);
                    of_stack = Some([std::mem::replace(&mut tensor.variables, Arc::clone(&new)), new]);
                }
            }
        }
        (self.tensors, self.ties)
    }
}

/// The fans of a bias whose weight is not the tensor before it.
pub(super) const fn fans(fan_in: u64, fan_out: u64) -> Option<Fans> {
    Some(Fans { fan_in, fan_out })
}
