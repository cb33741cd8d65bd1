//! A recipe's rules, applied to the tensors of a model.

use super::assignment::{Assigned, Assignment, Logical, RuleOrigin, RulePart};
use super::file::RecipeFile;
use super::finished::FinishedRecipe;
use super::found::{EntryId, Found, List};
use super::named_numbers::NamedNumbers;
use super::parts::PlacedPart;
use super::rule::{Gave, Given, Rule};
use super::text_with_numbers::check_layout;
use super::unknown::{LAYER_SCALE, is_uncertain};
use crate::model::{ModelTensor, Role};
use crate::plan::{Part, TensorSpec};
use crate::value::shape::{Fans, Layout, Shape};
use crate::{DType, Error, Result, Scheme};
use std::sync::Arc;

/// What a recipe gives a logical tensor.
struct Lawful {
    scheme: Scheme,
    layout: Layout,
    logical: Logical,
    /// Rows of zeros by rules.
    zero_rows: Vec<u64>,
    /// A dtype that the first rule with one gives.
    dtype: Option<DType>,
    /// The last entry that said rows of zeros.
    of_zero_rows: Option<EntryId>,
}

/// What one entry says of a tensor.
enum Answer {
    /// It is not about it.
    Nothing,
    /// It is meant for some roles of the tensor's class alone, and nobody knows whether for this one.
    Divided,
    Gives(Gift),
}

/// What one entry gives a tensor.
struct Gift {
    given: Given,
    /// The entry's own layout, where it has one.
    layout: Option<Layout>,
    zero_rows: Vec<u64>,
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
    /// is not finite, a scheme refuses its numbers, a row of zeros lies outside its tensor, a layout does not suit it,
    /// or parts do not make up their tensor; also where a glob of a user's file matches no tensor. [`Error::Model`]
    /// with the tensor's name where no rule matches it, and where a recipe that was named has no effect at all.
    /// [`Error::UnknownTensors`] where nothing says for certain what tensors are.
    pub fn assign(&self, tensors: &[ModelTensor]) -> Result<Assignment> {
        let mut found = Found::default();
        let mut assigned = Vec::with_capacity(tensors.len());
        for (at, tensor) in tensors.iter().enumerate() {
            match self.assign_one(tensor, &mut found)? {
                Some(law) => assigned.push(law),
                None => found.unknown.push(at),
            }
        }
        let serves = |t: &ModelTensor, role: Role| {
            let mut rules = self.entries(|file| &file.rules);
            rules.any(|(_, _, rule)| rule.gives_law() && rule.pattern.matches(&t.name, role, t.shape.rank()))
        };
        found.unknown.refuse(tensors, &self.names(), serves)?;
        let said = self.check_effects(tensors, &found)?;
        Ok(Assignment { tensors: assigned, said })
    }

