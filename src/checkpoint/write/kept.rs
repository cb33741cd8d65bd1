//! Rows that are copied from another checkpoint, and the new rows that follow from them.

#[cfg(feature = "mean-rows")]
use super::mean_rows::{MeanRows, check_memory};
use crate::checkpoint::Weights;
use crate::model_plan::{KeptRows, NewRows};
use crate::plan::{Plan, PlannedTensor};
use crate::{Error, Result};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// A tensor whose first rows are kept, and where its new rows are to be made.
#[derive(Debug)]
pub struct Grown {
    pub kept: KeptRows,
    tensor: PlannedTensor,
    /// What makes its normal values.
    seed: (crate::StreamVersion, u64),
}

impl Grown {
    /// The tensors of a plan whose first rows are kept.
    ///
    /// # Errors
    /// [`Error::Buffer`] where new rows need a covariance that does not fit in `memory` bytes; [`Error::Config`] where
    /// they need a covariance and this build has no linear algebra.
    pub fn of(plan: &Plan, kept: &[KeptRows], memory: u64) -> Result<Vec<Self>> {
        let mut grown = Vec::new();
        for kept in kept {
            let Some(tensor) = plan.tensors().iter().find(|t| t.name() == kept.name) else { continue };
            if kept.new_rows == NewRows::Mean {
                #[cfg(feature = "mean-rows")]
                check_memory(tensor, memory)?;
                #[cfg(not(feature = "mean-rows"))]
                {
                    let reason = format!(
                        "new rows from the mean of old ones need the feature mean-rows, whatever the memory ({memory} \
                         bytes) is"
                    );
                    return Err(Error::Config(reason).in_tensor(&kept.name));
                }
            }
            grown.push(Self { kept: kept.clone(), tensor: tensor.clone(), seed: (plan.version(), plan.seed()) });
        }
        Ok(grown)
    }

    /// Writes the rows that the checkpoint `old` has, and the new ones that follow from them, into a file that is
    /// complete but for its name: the tensor's bytes begin at `at`. Returns what is to be said of it. `go_on` is called
    /// now and then; its error ends this.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] where new rows follow from old ones that are not finite; those of `go_on`.
    pub fn write(
        &self,
        old: &mut Weights,
        target: &Path,
        at: u64,
        sync: bool,
        go_on: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Option<String>> {
        let failed = |e| Error::io(target, e);
        let mut out = std::fs::OpenOptions::new().write(true).open(target).map_err(failed)?;
        out.seek(SeekFrom::Start(at)).map_err(failed)?;
        old.read_bytes(&self.kept.name, |_, bytes| {
            out.write_all(bytes).map_err(failed)?;
            go_on()
        })?;
        let notice = match self.kept.new_rows {
            NewRows::Drawn => None,
            NewRows::Mean => self.write_mean(old, &mut |bytes| out.write_all(bytes).map_err(failed), go_on)?,
        };
        if sync {
            out.sync_data().map_err(failed)?;
        }
        Ok(notice)
    }

    #[cfg(feature = "mean-rows")]
    fn write_mean(
        &self,
        old: &mut Weights,
        write: &mut dyn FnMut(&[u8]) -> Result<()>,
        go_on: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Option<String>> {
        let rows = MeanRows::of(old, &self.tensor, self.kept.rows, go_on)?;
        rows.write(&self.tensor, self.seed, self.kept.rows, |bytes| {
            write(bytes)?;
            go_on()
        })?;
        Ok(rows.is_mean_alone().then(|| {
            format!(
                "{}: the new rows are the mean of the {} old ones alone, whose covariance is not positive definite",
                self.kept.name, self.kept.rows
            )
        }))
    }

    #[cfg(not(feature = "mean-rows"))]
    fn write_mean(
        &self,
        _: &mut Weights,
        _: &mut dyn FnMut(&[u8]) -> Result<()>,
        _: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Option<String>> {
        // `of` has refused such a plan.
        let reason = format!("no linear algebra for {:?} and seed {}", self.tensor.name(), self.seed.1);
        Err(Error::Config(reason))
    }
}
