//! A recipe's rules, applied to the tensors of a model.

use super::Recipe;
use super::expression::Expression;
use super::file::File;
use super::parts::Cut;
use super::rule::{Given, Rule};
use super::scope::Scope;
use crate::model::{ModelTensor, Role};
use crate::plan::{Part, TensorSpec};
use crate::value::shape::{Fans, Layout};
use crate::{DType, Error, Result, Scheme};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a recipe makes of a model: every stored tensor with its law and its numbers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assignment {
    /// The stored tensors, in the model's order.
    pub tensors: Vec<Assigned>,
}

/// A stored tensor with its law.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assigned {
    /// What a plan takes.
    pub spec: TensorSpec,
    /// The logical tensors: one for each part of `spec`, or the tensor itself.
    pub logical: Vec<Logical>,
}

/// What a recipe says of a logical tensor beside its law.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Logical {
    /// What it does.
    pub role: Role,
    /// The layer it stands in, from 0.
    pub layer: Option<u64>,
    /// Its fans; a bias has its weight's.
    pub fans: Option<Fans>,
    /// The width of its stack, where the model says it: `hidden`.
    pub hidden: Option<u64>,
    /// Which rule gave its scheme.
    pub rule: Origin,
    /// The learning rate is the base rate times this.
    pub lr: f64,
    /// The weight decay is the base decay times this.
    pub weight_decay: f64,
    /// The model multiplies by this what the weight makes.
    pub forward: f64,
}

/// A rule: where it stands, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The recipe's file or name, and the line of the rule: `llama:12`.
    pub rule: Arc<str>,
    /// The paper or the file that the rule follows.
    pub source: Arc<str>,
}

/// What was found already, so that 70,000 tensors cost what their kinds cost.
#[derive(Default)]
struct Memo {
    given: HashMap<(usize, usize, Vec<u64>), Given>,
    origins: HashMap<(usize, usize), Origin>,
    /// Rules, multipliers and parts whose globs on names have matched: (file, kind, number).
    matched: HashSet<(usize, char, usize)>,
}

impl Recipe {
    /// Gives each tensor its law: the first rule that matches does, `scale` rules before it multiply. Tensors without a
    /// dtype of their own get f32.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the rule's line and the tensor's name, where an expression names an unknown variable or is not
    /// finite, a scheme refuses its numbers, or parts do not make up their tensor; where a glob of a user's file matches
    /// no tensor. [`Error::Model`] in the tensor's name where no rule matches it.
    pub fn assign(&self, tensors: &[ModelTensor]) -> Result<Assignment> {
        let mut memo = Memo::default();
        let assigned = tensors.iter().map(|t| self.one(t, &mut memo)).collect::<Result<Vec<_>>>()?;
        self.check_globs(&memo)?;
        Ok(Assignment { tensors: assigned })
    }

    fn one(&self, t: &ModelTensor, memo: &mut Memo) -> Result<Assigned> {
        let dtype = t.dtype.unwrap_or(DType::F32);
        let Some((view, cuts)) = self.cut(t, memo)? else {
            let (scheme, layout, logical) = self.law(t, memo)?;
            let mut spec = TensorSpec::new(t.name.clone(), t.shape.dims(), scheme)?.layout(layout).dtype(dtype);
            spec.zero_rows.clone_from(&t.zero_rows);
            return Ok(Assigned { spec, logical: vec![logical] });
        };
        let (mut parts, mut logicals) = (Vec::with_capacity(cuts.len()), Vec::with_capacity(cuts.len()));
        for cut in cuts {
            let (scheme, layout, logical) = self.law(&cut.tensor, memo)?;
            let part = Part::new(cut.tensor.name, cut.tensor.shape.dims(), scheme, cut.slab)?;
            parts.push(part.order(cut.order).layout(layout));
            logicals.push(logical);
        }
        let spec = TensorSpec::with_parts(t.name.clone(), t.shape.dims(), view, parts)?.dtype(dtype);
        Ok(Assigned { spec, logical: logicals })
    }

    /// The parts of a tensor, by the first declaration that matches.
    fn cut(&self, t: &ModelTensor, memo: &mut Memo) -> Result<Option<(Vec<u64>, Vec<Cut>)>> {
        for (f, file) in self.files.iter().enumerate() {
            for (i, split) in file.splits.iter().enumerate() {
                if !split.pattern.matches(&t.name, t.role, t.shape.rank()) {
                    continue;
                }
                memo.matched.insert((f, 'p', i));
                let scope = Scope::of_tensor(&self.files, &self.set, t, t.layout.fans(&t.shape).ok().or(t.fans));
                let value = |e: &Expression| e.value(|name| scope.value(f, name));
                let cut = || match scope.holds(f, split.pattern.when.as_ref())? {
                    true => split.cut(t, &value).map(Some),
                    false => Ok(None),
                };
                match cut().map_err(|e| file.error(split.line, e.in_tensor(&t.name)))? {
                    None => {}
                    found => return Ok(found),
                }
            }
        }
        Ok(None)
    }

