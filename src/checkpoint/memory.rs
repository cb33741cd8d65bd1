//! How much memory a call may use.

use crate::{Error, Fill, Result};

/// The memory that writing a file may use where nothing else is said, in bytes: 512 MiB.
pub const DEFAULT_MEMORY: u64 = 512 << 20;

/// Refuses tensors whose orthogonal matrices do not fit in `memory` bytes: each is made as a whole, and two are held
/// where one ends and the next begins.
///
/// # Errors
/// [`Error::Buffer`] with the tensor and the numbers.
pub(super) fn check_matrices<'a>(fills: impl IntoIterator<Item = &'a Fill>, memory: u64) -> Result<()> {
    for fill in fills {
        let needed = fill.matrix_bytes();
        if needed > memory {
            let reason = format!(
                "a memory of {memory} bytes is too small: orthogonal matrices are made as a whole, which takes {needed}"
            );
            return Err(Error::Buffer(reason).in_tensor(fill.name()));
        }
    }
    Ok(())
}
