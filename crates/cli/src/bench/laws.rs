//! The laws that are measured, each with a shape that models have.

use seedbed::plan::{Plan, TensorSpec};
use seedbed::scheme::{Bounds, Scheme, SinusoidalLayout, StdOf};
use seedbed::{DType, Error, Fill, Result, Rounding, StreamVersion};

/// A law, under its scheme's name in the catalog.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The name of its scheme.
    pub name: &'static str,
    scheme: Scheme,
    form: Form,
}

/// The shape of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// One axis.
    Vector,
    /// Two axes, the rows a multiple of the number.
    Matrix(u64),
    /// Rows of so many elements at most.
    Rows(u64),
    /// Kernels of 3 x 3.
    Kernels,
    /// Square matrices, as many as there is room for.
    Squares,
}

/// The name that stands for every law.
pub const ALL: &str = "all";

/// The laws that are measured where none is named.
const USUAL: [&str; 4] = ["constant", "uniform", "normal", "truncated_normal"];

/// Every law.
fn every() -> [Measured; 15] {
    let law = |name, scheme, form| Measured { name, scheme, form };
    [
        law("constant", Scheme::constant(0.02), Form::Vector),
        law("uniform", Scheme::uniform(-0.1, 0.1), Form::Vector),
        law("normal", Scheme::normal(0.0, 0.02), Form::Vector),
        law("truncated_normal", Scheme::truncated_normal(0.0, 0.02, Bounds::TWO_SIGMA, StdOf::Parent), Form::Vector),
        law("identity", Scheme::identity(1.0), Form::Matrix(1)),
        law("dirac", Scheme::dirac(1), Form::Kernels),
        law("near_identity", Scheme::near_identity(1.0, 0.02), Form::Matrix(1)),
        law("block_diagonal", Scheme::block_diagonal(8, 0.02), Form::Matrix(8)),
        law("sparse", Scheme::sparse(0.9, 0.02), Form::Matrix(1)),
        law("sinusoidal", Scheme::sinusoidal(10_000.0, SinusoidalLayout::Interleaved), Form::Rows(1024)),
        law("log_range", Scheme::log_range(), Form::Rows(16)),
        law("linspace", Scheme::linspace(-1.0, 1.0), Form::Rows(1024)),
        law("log_of_uniform", Scheme::log_of_uniform(1.0, 16.0), Form::Vector),
        law("dt_bias", Scheme::dt_bias(0.001, 0.1, 1e-4), Form::Vector),
        law("orthogonal", Scheme::orthogonal(1.0, 1), Form::Squares),
    ]
}

/// The names that `--law` takes.
pub fn names() -> Vec<&'static str> {
    every().map(|law| law.name).into_iter().chain([ALL]).collect()
}

/// Reads a name that `--law` takes. `truncated` is the name of `truncated_normal` in earlier output.
///
/// # Errors
/// [`Error::Unknown`].
pub fn parse(text: &str) -> Result<&'static str> {
    let text = if text == "truncated" { "truncated_normal" } else { text };
    names().into_iter().find(|name| *name == text).ok_or_else(|| Error::unknown("law", text, names()))
}

/// The laws of these names; the usual ones where there is none.
pub fn named(names: &[&str]) -> Vec<Measured> {
    let names = if names.is_empty() { &USUAL } else { names };
    every().into_iter().filter(|law| names.contains(&law.name) || names.contains(&ALL)).collect()
}

impl Measured {
    /// The normal law, of which the many small tensors are.
    pub fn normal() -> Self {
        Self { name: "normal", scheme: Scheme::normal(0.0, 0.02), form: Form::Vector }
    }

    /// Whether its elements are made matrix by matrix.
    pub fn is_orthogonal(&self) -> bool {
        self.form == Form::Squares
    }

