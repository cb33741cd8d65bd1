//! A file's header, computed before anything is written.

use super::{FileDType, LENGTH_FIELD, MAX_HEADER, METADATA_KEY};
use crate::{Error, Result};
use safetensors::tensor::{Metadata, TensorInfo};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;

/// A tensor that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderEntry {
    /// The name: any UTF-8 except `__metadata__`.
    pub name: String,
    /// The element type.
    pub dtype: FileDType,
    /// The dimensions, row-major, outermost first; `[]` is one element, a 0 means that there is none.
    pub dims: Vec<u64>,
}

/// The header of a file that is to be written: which tensor's bytes stand where. Computed without touching the disk.
///
/// The tensors are ordered by the dtype's alignment, descending, then by name, as the `safetensors` crate orders them,
/// and the bytes equal that crate's. One addition: the metadata's keys are sorted (there their order changes from run
/// to run), so equal input gives equal files.
///
/// ```
/// # fn main() -> seedbed::Result<()> {
/// use seedbed::DType;
/// use seedbed::checkpoint::{Header, HeaderEntry};
/// use std::collections::BTreeMap;
///
/// let entry = |name: &str, dtype: DType| HeaderEntry { name: name.to_owned(), dtype: dtype.into(), dims: vec![3, 4] };
/// let header = Header::new(vec![entry("a", DType::F16), entry("b", DType::F32)], &BTreeMap::new())?;
/// assert_eq!(header.entries()[0].name, "b");
/// assert_eq!(header.range(1), Some(48..72));
/// assert_eq!(header.file_len(), header.bytes().len() as u64 + 72);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Header {
    /// Length field, JSON and padding.
    bytes: Vec<u8>,
    entries: Vec<HeaderEntry>,
    /// Where each entry ends in the data section.
    ends: Vec<u64>,
}

struct Json<'a> {
    metadata: &'a BTreeMap<String, String>,
    tensors: &'a [(String, TensorInfo)],
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.tensors.len() + 1))?;
        map.serialize_entry(METADATA_KEY, self.metadata)?;
        for (name, info) in self.tensors {
            map.serialize_entry(name, info)?;
        }
        map.end()
    }
}

impl Header {
    /// Orders the entries and lays them out. `"format": "pt"` is added to the metadata where it has no `format`:
    /// loaders refuse files without one.
    ///
    /// # Errors
    /// [`Error::Tensor`] where a name occurs twice, is `__metadata__`, or a tensor exceeds the address space;
    /// [`Error::Placement`] where the header exceeds [`MAX_HEADER`] bytes.
    pub fn new(mut entries: Vec<HeaderEntry>, metadata: &BTreeMap<String, String>) -> Result<Self> {
        entries.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));
        let mut names = std::collections::HashSet::with_capacity(entries.len());
        for entry in &entries {
            if entry.name == METADATA_KEY || !names.insert(entry.name.as_str()) {
                let why =
                    if entry.name == METADATA_KEY { "the name is the format's own" } else { "the name occurs twice" };
                return Err(Error::Placement(why.to_owned()).in_tensor(&entry.name));
            }
        }
        let mut metadata = metadata.clone();
        metadata.entry("format".to_owned()).or_insert_with(|| "pt".to_owned());

        let mut at = 0usize;
        let mut tensors = Vec::with_capacity(entries.len());
        for entry in &entries {
            let (shape, bytes) = sizes(entry)?;
            let end = at.checked_add(bytes).ok_or_else(|| too_large(entry))?;
            let info = TensorInfo { dtype: entry.dtype.0, shape, data_offsets: (at, end) };
            tensors.push((entry.name.clone(), info));
            at = end;
        }
        let ends = tensors.iter().map(|(_, info)| info.data_offsets.1 as u64).collect();

        let fail = |e: &dyn std::fmt::Display| Error::Placement(format!("safetensors header: {e}"));
        let mut bytes = vec![0; LENGTH_FIELD as usize];
        serde_json::to_writer(&mut bytes, &Json { metadata: &metadata, tensors: &tensors }).map_err(|e| fail(&e))?;
        // The format's own crate checks what was laid out here.
        Metadata::new(Some(metadata.into_iter().collect()), tensors).map_err(|e| fail(&e))?;

        bytes.resize(bytes.len().next_multiple_of(LENGTH_FIELD as usize), b' ');
        let json = bytes.len() as u64 - LENGTH_FIELD;
        if json > MAX_HEADER {
            let n = entries.len();
            return Err(fail(&format!("{json} bytes for {n} tensors, the format allows {MAX_HEADER}: write shards")));
        }
        bytes[..LENGTH_FIELD as usize].copy_from_slice(&json.to_le_bytes());
        Ok(Self { bytes, entries, ends })
    }

    /// The first bytes of the file: length field, JSON, padding.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The entries in the file's order.
    #[must_use]
    pub fn entries(&self) -> &[HeaderEntry] {
        &self.entries
    }

    /// The byte range of entry `index` in the data section; `None` past the last.
    #[must_use]
    pub fn range(&self, index: usize) -> Option<std::ops::Range<u64>> {
        let end = *self.ends.get(index)?;
        Some(if index == 0 { 0 } else { self.ends[index - 1] }..end)
    }

    /// Bytes of all tensors together.
    #[must_use]
    pub fn data_len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Bytes of the whole file.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.bytes.len() as u64 + self.data_len()
    }
}

fn too_large(entry: &HeaderEntry) -> Error {
    let reason = format!("{} is more than a file can hold", entry.dtype);
    Error::Shape { shape: entry.dims.clone(), reason }.in_tensor(&entry.name)
}

fn sizes(entry: &HeaderEntry) -> Result<(Vec<usize>, usize)> {
    let dims: Option<Vec<usize>> = entry.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    let dims = dims.ok_or_else(|| too_large(entry))?;
    let count = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    // The format counts bits, so a size must fit in eight times its bytes.
    let bits = usize::try_from(entry.dtype.bits()).ok().zip(count).and_then(|(bits, n)| n.checked_mul(bits));
    let bits = bits.ok_or_else(|| too_large(entry))?;
    if bits % 8 != 0 {
        let reason = format!("{} elements of {} bits do not fill whole bytes", entry.dtype, entry.dtype.bits());
        return Err(Error::Shape { shape: entry.dims.clone(), reason }.in_tensor(&entry.name));
    }
    Ok((dims, bits / 8))
}
