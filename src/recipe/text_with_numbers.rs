//! Texts of schemes and layouts whose numbers are expressions: `conv(groups = rows)`.

use super::expression::Expression;
use crate::value::shape::{Layout, Shape};
use crate::{Error, Result, Scheme};
use std::cell::RefCell;
use std::collections::HashMap;

/// A text that has been read once, with the expressions that stand in it.
#[derive(Clone, Debug)]
pub(super) struct TextWithNumbers {
    text: String,
    /// The arguments that are expressions, by their text.
    arguments: HashMap<String, Expression>,
}

/// Gives the value of each argument that is no number.
type Evaluate<'a> = &'a dyn Fn(&str) -> Result<f64>;

impl TextWithNumbers {
    /// The text of a scheme.
    ///
    /// # Errors
    /// Where the text is none, or an expression cannot be read. What its numbers are is not known yet.
    pub fn scheme(text: &str) -> Result<Self> {
        Self::read(text, |evaluate| Scheme::parse_with(text, evaluate).map(|_| ()))
    }

    /// The text of a layout.
    ///
    /// # Errors
    /// As of [`Self::scheme`].
    pub fn layout(text: &str) -> Result<Self> {
        Self::read(text, |evaluate| Layout::parse_with(text, evaluate).map(|_| ()))
    }

    fn read(text: &str, check: impl Fn(Evaluate<'_>) -> Result<()>) -> Result<Self> {
        let found = RefCell::new(HashMap::new());
        // Only the form is checked here, with 1 for every expression: the numbers come with a tensor.
        check(&|argument| {
            found.borrow_mut().insert(argument.to_owned(), Expression::parse(argument)?);
            Ok(1.0)
        })?;
        Ok(Self { text: text.to_owned(), arguments: found.into_inner() })
    }

    /// The variables that its expressions name.
    pub fn variables(&self) -> impl Iterator<Item = &String> {
        self.arguments.values().flat_map(Expression::variables)
    }

    /// The scheme, where `lookup` gives the variables. Its numbers are checked.
    pub fn to_scheme(&self, lookup: &dyn Fn(&str) -> Result<f64>) -> Result<Scheme> {
        let scheme = Scheme::parse_with(&self.text, &|argument| self.value(argument, lookup))?;
        scheme.check().map(|()| scheme)
    }

    /// The layout, where `lookup` gives the variables.
    pub fn to_layout(&self, lookup: &dyn Fn(&str) -> Result<f64>) -> Result<Layout> {
        Layout::parse_with(&self.text, &|argument| self.value(argument, lookup))
    }

    fn value(&self, argument: &str, lookup: &dyn Fn(&str) -> Result<f64>) -> Result<f64> {
        match self.arguments.get(argument) {
            Some(expression) => expression.value(lookup),
            None => Expression::parse(argument)?.value(lookup),
        }
    }
}

/// A layout that someone wrote for a tensor suits it: it gives the tensor fans, or the tensor is a vector, which has
/// fans by named axes alone.
///
/// # Errors
/// Those of [`Layout::fans`].
pub(super) fn check_layout(layout: &Layout, shape: &Shape) -> Result<()> {
    match layout.fans(shape) {
        Err(_) if shape.rank() < 2 && !matches!(layout, Layout::Axes { .. }) => Ok(()),
        fans => fans.map(|_| ()),
    }
}

/// The scheme that a text gives a tensor of this shape, where the numbers of the text may be expressions over those of
/// the tensor: `fan_in`, `fan_out`, `rows`, `cols` (the first and the last dimension), `rank`, `elements`.
///
/// [`Scheme`]'s own `parse` takes numbers alone.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::recipe::scheme_for;
/// use seedbed::shape::{Layout, Shape};
/// let shape = Shape::new([64, 16])?;
/// let scheme = scheme_for("normal(std = 1 / sqrt(fan_in))", &shape, &Layout::OutIn)?;
/// assert_eq!(scheme.to_string(), "normal(mean=0, std=0.25)");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of reading a scheme; [`Error::Scheme`] where an expression cannot be read, names something else, or is not
/// finite.
pub fn scheme_for(text: &str, shape: &Shape, layout: &Layout) -> Result<Scheme> {
    // A text of plain numbers is read as ever, with the same errors.
    let read = TextWithNumbers::scheme(text)?;
    if read.arguments.is_empty() {
        return text.parse();
    }
    read.to_scheme(&|name| number_of_shape(name, shape, Some(layout)))
}

/// The layout that a text gives a tensor of this shape, where whole numbers may be expressions over `rows`, `cols`,
/// `rank` and `elements` of the tensor: `conv(groups = rows)`.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::recipe::layout_for;
/// use seedbed::shape::{Layout, Shape};
/// assert_eq!(layout_for("conv(groups = rows)", &Shape::new([32, 1, 3, 3])?)?, Layout::conv(32));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of reading a layout; [`Error::Scheme`] where an expression cannot be read, names something else, or is no
/// whole number.
pub fn layout_for(text: &str, shape: &Shape) -> Result<Layout> {
    TextWithNumbers::layout(text)?.to_layout(&|name| number_of_shape(name, shape, None))
}

/// A number that a shape has by itself, and its fans where there is a layout.
pub(super) fn number_of_shape(name: &str, shape: &Shape, layout: Option<&Layout>) -> Result<f64> {
    let dims = shape.dims();
    match (name, layout) {
        ("rows", _) => Ok(dims.first().copied().unwrap_or(1) as f64),
        ("cols", _) => Ok(dims.last().copied().unwrap_or(1) as f64),
        ("rank", _) => Ok(dims.len() as f64),
        ("elements", _) => Ok(shape.count() as f64),
        ("fan_in", Some(layout)) => Ok(layout.fans(shape)?.fan_in as f64),
        ("fan_out", Some(layout)) => Ok(layout.fans(shape)?.fan_out as f64),
        (_, layout) => {
            let fans = if layout.is_some() { "fan_in, fan_out, " } else { "" };
            Err(Error::Scheme(format!("unknown variable {name:?}: known are {fans}rows, cols, rank, elements")))
        }
    }
}
