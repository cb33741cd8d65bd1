//! A recipe's rules, applied to the tensors of a model.

use super::assignment::{Assigned, Assignment, Logical, RuleOrigin};
use super::expression::Expression;
use super::file::RecipeFile;
use super::finished::FinishedRecipe;
use super::named_numbers::NamedNumbers;
use super::parts::PlacedPart;
use super::rule::{Given, Rule};
use super::unknown::{LAYER_SCALE, Unknown, is_uncertain};
use crate::model::{ModelTensor, Role};
use crate::plan::{Part, TensorSpec};
use crate::value::shape::{Fans, Layout};
use crate::{DType, Error, Result, Scheme};
use std::collections::{HashMap, HashSet};

/// An entry of a recipe: the number of its file, its list there, and its number in the list.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct EntryId {
    file: usize,
    list: List,
    at: usize,
}

/// The lists of a recipe file whose entries are matched against tensors.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum List {
    Rules,
    Multipliers,
    Parts,
}

/// What earlier tensors have shown, so that 70,000 tensors cost little more than their few kinds.
#[derive(Default)]
struct Found {
    /// What an entry gives where its variables have these values, as bits.
    given: HashMap<(EntryId, Vec<u64>), Given>,
    origins: HashMap<EntryId, RuleOrigin>,
    /// Entries whose globs on names have matched a tensor.
    matched: HashSet<EntryId>,
    /// The tensors that get no law, because nothing says for certain what they are.
    unknown: Unknown,
}

impl FinishedRecipe {
    /// Gives each tensor its law: that of the first rule that matches, multiplied by the `scale` rules before it.
    /// Tensors without a dtype of their own get f32.
    ///
    /// The tensors are a model's, or any others with roles:
    ///
    /// ```
    /// # fn main() -> seedbed::Result<()> {
    /// use seedbed::{model::{ModelTensor, Role}, recipe::Recipe};
    /// let recipe = Recipe::parse("mine.toml", r#"
    ///     [[rule]]
    ///     role = "mlp.*"
    ///     scheme = "normal(std = 1 / sqrt(fan_in))"
    ///     lr = "64 / fan_in"
    /// "#)?.finish(None)?;
    /// let assignment = recipe.assign(&[ModelTensor::new("up.weight", [1024, 256], Role::MlpIn)?])?;
    /// let up = &assignment.tensors[0];
    /// assert_eq!((up.spec.scheme.to_string().as_str(), up.logical[0].lr), ("normal(mean=0, std=0.0625)", 0.25));
    ///
    /// let error = recipe.assign(&[ModelTensor::new("norm.weight", [256], Role::Norm)?]).unwrap_err();
    /// assert!(error.to_string().starts_with("tensor norm.weight: no rule matches it (role norm, shape [256])"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Recipe`] with the rule's line and the tensor's name, where an expression names an unknown variable or
    /// is not finite, a scheme refuses its numbers, or parts do not make up their tensor; also where a glob of a user's
    /// file matches no tensor. [`Error::Model`] with the tensor's name where no rule matches it.
    pub fn assign(&self, tensors: &[ModelTensor]) -> Result<Assignment> {
        let mut found = Found::default();
        let mut assigned = Vec::with_capacity(tensors.len());
        for tensor in tensors {
            match self.assign_one(tensor, &mut found)? {
                Some(law) => assigned.push(law),
                None => found.unknown.push(tensor),
            }
        }
        found.unknown.refuse(tensors, &self.names())?;
        self.check_globs(&found)?;
        Ok(Assignment { tensors: assigned })
    }