    fn law(&self, t: &ModelTensor, memo: &mut Memo) -> Result<(Scheme, Layout, Logical)> {
        let (mut scale, mut lr, mut weight_decay, mut forward) = (1.0, 1.0, 1.0, 1.0);
        let rules = |list: fn(&File) -> &[Rule]| {
            (self.files.iter().enumerate())
                .flat_map(move |(f, file)| list(file).iter().enumerate().map(move |(i, r)| (f, i, r)))
        };
        let (mut found, mut scaling) = (None, None);
        for (f, i, rule) in rules(|file| &file.rules) {
            let layout = rule.layout.as_ref().unwrap_or(&t.layout);
            let Some(given) = self.give(t, layout, (f, 'r', i), rule, memo)? else { continue };
            (lr, weight_decay, forward) = (lr * given.lr, weight_decay * given.weight_decay, forward * given.forward);
            if let Some(scheme) = given.scheme {
                found = Some((f, i, rule, scheme, layout));
                break;
            }
            scale *= given.scale;
            scaling = Some((f, rule.line));
        }
        let Some((f, i, rule, mut scheme, layout)) = found else {
            return Err(self.unmatched(t));
        };
        if let Some((f, line)) = scaling.filter(|_| scale != 1.0) {
            let scaled = scheme.scaled(scale, &t.shape, layout).and_then(|s| s.check().map(|()| s));
            scheme = scaled.map_err(|e| self.files[f].error(line, e.in_tensor(&t.name)))?;
        }
        for (f, i, rule) in rules(|file| &file.multipliers) {
            if let Some(given) = self.give(t, layout, (f, 'm', i), rule, memo)? {
                (lr, weight_decay, forward) =
                    (lr * given.lr, weight_decay * given.weight_decay, forward * given.forward);
                break;
            }
        }
        if let Some(product) = [lr, weight_decay, forward].into_iter().find(|x| !x.is_finite()) {
            let reason = Error::Scheme(format!("the multipliers' product is {product}")).in_tensor(&t.name);
            return Err(self.files[f].error(rule.line, reason));
        }
        let rule = memo.origins.entry((f, i)).or_insert_with(|| Origin {
            rule: format!("{}:{}", self.files[f].name, rule.line).into(),
            source: rule.source.as_deref().unwrap_or(&self.files[f].about.source).into(),
        });
        let rule = rule.clone();
        let fans = layout.fans(&t.shape).ok().or(t.fans);
        let hidden = t.variables.get("hidden").map(|&h| h as u64);
        let logical = Logical { role: t.role, layer: t.layer, fans, hidden, rule, lr, weight_decay, forward };
        Ok((scheme, layout.clone(), logical))
    }

    /// What a rule gives a tensor, where it matches it.
    fn give(
        &self,
        t: &ModelTensor,
        layout: &Layout,
        (f, kind, i): (usize, char, usize),
        rule: &Rule,
        memo: &mut Memo,
    ) -> Result<Option<Given>> {
        if !rule.pattern.matches(&t.name, t.role, t.shape.rank()) {
            return Ok(None);
        }
        if rule.pattern.names.is_some() {
            memo.matched.insert((f, kind, i));
        }
        let in_rule = |e: Error| self.files[f].error(rule.line, e.in_tensor(&t.name));
        let scope = Scope::of_tensor(&self.files, &self.set, t, layout.fans(&t.shape).ok().or(t.fans));
        if !scope.holds(f, rule.pattern.when.as_ref()).map_err(in_rule)? {
            return Ok(None);
        }
        let values = rule.variables().iter().map(|name| scope.value(f, name));
        let values = values.collect::<Result<Vec<f64>>>().map_err(in_rule)?;
        let number = if kind == 'r' { i } else { usize::MAX - i };
        let key = (f, number, values.iter().map(|x| x.to_bits()).collect());
        let given = match memo.given.get(&key) {
            Some(given) => *given,
            None => {
                let given = rule.give(&values).map_err(in_rule)?;
                memo.given.insert(key, given);
                given
            }
        };
        Ok(Some(given))
    }

    fn unmatched(&self, t: &ModelTensor) -> Error {
        let names = if self.files.is_empty() { "no recipe".to_owned() } else { self.names().join(", ") };
        Error::Model(format!(
            "no rule matches it (role {}, shape {:?}): {names}; add a rule, or extend a recipe that has one",
            t.role,
            t.shape.dims()
        ))
        .in_tensor(&t.name)
    }

    /// A glob that matches nothing is a mistake, except in built-in recipes, which serve many models.
    fn check_globs(&self, memo: &Memo) -> Result<()> {
        for (f, file) in self.files.iter().enumerate().filter(|(_, file)| !file.is_builtin) {
            let rules = file.rules.iter().enumerate().map(|(i, r)| ('r', i, r.line, &r.pattern));
            let multipliers = file.multipliers.iter().enumerate().map(|(i, r)| ('m', i, r.line, &r.pattern));
            let splits = file.splits.iter().enumerate().map(|(i, s)| ('p', i, s.line, &s.pattern));
            for (kind, i, line, pattern) in rules.chain(multipliers).chain(splits) {
                let Some(names) = &pattern.names else { continue };
                if !memo.matched.contains(&(f, kind, i)) {
                    let reason = format!(
                        "name {} matches no tensor that comes to this rule: earlier rules may take them all",
                        names.texts()
                    );
                    return Err(file.error(line, reason));
                }
            }
        }
        Ok(())
    }
}
