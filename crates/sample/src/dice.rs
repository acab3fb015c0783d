use std::ops::RangeInclusive;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What is drawn for a home, each from a stream of its own: one that draws more or less leaves the others as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// Its people and their parcels.
    Home = 0,
    /// What several domains know alike.
    Circumstances = 1,
    Health = 2,
    Education = 3,
    Business = 4,
}

/// Reproducible chance. Everything is derived from the raw 64-bit outputs of ChaCha here, because the distributions of
/// random libraries may change between their versions.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The dice of one stream of a home.
    pub(crate) fn of_home(seed: u64, home: u32, stream: Stream) -> Self {
        Self::new(seed, (stream as u64) << 32 | u64::from(home))
    }

    /// The dice of one stream of a seed: streams are independent of each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self(rng)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let scaled = (u128::from(self.0.next_u64()) * u128::from(bound)) >> 64;
        // Below `bound`, so it fits.
        scaled as u32
    }

    /// A number of a range that is not empty.
    pub fn within(&mut self, range: RangeInclusive<u32>) -> u32 {
        range.start() + self.below(range.end().saturating_sub(*range.start()) + 1)
    }

    /// A number from 0 up to and without 1.
    pub fn fraction(&mut self) -> f64 {
        f64::from(self.below(1 << 30)) / f64::from(1_u32 << 30)
    }

    /// True in so many of 1,000 cases.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// One of several, all alike.
    pub fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len() as u32) as usize]
    }

    /// One of several, each with its weight.
    pub fn weighted<T: Copy>(&mut self, options: &[(u32, T)]) -> T {
        let total = options.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total);
        for (weight, option) in options {
            if left < *weight {
                return *option;
            }
            left -= weight;
        }
        options[options.len() - 1].1
    }

    /// Sixteen random bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.0.next_u64().to_le_bytes());
        bytes[8..].copy_from_slice(&self.0.next_u64().to_le_bytes());
        bytes
    }
}
