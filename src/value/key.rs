//! The version of the stream, and the key of a tensor. docs/stream.md is the normative text.

/// The version of the stream: which bits a (seed, name, index) gives. A file stores its number; later releases keep
/// every earlier version.
///
/// ```
/// # use seedbed::StreamVersion;
/// assert_eq!(StreamVersion::default(), StreamVersion::V1);
/// assert_eq!(StreamVersion::V1.number(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum StreamVersion {
    /// The first, described in docs/stream.md.
    #[default]
    V1,
}

impl StreamVersion {
    /// The number that files store.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
        }
    }
}

/// Which of a tensor's independent streams a Philox counter belongs to: the counter's fourth word. Domains from 2^31 on
/// are the embedder's own.
pub mod domain {
    /// The values of a tensor.
    pub const VALUES: u32 = 0;
    /// The reflectors of orthogonal matrices.
    pub const ORTHOGONAL: u32 = 1;
    /// The permutations of a sparse matrix's rows.
    pub const SPARSE: u32 = 2;
    /// Stochastic rounding of 16-bit values.
    pub const ROUNDING: u32 = 3;
}

/// A Philox key: 64 bits, low word first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub [u32; 2]);

impl Key {
    /// The key of a logical tensor: the first 8 bytes, little-endian, of BLAKE3 in key-derivation mode with
    /// context `"seedbed 1 tensor key"` over the seed's 8 little-endian bytes and the name's UTF-8 bytes.
    ///
    /// ```
    /// # use seedbed::{StreamVersion, key::Key};
    /// let key = Key::of_tensor(StreamVersion::V1, 42, "h.0.mlp.c_fc.weight");
    /// assert_ne!(key, Key::of_tensor(StreamVersion::V1, 43, "h.0.mlp.c_fc.weight"));
    /// assert_eq!(key.to_string().len(), 16);
    /// ```
    #[must_use]
    pub fn of_tensor(version: StreamVersion, seed: u64, name: &str) -> Self {
        let context = match version {
            StreamVersion::V1 => "seedbed 1 tensor key",
        };
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(&seed.to_le_bytes()).update(name.as_bytes());
        let hash = *hasher.finalize().as_bytes();
        let word = |at: usize| u32::from_le_bytes([hash[at], hash[at + 1], hash[at + 2], hash[at + 3]]);
        Self([word(0), word(4)])
    }
}

impl std::fmt::Display for Key {
    /// Sixteen hexadecimal digits: the high word, then the low one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}{:08x}", self.0[1], self.0[0])
    }
}