    /// The tensor with its law; nothing where nobody knows it.
    fn assign_one(&self, t: &ModelTensor, found: &mut Found) -> Result<Option<Assigned>> {
        let dtype = |kept: Option<DType>| kept.or(t.dtype).unwrap_or(DType::F32);
        let Some((view, placed)) = self.cut(t, found)? else {
            let Some(law) = self.law(t, found)? else { return Ok(None) };
            let kept = law.dtype.or(t.kept_dtype);
            let spec = TensorSpec::new(t.name.clone(), t.shape.dims(), law.scheme)?;
            let mut spec = spec.layout(law.layout).dtype(dtype(kept));
            spec.zero_rows = [&t.zero_rows[..], &law.zero_rows].concat();
            spec.zero_rows.sort_unstable();
            spec.zero_rows.dedup();
            return Ok(Some(Assigned { spec, keeps_dtype: kept.is_some(), logical: vec![law.logical] }));
        };
        let (mut parts, mut logicals) = (Vec::with_capacity(placed.len()), Vec::with_capacity(placed.len()));
        let mut kept = t.kept_dtype;
        for (i, PlacedPart { tensor, slab, order }) in placed.into_iter().enumerate() {
            let Some(law) = self.law(&tensor, found)? else { return Ok(None) };
            if let Some(entry) = law.of_zero_rows {
                let reason = Error::Scheme(format!("zero_rows are of whole tensors, and it is a part of {}", t.name));
                return Err(self.in_entry(entry, reason.in_tensor(&tensor.name)));
            }
            if i > 0 && law.dtype.or(t.kept_dtype) != kept {
                let reason = "rules give its parts different dtypes, and they are stored in one".to_owned();
                return Err(Error::Model(reason).in_tensor(&t.name));
            }
            kept = law.dtype.or(t.kept_dtype);
            let part = Part::new(tensor.name, tensor.shape.dims(), law.scheme, slab)?;
            parts.push(part.order(order).layout(law.layout));
            logicals.push(law.logical);
        }
        let spec = TensorSpec::with_parts(t.name.clone(), t.shape.dims(), view, parts)?.dtype(dtype(kept));
        Ok(Some(Assigned { spec, keeps_dtype: kept.is_some(), logical: logicals }))
    }

