//! What a file's metadata says of what made its bytes: enough to make them again.

use crate::model_plan::{ModelPlan, PlanSettings, TensorList};
use crate::plan::{Plan, Rows, Slab, TensorSpec};
use crate::value::shape::{Layout, Shape};
use crate::{DType, Error, Fill, Result, Rounding, Scheme, StreamVersion};
use std::collections::BTreeMap;

/// What made the bytes of a file, as its metadata says: the seed, the version of the stream and the rounding, and for a
/// single tensor how it was asked for.
///
/// The keys in a file: `seedbed.seed` (decimal), `seedbed.stream_version`, `seedbed.version` (the crate's), and
/// `seedbed.rounding` where it is not `nearest`; for a single tensor also `seedbed.shape` (of the whole tensor),
/// `seedbed.scheme`, `seedbed.layout` and, where there are any, `seedbed.slab` and `seedbed.zero_rows`. For a model,
/// where they are not the usual ones: `seedbed.recipe` and `seedbed.set`, the recipes and the values that were set as
/// JSON (a recipe of the user's own with its text), and `seedbed.tensors`, which is `header` or `other` where the
/// tensors were not the config's. With the config that is enough to plan the weights again, unless `seedbed.keeps` is
/// `true`: then tensors or rows of another checkpoint are among them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Provenance {
    /// The seed.
    pub seed: u64,
    /// The version of the stream.
    pub stream: StreamVersion,
    /// The tensor, where the file holds a single one; those of a model are described by a table or a config beside it.
    pub tensor: Option<SingleTensor>,
    /// How the values of every tensor are rounded to its dtype.
    pub rounding: Rounding,
    /// What gave a model's tensors their laws, beside its config.
    pub settings: PlanSettings,
}

/// A tensor that is asked for by itself. Its name and dtype are the file's.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::checkpoint::{Provenance, SingleTensor};
/// use seedbed::plan::{Plan, Rows};
/// use seedbed::{DType, Rounding, StreamVersion};
///
/// let tensor = SingleTensor {
///     shape: "128,64".parse()?,
///     scheme: "normal(0, 0.02)".parse()?,
///     layout: "out_in".parse()?,
///     slab: Some("0:32,0:64".parse()?),
///     zero_rows: Rows::default(),
/// };
/// let rounding = Rounding::NearestEven;
/// let (fill, dims) = tensor.fill(&mut Plan::new(StreamVersion::V1, 42), "w", DType::BF16, rounding)?;
/// assert_eq!((fill.bytes(), dims), (32 * 64 * 2, vec![32, 64]));
/// // What `write_safetensors` takes: with it, `verify` can make the bytes again.
/// let metadata = Provenance::of_tensor(42, tensor, rounding).metadata();
/// assert_eq!(metadata["seedbed.scheme"], "normal(mean=0, std=0.02)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SingleTensor {
    /// The shape of the whole tensor.
    pub shape: Shape,
    /// How its elements are distributed.
    pub scheme: Scheme,
    /// Which axes feed in and out.
    pub layout: Layout,
    /// The slab of it that the file holds; none: the whole tensor.
    pub slab: Option<Slab>,
    /// Rows of the whole tensor that are zero.
    pub zero_rows: Rows,
}

/// The keys of a model's settings.
const RECIPE: &str = "seedbed.recipe";
const SET: &str = "seedbed.set";
const TENSORS: &str = "seedbed.tensors";
const HEADER: &str = "header";
const OTHER: &str = "other";
const KEEPS: &str = "seedbed.keeps";

impl Provenance {
    /// What makes the tensors of a plan.
    ///
    /// # Errors
    /// [`Error::Config`] where its 16-bit tensors are rounded in several ways: a file's metadata names one.
    pub fn of_plan(plan: &Plan) -> Result<Self> {
        let mut rounded = plan.tensors().iter().filter(|t| t.dtype() != DType::F32);
        let rounding = rounded.next().map(|t| t.rounding()).unwrap_or_default();
        if let Some(other) = rounded.find(|t| t.rounding() != rounding) {
            let text = format!("its rounding is {}, that of the first tensor {rounding}", other.rounding());
            return Err(Error::Config(text).in_tensor(other.name()));
        }
        Ok(Self {
            seed: plan.seed(),
            stream: plan.version(),
            tensor: None,
            rounding,
            settings: PlanSettings::default(),
        })
    }