    /// The shape of a tensor of `n` elements, or of as many fewer or, where `n` is too small, more as the law needs.
    pub fn shape(&self, n: u64) -> Vec<u64> {
        let matrix = |n: u64, widest: u64| {
            let cols = 1 << n.isqrt().clamp(4, widest).ilog2();
            [(n / cols).max(1), cols]
        };
        match self.form {
            Form::Vector => vec![n],
            Form::Matrix(of) => {
                let [rows, cols] = matrix(n, 1 << 31);
                // `of` is a power of two.
                vec![(rows / of).max(1) * of, cols.max(of)]
            }
            Form::Rows(widest) => matrix(n, widest).to_vec(),
            Form::Kernels => {
                let [out, inputs] = matrix(n / 9, 1 << 31);
                vec![out, inputs, 3, 3]
            }
            Form::Squares => {
                let side = n.isqrt().clamp(1, 1024);
                vec![n / (side * side), side, side]
            }
        }
    }

    /// A tensor of about `n` elements.
    ///
    /// # Errors
    /// [`Error::Law`] in the tensor where the law does not fit the dtype, or the dtype does not take the rounding.
    pub fn fill(&self, dtype: DType, rounding: Rounding, n: u64) -> Result<Fill> {
        let spec = TensorSpec::new(self.name, self.shape(n), self.scheme)?.dtype(dtype).rounding(rounding);
        Ok(Plan::new(StreamVersion::V1, 1).push(&spec)?.fill())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed::law::Law;
    use seedbed::scheme::catalog;
    use seedbed::shape::{Layout, Shape};
    use std::collections::BTreeSet;

    #[test]
    fn every_law_of_the_catalog_is_measured() {
        let variant = |law: &Law| format!("{law:?}").split('(').next().unwrap_or_default().to_owned();
        let mut measured = BTreeSet::new();
        for law in every() {
            let mut plan = Plan::new(StreamVersion::V1, 1);
            let tensor = plan.push(&TensorSpec::new("w", law.shape(10_000), law.scheme).unwrap()).unwrap();
            assert!(measured.insert(variant(tensor.parts()[0].law())), "{} is measured twice", law.name);
            assert!(catalog().iter().any(|info| info.name() == law.name), "{}", law.name);
        }
        // The library's tests hold the catalog to the variants of `Law`.
        let shapes: [&[u64]; 4] = [&[8, 8], &[4, 4, 3], &[12, 12], &[9, 5, 3, 4]];
        let mut of_catalog = BTreeSet::new();
        for info in catalog() {
            let scheme: Scheme = info.example.parse().unwrap();
            let laws = shapes.iter().filter_map(|dims| scheme.law(&Shape::new(*dims).ok()?, &Layout::OutIn).ok());
            of_catalog.extend(laws.map(|law| variant(&law)));
        }
        assert!(of_catalog.len() >= 15, "{of_catalog:?}");
        assert_eq!(measured, of_catalog);
    }

    #[test]
    fn shapes_have_the_elements_that_are_asked_for() {
        for law in every() {
            for n in [1u64, 7, 4096, 1 << 18, 1 << 20, 1 << 24, 1 << 32] {
                let count: u64 = law.shape(n).iter().product();
                assert!(count <= n.max(144), "{} {n}: {:?}", law.name, law.shape(n));
                assert!(n < 1 << 20 || 10 * count > 7 * n, "{} {n}: {:?}", law.name, law.shape(n));
                for dtype in DType::ALL {
                    assert!(law.fill(dtype, Rounding::NearestEven, n).is_ok(), "{} {dtype} {n}", law.name);
                }
            }
        }
        let shapes = ["identity", "dirac", "log_range", "orthogonal"].map(|name| named(&[name])[0].shape(1 << 24));
        assert_eq!(shapes[0], [4096, 4096]);
        assert_eq!(shapes[1..], [vec![1820, 1024, 3, 3], vec![1 << 20, 16], vec![16, 1024, 1024]]);
    }

    #[test]
    fn names_are_read() {
        assert_eq!(named(&[]).iter().map(|law| law.name).collect::<Vec<_>>(), USUAL);
        assert_eq!((named(&[ALL]).len(), named(&["sparse"]).len()), (every().len(), 1));
        assert!(names().into_iter().all(|name| parse(name).ok() == Some(name)));
        assert_eq!(parse("truncated").ok(), Some("truncated_normal"));
        assert!(parse("norml").is_err_and(|e| e.to_string().ends_with("did you mean `normal`?")));
    }
}
