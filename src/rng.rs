//! Philox as a random number generator for `rand`: the same words as the fills draw, one stream per (key, domain).

use crate::cpu::philox;
use crate::value::key::{Key, StreamVersion, domain};
use rand_core::block::{BlockRng, Generator};
use rand_core::{Infallible, SeedableRng, TryRng};

/// Philox4x32-10 as a generator: the words of the counters `[b, b >> 32, 0, domain]`, b = 0, 1, ...
///
/// For whatever else a program draws beside its weights, from the same seed: dropout, shuffling, data order. The
/// embedder's own domains start at 2^31 ([`EMBEDDER`]), so that no weight shares a word with them. Not for
/// cryptography.
///
/// ```
/// use rand::RngExt;
/// use seedbed::rng::Philox;
///
/// let mut rng = Philox::named(42, "shuffle");
/// let x: f32 = rng.random();
/// assert!((0.0..1.0).contains(&x));
/// // The same seed and name give the same stream.
/// assert_eq!(Philox::named(42, "shuffle").random::<f32>(), x);
/// ```
#[derive(Clone, Debug)]
pub struct Philox(BlockRng<Counter>);

#[derive(Clone, Debug)]
struct Counter {
    key: [u32; 2],
    block: u64,
    domain: u32,
}

impl Generator for Counter {
    type Output = [u32; 4];

    fn generate(&mut self, output: &mut Self::Output) {
        *output = philox([self.block as u32, (self.block >> 32) as u32, 0, self.domain], self.key);
        self.block = self.block.wrapping_add(1);
    }
}

/// The first domain that belongs to the embedder.
pub const EMBEDDER: u32 = 1 << 31;

impl Philox {
    /// The stream of a key and a domain, from block `block` (of 4 words) on.
    ///
    /// ```
    /// # use rand::Rng;
    /// # use seedbed::{StreamVersion, key::Key, rng::{EMBEDDER, Philox}};
    /// let key = Key::of_tensor(StreamVersion::V1, 42, "shuffle");
    /// let mut rng = Philox::new(key, EMBEDDER, 0);
    /// assert_eq!(rng.next_u32(), Philox::named(42, "shuffle").next_u32());
    /// ```
    #[must_use]
    pub fn new(key: Key, domain: u32, block: u64) -> Self {
        Self(BlockRng::new(Counter { key: key.0, block, domain }))
    }

    /// The stream of a name in the first of the embedder's domains, from its beginning.
    #[must_use]
    pub fn named(seed: u64, name: &str) -> Self {
        Self::new(Key::of_tensor(StreamVersion::V1, seed, name), EMBEDDER, 0)
    }

    /// The words that a fill of the tensor of this key draws, from block `block` (of 4 words) on.
    #[must_use]
    pub fn of_values(key: Key, block: u64) -> Self {
        Self::new(key, domain::VALUES, block)
    }
}

impl SeedableRng for Philox {
    type Seed = [u8; 8];

    /// The seed is the key, little-endian, low word first; the domain is the embedder's first.
    fn from_seed(seed: Self::Seed) -> Self {
        let word = |at: usize| u32::from_le_bytes([seed[at], seed[at + 1], seed[at + 2], seed[at + 3]]);
        Self::new(Key([word(0), word(4)]), EMBEDDER, 0)
    }
}

impl TryRng for Philox {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64_from_u32())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(dst);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::Rng;

    #[test]
    fn words_come_in_the_counter_s_order() {
        let key = Key([0xa409_3822, 0x299f_31d0]);
        let mut rng = Philox::of_values(key, u64::from(u32::MAX));
        let drawn: Vec<u32> = (0..8).map(|_| rng.next_u32()).collect();
        assert_eq!(drawn[..4], philox([u32::MAX, 0, 0, 0], key.0));
        assert_eq!(drawn[4..], philox([0, 1, 0, 0], key.0));
        let mut bytes = [0; 32];
        Philox::of_values(key, u64::from(u32::MAX)).fill_bytes(&mut bytes);
        assert_eq!(bytes.to_vec(), drawn.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>());
    }
}