    /// What makes the tensors of a model.
    ///
    /// # Errors
    /// Those of [`Provenance::of_plan`].
    pub fn of_model(model: &ModelPlan) -> Result<Self> {
        Ok(Self { settings: model.settings.clone(), ..Self::of_plan(&model.plan)? })
    }

    /// What makes a single tensor.
    #[must_use]
    pub fn of_tensor(seed: u64, tensor: SingleTensor, rounding: Rounding) -> Self {
        let settings = PlanSettings::default();
        Self { seed, stream: StreamVersion::V1, tensor: Some(tensor), rounding, settings }
    }

    /// The file's metadata.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let mut map = BTreeMap::from([
            ("format".to_owned(), "pt".to_owned()),
            ("seedbed.seed".to_owned(), self.seed.to_string()),
            ("seedbed.stream_version".to_owned(), self.stream.number().to_string()),
            ("seedbed.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ]);
        // The usual rounding is not written: files are as they were before there was a choice.
        if self.rounding != Rounding::default() {
            map.insert("seedbed.rounding".to_owned(), self.rounding.to_string());
        }
        if !self.settings.recipes.is_empty() {
            map.insert(RECIPE.to_owned(), self.settings.recipe_json());
        }
        if !self.settings.set.is_empty() {
            map.insert(SET.to_owned(), self.settings.set_json());
        }
        let listed = match self.settings.tensors {
            TensorList::Header => Some(HEADER),
            TensorList::Other => Some(OTHER),
            TensorList::Model => None,
        };
        if let Some(listed) = listed {
            map.insert(TENSORS.to_owned(), listed.to_owned());
        }
        if self.settings.keeps {
            map.insert(KEEPS.to_owned(), "true".to_owned());
        }
        if let Some(tensor) = &self.tensor {
            map.insert("seedbed.shape".to_owned(), tensor.shape.to_string());
            map.insert("seedbed.scheme".to_owned(), tensor.scheme.to_string());
            map.insert("seedbed.layout".to_owned(), tensor.layout.to_string());
            if let Some(slab) = &tensor.slab {
                map.insert("seedbed.slab".to_owned(), slab.to_string());
            }
            if !tensor.zero_rows.is_empty() {
                map.insert("seedbed.zero_rows".to_owned(), tensor.zero_rows.to_string());
            }
        }
        map
    }

    /// Reads a file's metadata.
    ///
    /// # Errors
    /// [`Error::Checkpoint`], with `metadata` in the place of the path, where a key is missing or its value cannot be
    /// read; [`Error::Unknown`] for another version of the stream.
    pub fn from_metadata(map: &BTreeMap<String, String>) -> Result<Self> {
        let stream = match number(map, "seedbed.stream_version")? {
            1 => StreamVersion::V1,
            other => {
                return Err(Error::Unknown {
                    what: "stream version",
                    given: other.to_string(),
                    expected: "1".to_owned(),
                    nearest: None,
                });
            }
        };
        let seed = number(map, "seedbed.seed")?;
        let rounding = optional(map, "seedbed.rounding")?.unwrap_or_default();
        let tensor = if map.contains_key("seedbed.scheme") {
            Some(SingleTensor {
                shape: read(map, "seedbed.shape")?,
                scheme: read(map, "seedbed.scheme")?,
                layout: read(map, "seedbed.layout")?,
                slab: optional(map, "seedbed.slab")?,
                zero_rows: optional(map, "seedbed.zero_rows")?.unwrap_or_default(),
            })
        } else {
            None
        };
        let setting = |key: &str, none: &'static str| map.get(key).map_or(none, String::as_str);
        let settings = PlanSettings::from_json(setting(RECIPE, "[]"), setting(SET, "{}"));
        let mut settings =
            settings.map_err(|e| refuse(format!("seedbed.{}", e.to_string().trim_start_matches("config: "))))?;
        settings.tensors = match setting(TENSORS, "") {
            "" => TensorList::Model,
            HEADER => TensorList::Header,
            // A later version may know more kinds of lists.
            _ => TensorList::Other,
        };
        settings.keeps = setting(KEEPS, "") == "true";
        Ok(Self { seed, stream, tensor, rounding, settings })
    }
}