    /// The tensor with its law; nothing where nobody knows it.
    fn assign_one(&self, t: &ModelTensor, found: &mut Found) -> Result<Option<Assigned>> {
        let dtype = t.kept_dtype.or(t.dtype).unwrap_or(DType::F32);
        let keeps_dtype = t.kept_dtype.is_some();
        let Some((view, placed)) = self.cut(t, found)? else {
            let Some((scheme, layout, logical)) = self.law(t, found)? else { return Ok(None) };
            let mut spec = TensorSpec::new(t.name.clone(), t.shape.dims(), scheme)?.layout(layout).dtype(dtype);
            spec.zero_rows.clone_from(&t.zero_rows);
            return Ok(Some(Assigned { spec, keeps_dtype, logical: vec![logical] }));
        };
        let (mut parts, mut logicals) = (Vec::with_capacity(placed.len()), Vec::with_capacity(placed.len()));
        for PlacedPart { tensor, slab, order } in placed {
            let Some((scheme, layout, logical)) = self.law(&tensor, found)? else { return Ok(None) };
            let part = Part::new(tensor.name, tensor.shape.dims(), scheme, slab)?;
            parts.push(part.order(order).layout(layout));
            logicals.push(logical);
        }
        let spec = TensorSpec::with_parts(t.name.clone(), t.shape.dims(), view, parts)?.dtype(dtype);
        Ok(Some(Assigned { spec, keeps_dtype, logical: logicals }))
    }

    /// The view and the parts of a tensor, by the first `[[parts]]` entry that matches.
    fn cut(&self, t: &ModelTensor, found: &mut Found) -> Result<Option<(Vec<u64>, Vec<PlacedPart>)>> {
        for (f, file) in self.files.iter().enumerate() {
            for (i, entry) in file.parts.iter().enumerate() {
                if !entry.pattern.matches(&t.name, t.role, t.shape.rank()) {
                    continue;
                }
                found.matched.insert(EntryId { file: f, list: List::Parts, at: i });
                let numbers = NamedNumbers::of_tensor(&self.files, &self.set, t, fans(t, &t.layout));
                let value = |e: &Expression| e.value(|name| numbers.value(f, name));
                let cut = || match numbers.holds(f, entry.pattern.when.as_ref())? {
                    true => entry.cut(t, &value).map(Some),
                    false => Ok(None),
                };
                match cut().map_err(|e| file.error(entry.line, e.in_tensor(&t.name)))? {
                    None => {}
                    parts => return Ok(parts),
                }
            }
        }
        Ok(None)
    }

    /// The entries of a list of every file, in order, each with the file's number and its own.
    fn entries(&self, list: fn(&RecipeFile) -> &[Rule]) -> impl Iterator<Item = (usize, usize, &Rule)> {
        let files = self.files.iter().enumerate();
        files.flat_map(move |(f, file)| list(file).iter().enumerate().map(move |(i, rule)| (f, i, rule)))
    }

    /// The law of a tensor; nothing where nobody knows it.
    fn law(&self, t: &ModelTensor, found: &mut Found) -> Result<Option<(Scheme, Layout, Logical)>> {
        let (mut scale, mut lr, mut weight_decay, mut forward) = (1.0, 1.0, 1.0, 1.0);
        let (mut giving, mut scaling) = (None, None);
        for (f, i, rule) in self.entries(|file| &file.rules) {
            let layout = rule.layout.as_ref().unwrap_or(&t.layout);
            let entry = EntryId { file: f, list: List::Rules, at: i };
            let Some(given) = self.give(t, layout, entry, rule, found)? else { continue };
            if rule.pattern.divides(t.role) {
                return Ok(None);
            }
            (lr, weight_decay, forward) = (lr * given.lr, weight_decay * given.weight_decay, forward * given.forward);
            if let Some(scheme) = given.scheme {
                giving = Some((entry, rule, scheme, layout));
                break;
            }
            scale *= given.scale;
            scaling = Some((f, rule.line));
        }
        let Some((entry, rule, mut scheme, layout)) = giving else {
            return if is_uncertain(t) { Ok(None) } else { Err(self.unmatched(t)) };
        };
        if let Some((f, line)) = scaling.filter(|_| scale != 1.0) {
            let scaled = scheme.scaled(scale, &t.shape, layout).and_then(|s| s.check().map(|()| s));
            scheme = scaled.map_err(|e| self.files[f].error(line, e.in_tensor(&t.name)))?;
        }
        for (f, i, rule) in self.entries(|file| &file.multipliers) {
            let entry = EntryId { file: f, list: List::Multipliers, at: i };
            if let Some(given) = self.give(t, layout, entry, rule, found)? {
                if rule.pattern.divides(t.role) {
                    return Ok(None);
                }
                (lr, weight_decay, forward) =
                    (lr * given.lr, weight_decay * given.weight_decay, forward * given.forward);
                break;
            }
        }
        let file = &self.files[entry.file];
        if let Some(product) = [lr, weight_decay, forward].into_iter().find(|x| !x.is_finite()) {
            let reason = Error::Scheme(format!("the multipliers' product is {product}")).in_tensor(&t.name);
            return Err(file.error(rule.line, reason));
        }
        let rule = found.origins.entry(entry).or_insert_with(|| RuleOrigin {
            rule: format!("{}:{}", file.name, rule.line).into(),
            source: rule.source.as_deref().unwrap_or(&file.about.source).into(),
        });
        let rule = rule.clone();
        let hidden = t.variables.get("hidden").map(|&h| h as u64);
        let fans = fans(t, layout);
        let logical = Logical { role: t.role, layer: t.layer, fans, hidden, rule, lr, weight_decay, forward };
        Ok(Some((scheme, layout.clone(), logical)))
    }

