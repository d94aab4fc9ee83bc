//! The fleet's source of randomness: eight bytes of state a device.

use std::convert::Infallible;

use rand::TryRng;
use rand_distr::{Distribution, Exp1, StandardNormal};

/// SplitMix64 (Steele, Lea and Flood 2014, <https://doi.org/10.1145/2714064.2660195>):
/// one addition and two multiplications a draw, and any 64-bit state is a good
/// one, so that a device can be seeded by a hash alone.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a stream of draws is for; streams of one device do not share draws.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// Who the wearer is.
    Traits = 1,
    /// What the wearer does and the device reports.
    Life = 2,
}

impl SplitMix64 {
    /// The draws of `device` in the run of `seed`.
    pub(crate) fn seeded(seed: u64, device: u32, stream: Stream) -> Self {
        let device = u64::from(device) << 2 | stream as u64;
        Self(mix(
            mix(seed ^ GOLDEN).wrapping_add(device.wrapping_mul(GOLDEN))
        ))
    }

    /// 64 random bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// Uniform in `[0, 1)`.
    #[inline]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Uniform in `0..n`, for `n` far below 2^32 (its bias is `n / 2^64`).
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u32
    }

    /// Standard normal, by ziggurat.
    #[inline]
    pub(crate) fn normal(&mut self) -> f32 {
        let x: f64 = StandardNormal.sample(self);
        x as f32
    }

    /// Exponential with mean 1, by ziggurat.
    pub(crate) fn exponential(&mut self) -> f64 {
        Exp1.sample(self)
    }

    /// Log-normal with the given median and log standard deviation.
    pub(crate) fn log_normal(&mut self, median: f32, sigma: f32) -> f32 {
        median * (sigma * self.normal()).exp()
    }

    /// Log-normal with the given mean and standard deviation.
    pub(crate) fn log_normal_of_mean(&mut self, mean: f32, sd: f32) -> f32 {
        let variance = (1.0 + (sd / mean).powi(2)).ln();
        self.log_normal(mean * (-0.5 * variance).exp(), variance.sqrt())
    }
}

impl TryRng for SplitMix64 {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.bits() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.bits())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.bits().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