impl SingleTensor {
    /// The fill of the tensor, or of its slab, and the dimensions that it has in a file.
    ///
    /// # Errors
    /// Those of [`Plan::push`] and [`crate::plan::PlannedTensor::fill_slab`], with the name.
    pub fn fill(&self, plan: &mut Plan, name: &str, dtype: DType, rounding: Rounding) -> Result<(Fill, Vec<u64>)> {
        let mut spec = TensorSpec::new(name, self.shape.dims(), self.scheme)?.layout(self.layout.clone()).dtype(dtype);
        spec.zero_rows = self.zero_rows.of(&self.shape).map_err(|e| e.in_tensor(name))?;
        spec.rounding = rounding;
        let planned = plan.push(&spec)?;
        Ok(match &self.slab {
            Some(slab) => (planned.fill_slab(slab)?, slab.extent.clone()),
            None => (planned.fill(), self.shape.dims().to_vec()),
        })
    }
}

fn refuse(reason: String) -> Error {
    Error::Checkpoint { path: "metadata".to_owned(), reason }
}

fn text<'a>(map: &'a BTreeMap<String, String>, key: &str) -> Result<&'a str> {
    let missing = || refuse(format!("has no {key}: not a file that seedbed wrote"));
    map.get(key).map(String::as_str).ok_or_else(missing)
}

fn number(map: &BTreeMap<String, String>, key: &str) -> Result<u64> {
    let text = text(map, key)?;
    text.parse().map_err(|_| refuse(format!("{key} {text:?} is not a whole number from 0 to {}", u64::MAX)))
}

fn read<T: std::str::FromStr<Err = Error>>(map: &BTreeMap<String, String>, key: &str) -> Result<T> {
    text(map, key)?.parse().map_err(|e| refuse(format!("{key}: {e}")))
}

fn optional<T: std::str::FromStr<Err = Error>>(map: &BTreeMap<String, String>, key: &str) -> Result<Option<T>> {
    map.contains_key(key).then(|| read(map, key)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_holds_all_that_made_the_file() {
        let plan = Plan::new(StreamVersion::V1, u64::MAX);
        let tensor = SingleTensor {
            shape: Shape::new([8, 6]).unwrap(),
            scheme: "xavier_normal(gain=2)".parse().unwrap(),
            layout: Layout::InOut,
            slab: Some(Slab::new([2, 0], [3, 6])),
            zero_rows: "7,1:3".parse().unwrap(),
        };
        let of_tensor = |rounding| Provenance::of_tensor(u64::MAX, tensor.clone(), rounding);
        for provenance in
            [Provenance::of_plan(&plan).unwrap(), of_tensor(Rounding::NearestEven), of_tensor(Rounding::Stochastic)]
        {
            assert_eq!(Provenance::from_metadata(&provenance.metadata()).unwrap(), provenance);
        }
        let mut map = Provenance::of_plan(&plan).unwrap().metadata();
        assert!(!map.contains_key("seedbed.rounding"));
        map.insert("seedbed.stream_version".into(), "7".into());
        assert!(Provenance::from_metadata(&map).unwrap_err().to_string().contains("unknown stream version \"7\""));
        map.remove("seedbed.stream_version");
        let said = |map: &BTreeMap<_, _>| Provenance::from_metadata(map).unwrap_err().to_string();
        assert_eq!(said(&map), "metadata: has no seedbed.stream_version: not a file that seedbed wrote");
        map.insert("seedbed.stream_version".into(), "1".into());
        map.insert("seedbed.seed".into(), "x".into());
        let expected = "metadata: seedbed.seed \"x\" is not a whole number from 0 to 18446744073709551615";
        assert_eq!(said(&map), expected);
    }
}