    /// What a rule gives a tensor, where it matches it.
    fn give(
        &self,
        t: &ModelTensor,
        layout: &Layout,
        entry: EntryId,
        rule: &Rule,
        found: &mut Found,
    ) -> Result<Option<Given>> {
        if !rule.pattern.may_serve(&t.name, t.role, t.shape.rank()) || self.lacks_layer_scale(t, rule) {
            return Ok(None);
        }
        if rule.pattern.names.is_some() {
            found.matched.insert(entry);
        }
        let f = entry.file;
        let in_rule = |e: Error| self.files[f].error(rule.line, e.in_tensor(&t.name));
        let numbers = NamedNumbers::of_tensor(&self.files, &self.set, t, fans(t, layout));
        if !numbers.holds(f, rule.pattern.when.as_ref()).map_err(in_rule)? {
            return Ok(None);
        }
        let values = rule.variables().iter().map(|name| numbers.value(f, name));
        let values = values.collect::<Result<Vec<f64>>>().map_err(in_rule)?;
        let key = (entry, values.iter().map(|x| x.to_bits()).collect());
        let given = match found.given.get(&key) {
            Some(given) => *given,
            None => {
                let given = rule.give(&values).map_err(in_rule)?;
                found.given.insert(key, given);
                given
            }
        };
        Ok(Some(given))
    }

    /// Whether the rule asks for the size of a LayerScale, which nobody has said.
    fn lacks_layer_scale(&self, t: &ModelTensor, rule: &Rule) -> bool {
        t.role == Role::LayerScale
            && rule.names(LAYER_SCALE)
            && !self.set.contains_key(LAYER_SCALE)
            && !t.variables.contains_key(LAYER_SCALE)
            && !self.files.iter().any(|file| file.parameters.contains_key(LAYER_SCALE))
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
    fn check_globs(&self, found: &Found) -> Result<()> {
        for (f, file) in self.files.iter().enumerate().filter(|(_, file)| !file.is_builtin) {
            let rules = file.rules.iter().enumerate().map(|(i, r)| (List::Rules, i, r.line, &r.pattern));
            let multipliers =
                file.multipliers.iter().enumerate().map(|(i, r)| (List::Multipliers, i, r.line, &r.pattern));
            let parts = file.parts.iter().enumerate().map(|(i, p)| (List::Parts, i, p.line, &p.pattern));
            for (list, at, line, pattern) in rules.chain(multipliers).chain(parts) {
                let Some(names) = &pattern.names else { continue };
                if !found.matched.contains(&EntryId { file: f, list, at }) {
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

/// The fans of a tensor in a layout. What has none of its own, a bias, has those of its weight.
fn fans(t: &ModelTensor, layout: &Layout) -> Option<Fans> {
    layout.fans(&t.shape).ok().or(t.fans)
}
