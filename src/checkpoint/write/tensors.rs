//! Single tensors into a safetensors file, or as bare bytes.

use super::WriteOptions;
use super::carried::Sources;
use super::pipeline::in_order;
use super::queue::{FilePlan, write_files};
use crate::backend::Backend;
use crate::checkpoint::disk::{check_space, directory};
use crate::checkpoint::memory::check_matrices;
use crate::checkpoint::{CompleteFile, Progress};
use crate::{Error, Fill, Result};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Writes fills, each with the dimensions that it has in the file, as one safetensors file; returns the bytes of the
/// file.
///
/// The tensors stand in the format's order, whatever order they are given in. A file that stands at `target` is
/// replaced at the end, at once, whatever `options.force` says: ask [`super::check_target`] before.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::backend::Backend;
/// use seedbed::checkpoint::{Provenance, Reader, WriteOptions, write_safetensors};
/// use seedbed::plan::{Plan, TensorSpec};
/// use seedbed::{Scheme, StreamVersion};
///
/// let mut plan = Plan::new(StreamVersion::V1, 42);
/// let fill = plan.push(&TensorSpec::new("w", [3, 4], Scheme::normal(0.0, 1.0))?)?.fill();
/// let dir = tempfile::tempdir().unwrap();
/// let target = dir.path().join("w.safetensors");
/// let metadata = Provenance::of_plan(&plan)?.metadata();
/// let (backend, options) = (Backend::cpu(), WriteOptions::default());
/// let bytes = write_safetensors(&target, vec![(fill, vec![3, 4])], &metadata, &backend, &options, &mut |_| Ok(()))?;
/// assert_eq!(std::fs::metadata(&target).unwrap().len(), bytes);
/// assert_eq!(Reader::open(&target)?.tensor("w").unwrap().dims, [3, 4]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`crate::checkpoint::Header::new`], [`crate::checkpoint::Writer`] and [`Backend::fill_range`];
/// [`Error::Io`] where the disk has no room for it; [`Error::Buffer`] where the memory is too small; whatever
/// `progress` returns. The target is as before then, and no temporary file is left.
pub fn write_safetensors(
    target: &Path,
    tensors: Vec<(Fill, Vec<u64>)>,
    metadata: &BTreeMap<String, String>,
    backend: &Backend,
    options: &WriteOptions,
    progress: Progress<'_>,
) -> Result<u64> {
    let file = FilePlan::new(target.to_path_buf(), tensors, Vec::new(), metadata)?;
    check_space(directory(target), target, file.header.file_len())?;
    let complete = write_files(vec![file], &mut Sources::default(), backend, options, progress)?;
    complete.into_iter().map(CompleteFile::persist).sum()
}

/// Writes the bytes of one fill as they are, little-endian and row-major; returns how many. `label` is what errors call
/// the output, which has no path.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::backend::Backend;
/// use seedbed::checkpoint::{WriteOptions, write_raw};
/// use seedbed::plan::{Plan, TensorSpec};
/// use seedbed::{Scheme, StreamVersion};
///
/// let mut plan = Plan::new(StreamVersion::V1, 42);
/// let fill = plan.push(&TensorSpec::new("w", [3, 4], Scheme::constant(1.0))?)?.fill();
/// let mut out = Vec::new();
/// write_raw(&mut out, "memory", &fill, &Backend::cpu(), &WriteOptions::default(), &mut |_| Ok(()))?;
/// assert_eq!(out, 1f32.to_le_bytes().repeat(12));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::Io`]; [`Error::Buffer`] where the memory is too small; those of [`Backend::fill_range`]; whatever
/// `progress` returns.
pub fn write_raw(
    out: &mut (dyn Write + Send),
    label: &str,
    fill: &Fill,
    backend: &Backend,
    options: &WriteOptions,
    progress: Progress<'_>,
) -> Result<u64> {
    check_matrices([fill], options.memory)?;
    let failed = |e| Error::io(label, e);
    in_order(&[fill], options.memory, backend, progress, |bytes| out.write_all(bytes).map_err(failed))?;
    out.flush().map_err(failed)?;
    Ok(fill.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::check_target;
    use crate::plan::{Plan, TensorSpec};
    use crate::{DType, Error, Scheme, StreamVersion};

    #[test]
    fn an_error_of_the_progress_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut plan = Plan::new(StreamVersion::V1, 3);
        for name in ["a", "b"] {
            let spec = TensorSpec::new(name, [33], Scheme::normal(0.0, 1.0)).unwrap().dtype(DType::F16);
            plan.push(&spec).unwrap();
        }
        let target = dir.path().join("x.safetensors");
        let run = |limit: u64| {
            let tensors = plan.tensors().iter().map(|t| (t.fill(), t.shape().dims().to_vec())).collect();
            write_safetensors(
                &target,
                tensors,
                &BTreeMap::new(),
                &Backend::cpu(),
                &WriteOptions::default(),
                &mut |done| {
                    if done > limit { Err(Error::Config("stopped".into())) } else { Ok(()) }
                },
            )
        };
        assert_eq!(run(66).unwrap_err().to_string(), "config: stopped");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let bytes = run(132).unwrap();
        assert_eq!(std::fs::metadata(&target).unwrap().len(), bytes);
        let taken = check_target(&target, false).unwrap_err();
        assert!(
            matches!(&taken, Error::Exists { .. }) && taken.to_string().ends_with("x.safetensors: exists"),
            "{taken}"
        );
        check_target(&target, true).unwrap();
        assert!(check_target(dir.path(), true).is_err());
    }

    #[test]
    fn raw_bytes_are_the_fill() {
        let mut plan = Plan::new(StreamVersion::V1, 3);
        let spec = TensorSpec::new("a", [7], Scheme::normal(0.0, 1.0)).unwrap().dtype(DType::F16);
        let fill = plan.push(&spec).unwrap().fill();
        let (mut raw, mut whole) = (Vec::new(), vec![0; 14]);
        assert_eq!(
            write_raw(&mut raw, "memory", &fill, &Backend::cpu(), &WriteOptions::default(), &mut |_| Ok(())).unwrap(),
            14
        );
        crate::cpu::fill(&fill, &mut whole).unwrap();
        assert_eq!(raw, whole);
    }
}
