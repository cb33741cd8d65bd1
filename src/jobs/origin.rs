//! What a file's metadata says of where its bytes come from: enough to make it again.

use crate::placement::Slab;
use crate::plan::{Plan, TensorSpec};
use crate::shape::{Layout, Shape};
use crate::{DType, Error, Fill, Result, Scheme, StreamVersion};
use std::collections::BTreeMap;

/// The seed and the version of the stream, and for a single tensor how it was asked for.
///
/// In a file: `seedbed.seed` (decimal), `seedbed.stream_version`, `seedbed.version` (the crate's); for a single tensor also
/// `seedbed.shape` (the whole one), `seedbed.scheme`, `seedbed.layout` and, where it is a part, `seedbed.slab`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Origin {
    /// The seed.
    pub seed: u64,
    /// The version of the stream.
    pub stream: StreamVersion,
    /// The tensor, where the file holds a single one; a model's are in the config beside the file.
    pub tensor: Option<SingleTensor>,
}

/// A tensor asked for by itself. Its name and dtype are the file's.
#[derive(Clone, Debug, PartialEq)]
pub struct SingleTensor {
    /// The shape of the whole tensor.
    pub shape: Shape,
    /// How its elements are distributed.
    pub scheme: Scheme,
    /// Which axes feed in and out.
    pub layout: Layout,
    /// The box of it that the file holds; none: all of it.
    pub slab: Option<Slab>,
}

impl Origin {
    /// The origin of what a plan writes.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Self {
        Self { seed: plan.seed(), stream: plan.version(), tensor: None }
    }

    /// The origin of a single tensor.
    #[must_use]
    pub fn of_tensor(seed: u64, tensor: SingleTensor) -> Self {
        Self { seed, stream: StreamVersion::V1, tensor: Some(tensor) }
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
        if let Some(tensor) = &self.tensor {
            map.insert("seedbed.shape".to_owned(), tensor.shape.to_string());
            map.insert("seedbed.scheme".to_owned(), tensor.scheme.to_string());
            map.insert("seedbed.layout".to_owned(), tensor.layout.to_string());
            if let Some(slab) = &tensor.slab {
                map.insert("seedbed.slab".to_owned(), slab.to_string());
            }
        }
        map
    }

    /// Reads a file's metadata.
    ///
    /// # Errors
    /// [`Error::Config`] where a key is missing, or its value cannot be read.
    pub fn from_metadata(map: &BTreeMap<String, String>) -> Result<Self> {
        let stream = match number(map, "seedbed.stream_version")? {
            1 => StreamVersion::V1,
            other => {
                return Err(Error::Unknown { what: "stream version", given: other.to_string(), expected: "1".into() });
            }
        };
        let seed = number(map, "seedbed.seed")?;
        let tensor = if map.contains_key("seedbed.scheme") {
            Some(SingleTensor {
                shape: read(map, "seedbed.shape")?,
                scheme: read(map, "seedbed.scheme")?,
                layout: read(map, "seedbed.layout")?,
                slab: map.get("seedbed.slab").map(|_| read(map, "seedbed.slab")).transpose()?,
            })
        } else {
            None
        };
        Ok(Self { seed, stream, tensor })
    }
}

impl SingleTensor {
    /// The tensor, or its slab, as work, and the dimensions that it has in a file.
    ///
    /// # Errors
    /// Those of [`Plan::push`] and [`crate::plan::PlannedTensor::fill_slab`], with the name.
    pub fn fill(&self, plan: &mut Plan, name: &str, dtype: DType) -> Result<(Fill, Vec<u64>)> {
        let spec = TensorSpec::new(name, self.shape.dims(), self.scheme)?.layout(self.layout.clone()).dtype(dtype);
        let planned = plan.push(&spec)?;
        Ok(match &self.slab {
            Some(slab) => (planned.fill_slab(slab)?, slab.extent.clone()),
            None => (planned.fill(), self.shape.dims().to_vec()),
        })
    }
}

fn text<'a>(map: &'a BTreeMap<String, String>, key: &str) -> Result<&'a str> {
    let missing = || Error::Config(format!("the metadata has no {key}: not a file of seedbed's"));
    map.get(key).map(String::as_str).ok_or_else(missing)
}

fn number(map: &BTreeMap<String, String>, key: &str) -> Result<u64> {
    let text = text(map, key)?;
    text.parse().map_err(|e| Error::Config(format!("the metadata's {key} {text:?}: {e}")))
}

fn read<T: std::str::FromStr<Err = Error>>(map: &BTreeMap<String, String>, key: &str) -> Result<T> {
    text(map, key)?.parse().map_err(|e| Error::Config(format!("the metadata's {key}: {e}")))
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
        };
        for origin in [Origin::of_plan(&plan), Origin::of_tensor(u64::MAX, tensor)] {
            assert_eq!(Origin::from_metadata(&origin.metadata()).unwrap(), origin);
        }
        let mut map = Origin::of_plan(&plan).metadata();
        map.insert("seedbed.stream_version".into(), "7".into());
        assert!(Origin::from_metadata(&map).unwrap_err().to_string().contains("unknown stream version \"7\""));
        map.remove("seedbed.stream_version");
        assert!(Origin::from_metadata(&map).unwrap_err().to_string().contains("seedbed.stream_version"));
    }
}
