//! Tensors that a recipe file lists itself: its `[[tensor]]` entries.

use super::expression::Expression;
use super::raw::{NumberOrText, RawTensor};
use super::text_with_numbers::{TextWithNumbers, check_layout, number_of_shape};
use super::zero_rows::ZeroRows;
use crate::model::{ModelTensor, Role};
use crate::value::shape::Shape;
use crate::{DType, Error, Result};

/// A `[[tensor]]` entry: one tensor, or one for each number in the braces of its name.
#[derive(Clone, Debug)]
pub(super) struct ListedTensor {
    pub line: usize,
    pub name: String,
    pub shape: Vec<Expression>,
    pub role: Option<Role>,
    pub dtype: Option<DType>,
    pub layout: Option<TextWithNumbers>,
    pub zero_rows: Option<ZeroRows>,
}

/// No model has more tensors.
pub(super) const MAX_TENSORS: usize = 100_000;

/// No tensor has more dimensions.
const MAX_RANK: usize = 16;

/// No tensor has a longer name.
const MAX_NAME: usize = 1000;

impl ListedTensor {
    pub fn read(raw: RawTensor, line: usize) -> Result<Self> {
        if raw.shape.len() > MAX_RANK {
            return Err(Error::Scheme(format!("a shape of {} dimensions, at most {MAX_RANK}", raw.shape.len())));
        }
        Ok(Self {
            line,
            name: raw.name,
            shape: raw.shape.iter().map(NumberOrText::expression).collect::<Result<_>>()?,
            role: raw.role.as_deref().map(str::parse).transpose()?,
            dtype: raw.dtype.as_deref().map(str::parse).transpose()?,
            layout: raw.layout.as_deref().map(TextWithNumbers::layout).transpose()?,
            zero_rows: raw.zero_rows.as_ref().map(ZeroRows::read).transpose()?,
        })
    }

    /// The variables that its expressions name.
    pub fn variables(&self) -> impl Iterator<Item = &String> {
        let layout = self.layout.iter().flat_map(TextWithNumbers::variables);
        let zero_rows = self.zero_rows.iter().flat_map(ZeroRows::variables);
        self.shape.iter().flat_map(Expression::variables).chain(layout).chain(zero_rows)
    }

    /// The tensors of the entry, at most `room`. `value` gives what a name means; in layouts and rows of zeros the
    /// tensor's own numbers have names too.
    pub fn tensors(&self, value: impl Fn(&str) -> Result<f64>, room: usize) -> Result<Vec<ModelTensor>> {
        let size = |e: &Expression| match e.value(&value)? {
            x if x.trunc() == x && (1.0..=9_007_199_254_740_992.0).contains(&x) => Ok(x as u64),
            x => Err(Error::Scheme(format!("a dimension is {x}, must be a whole number from 1"))),
        };
        let dims = self.shape.iter().map(size).collect::<Result<Vec<u64>>>()?;
        let shape = Shape::new(dims)?;
        let of_tensor = |name: &str| number_of_shape(name, &shape, None).or_else(|_| value(name));
        let layout = self.layout.as_ref().map(|text| text.to_layout(&of_tensor)).transpose()?;
        layout.as_ref().map(|layout| check_layout(layout, &shape)).transpose()?;
        let zero_rows = self.zero_rows.as_ref().map(|rows| rows.of(&shape, &of_tensor)).transpose()?;
        let (layout, zero_rows) = (layout.unwrap_or_default(), zero_rows.unwrap_or_default());
        let names = expand(&self.name, room)?;
        let tensor = |(name, layer): (String, Option<u64>)| {
            let mut tensor = ModelTensor::new(name, shape.dims(), self.role.unwrap_or(Role::Other))?;
            tensor.layer = layer;
            tensor.dtype = self.dtype;
            tensor.layout = layout.clone();
            tensor.zero_rows.clone_from(&zero_rows);
            Ok(tensor)
        };
        names.into_iter().map(tensor).collect()
    }
}

/// The names of a pattern such as `h.{0-11}.w` or `e.{0-2,5}.w`, at most `room`, each with its first number.
fn expand(pattern: &str, room: usize) -> Result<Vec<(String, Option<u64>)>> {
    let malformed = |reason: &str| Error::Scheme(format!("name {pattern:?}: {reason}; as in \"h.{{0-11}}.w\""));
    if pattern.len() > MAX_NAME {
        return Err(Error::Scheme(format!("a name of {} characters, at most {MAX_NAME}", pattern.len())));
    }
    let mut names = vec![(String::new(), None)];
    for (at, section) in pattern.split('{').enumerate() {
        if at == 0 {
            names[0].0.push_str(section);
            continue;
        }
        let (list, text) = section.split_once('}').ok_or_else(|| malformed("a brace is not closed"))?;
        let mut numbers = Vec::new();
        for span in list.split(',') {
            let (first, last) = span.split_once('-').unwrap_or((span, span));
            let number =
                |n: &str| n.trim().parse::<u64>().map_err(|_| malformed(&format!("{n:?} is not a whole number")));
            let (first, last) = (number(first)?, number(last)?);
            let count = last.checked_sub(first).ok_or_else(|| malformed(&format!("{span} ends before it begins")))?;
            let count = (numbers.len() as u64).saturating_add(count).saturating_add(1);
            if count.saturating_mul(names.len() as u64) > room as u64 {
                return Err(malformed(&format!("more than {MAX_TENSORS} tensors")));
            }
            numbers.extend(first..=last);
        }
        names = (names.iter())
            .flat_map(|(name, layer)| numbers.iter().map(move |n| (format!("{name}{n}{text}"), layer.or(Some(*n)))))
            .collect();
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{MAX_TENSORS, expand};

    #[test]
    fn numbers_in_braces_are_each_of_them() {
        let names: Vec<_> = expand("a.{0-1,4}.b.{7-8}", 100).unwrap();
        let texts: Vec<&str> = names.iter().map(|n| n.0.as_str()).collect();
        assert_eq!(texts, ["a.0.b.7", "a.0.b.8", "a.1.b.7", "a.1.b.8", "a.4.b.7", "a.4.b.8"]);
        assert_eq!((names[0].1, names[5].1), (Some(0), Some(4)));
        assert_eq!(expand("plain", 1).unwrap(), [("plain".to_owned(), None)]);
        for wrong in ["{", "a{}", "{x}", "{3-1}", "{0-99999999999}", "{0-99999}{0-99999}", "{0-18446744073709551615}"] {
            assert!(expand(wrong, MAX_TENSORS).unwrap_err().to_string().contains("name"), "{wrong}");
        }
    }
}