    /// The view and the parts of a tensor, by the first `[[parts]]` entry that matches.
    fn cut(&self, t: &ModelTensor, found: &mut Found) -> Result<Option<(Vec<u64>, Vec<PlacedPart>)>> {
        for (f, file) in self.files.iter().enumerate() {
            for (i, entry) in file.parts.iter().enumerate() {
                if !entry.pattern.matches(&t.name, t.role, t.shape.rank()) {
                    continue;
                }
                let id = EntryId { file: f, list: List::Parts, at: i };
                found.matched.insert(id);
                let numbers = NamedNumbers::of_tensor(&self.files, &self.set, t, fans(t, &t.layout), &found.reads);
                let cut = || match numbers.holds(f, entry.pattern.when.as_ref())? {
                    true => entry.cut(t, &|name| numbers.value(f, name)).map(Some),
                    false => Ok(None),
                };
                if let Some(parts) = cut().map_err(|e| file.error(entry.line, e.in_tensor(&t.name)))? {
                    found.reached.insert(id);
                    return Ok(Some(parts));
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
    fn law(&self, t: &ModelTensor, found: &mut Found) -> Result<Option<Lawful>> {
        let (mut scale, mut lr, mut weight_decay, mut forward) = (1.0, 1.0, 1.0, 1.0);
        let (mut giving, mut scaling) = (None, None);
        let (mut zero_rows, mut of_zero_rows, mut dtype) = (Vec::new(), None, None);
        let mut steps = Vec::with_capacity(2);
        for (f, i, rule) in self.entries(|file| &file.rules) {
            let entry = EntryId { file: f, list: List::Rules, at: i };
            let Gift { given, layout, zero_rows: rows } = match self.give(t, &t.layout, entry, rule, found)? {
                Answer::Nothing => continue,
                Answer::Divided => return Ok(None),
                Answer::Gives(gift) => gift,
            };
            steps.push(entry);
            if rule.zero_rows.is_some() {
                zero_rows.extend(rows);
                of_zero_rows = Some(entry);
            }
            dtype = dtype.or(rule.dtype);
            (lr, weight_decay, forward) = (lr * given.lr, weight_decay * given.weight_decay, forward * given.forward);
            if let Some(scheme) = given.scheme {
                giving = Some((entry, rule, scheme, layout.unwrap_or_else(|| t.layout.clone())));
                break;
            }
            scale *= given.scale;
            scaling = rule.scales().then_some((f, rule.line)).or(scaling);
        }
        let Some((entry, rule, mut scheme, layout)) = giving else {
            return if is_uncertain(t) { Ok(None) } else { Err(self.unmatched(t)) };
        };
        if lacks_fans(t, &scheme, &layout)? {
            return Ok(None);
        }
        if let Some((f, line)) = scaling.filter(|_| scale != 1.0) {
            let scaled = scheme.scaled(scale, &t.shape, &layout).and_then(|s| s.check().map(|()| s));
            scheme = scaled.map_err(|e| self.files[f].error(line, e.in_tensor(&t.name)))?;
        }
        for (f, i, rule) in self.entries(|file| &file.multipliers) {
            let entry = EntryId { file: f, list: List::Multipliers, at: i };
            let given = match self.give(t, &layout, entry, rule, found)? {
                Answer::Nothing => continue,
                Answer::Divided => return Ok(None),
                Answer::Gives(gift) => gift.given,
            };
            steps.push(entry);
            (lr, weight_decay, forward) = (lr * given.lr, weight_decay * given.weight_decay, forward * given.forward);
            break;
        }
        if let Some(product) = [lr, weight_decay, forward].into_iter().find(|x| !x.is_finite()) {
            let reason = Error::Scheme(format!("the multipliers' product is {product}")).in_tensor(&t.name);
            return Err(self.files[entry.file].error(rule.line, reason));
        }
        self.warn(t, &layout, entry.file, found)?;
        let hidden = t.variables.get("hidden").map(|&h| h as u64);
        let fans = fans(t, &layout);
        let rules = self.rules(steps, found);
        let giving = rules.iter().find(|part| part.gave == Gave::Law).map(|part| part.origin.clone());
        let rule = giving.unwrap_or_else(|| self.origin(entry, found));
        let logical = Logical { role: t.role, layer: t.layer, fans, hidden, rule, rules, lr, weight_decay, forward };
        Ok(Some(Lawful { scheme, layout, logical, zero_rows, dtype, of_zero_rows }))
    }

    /// The rule, or the entry of multipliers.
    fn rule(&self, entry: EntryId) -> Option<&Rule> {
        let file = &self.files[entry.file];
        match entry.list {
            List::Rules => file.rules.get(entry.at),
            List::Multipliers => file.multipliers.get(entry.at),
            List::Parts => None,
        }
    }

    fn origin(&self, entry: EntryId, found: &mut Found) -> RuleOrigin {
        let file = &self.files[entry.file];
        let origin = found.origins.entry(entry).or_insert_with(|| {
            let rule = self.rule(entry);
            RuleOrigin {
                rule: format!("{}:{}", file.name, rule.map_or(1, |rule| rule.line)).into(),
                source: rule.and_then(|rule| rule.source.as_deref()).unwrap_or(&file.about.source).into(),
            }
        });
        origin.clone()
    }

    /// What the table says of the entries that gave a tensor something, in their order.
    fn rules(&self, steps: Vec<EntryId>, found: &mut Found) -> Arc<[RulePart]> {
        if let Some(rules) = found.rules.get(&steps) {
            return Arc::clone(rules);
        }
        let part = |&entry: &EntryId| {
            let gave = self.rule(entry)?.gives();
            Some(RulePart { origin: self.origin(entry, found), gave })
        };
        let rules: Arc<[RulePart]> = steps.iter().filter_map(part).collect();
        found.rules.insert(steps, Arc::clone(&rules));
        rules
    }

    /// An error of an entry's line.
    fn in_entry(&self, entry: EntryId, reason: Error) -> Error {
        self.files[entry.file].error(self.rule(entry).map_or(1, |rule| rule.line), reason)
    }

    /// What a rule says of a tensor. `layout` is the tensor's where the rule has none.
    fn give(&self, t: &ModelTensor, layout: &Layout, entry: EntryId, rule: &Rule, found: &mut Found) -> Result<Answer> {
        if !rule.pattern.may_serve(&t.name, t.role, t.shape.rank()) || self.lacks_layer_scale(t, rule) {
            return Ok(Answer::Nothing);
        }
        if rule.pattern.names.is_some() {
            found.matched.insert(entry);
        }
        let f = entry.file;
        let in_rule = |e: Error| self.files[f].error(rule.line, e.in_tensor(&t.name));
        let numbers_by =
            |layout: &Layout| NamedNumbers::of_tensor(&self.files, &self.set, t, fans(t, layout), &found.reads);
        let numbers = numbers_by(layout);
        let own = match &rule.layout {
            None => None,
            Some(text) => match text.to_layout(&|name| numbers.value(f, name)) {
                Ok(own) => Some(own),
                // A rule whose condition does not hold asks for nothing.
                Err(_) if !numbers.holds(f, rule.pattern.when.as_ref()).map_err(in_rule)? => {
                    return Ok(Answer::Nothing);
                }
                Err(error) => return Err(in_rule(error)),
            },
        };
        let numbers = if let Some(own) = &own { numbers_by(own) } else { numbers };
        if !numbers.holds(f, rule.pattern.when.as_ref()).map_err(in_rule)? {
            return Ok(Answer::Nothing);
        }
        if rule.pattern.divides(t.role) {
            return Ok(Answer::Divided);
        }
        if let Some(own) = &own {
            check_layout(own, &t.shape).map_err(in_rule)?;
        }
        let values = rule.variables().iter().map(|name| numbers.value(f, name));
        let values = values.collect::<Result<Vec<f64>>>().map_err(in_rule)?;
        let rows = rule.zero_rows.as_ref().map(|rows| rows.of(&t.shape, &|name| numbers.value(f, name)));
        let zero_rows = rows.transpose().map_err(in_rule)?.unwrap_or_default();
        let key = (entry, values.iter().map(|x| x.to_bits()).collect());
        let given = match found.given.get(&key) {
            Some(given) => *given,
            None => {
                let given = rule.give(&values).map_err(in_rule)?;
                found.given.insert(key, given);
                found.reached.insert(entry);
                given
            }
        };
        Ok(Answer::Gives(Gift { given, layout: own, zero_rows }))
    }

    /// Notes what the `[[warning]]` entries of a file say of a tensor that has its law from there.
    fn warn(&self, t: &ModelTensor, layout: &Layout, f: usize, found: &mut Found) -> Result<()> {
        let file = &self.files[f];
        for (i, warning) in file.warnings.iter().enumerate() {
            if found.said.contains_key(&(f, i)) || !warning.pattern.matches(&t.name, t.role, t.shape.rank()) {
                continue;
            }
            let numbers = NamedNumbers::of_tensor(&self.files, &self.set, t, fans(t, layout), &found.reads);
            let text = || match numbers.holds(f, warning.pattern.when.as_ref())? {
                true => warning.text(&|name| numbers.value(f, name)).map(Some),
                false => Ok(None),
            };
            if let Some(text) = text().map_err(|e| file.error(warning.line, e.in_tensor(&t.name)))? {
                found.said.insert((f, i), format!("{text} ({}:{})", file.name, warning.line));
            }
        }
        Ok(())
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
}

/// The fans of a tensor in a layout. What has none of its own, a bias, has those of its weight: never those of its own
/// shape, where it has axes enough for some, but in a layout that a rule says.
fn fans(t: &ModelTensor, layout: &Layout) -> Option<Fans> {
    match t.role == Role::Bias && *layout == t.layout {
        true => t.fans,
        false => layout.fans(&t.shape).ok().or(t.fans),
    }
}

/// Whether a law goes by fans that a bias of several axes, whose weight is not known, does not have.
fn lacks_fans(t: &ModelTensor, scheme: &Scheme, layout: &Layout) -> Result<bool> {
    if t.role != Role::Bias || t.fans.is_some() || t.shape.rank() < 2 || *layout != t.layout {
        return Ok(false);
    }
    Ok(scheme.law(&Shape::new([t.shape.count()])?, &Layout::OutIn).is_err())
}
