//! Where a history changed its level: E-divisive.
//!
//! The history is cut where the energy distance between what comes before and
//! what comes after is largest, if shuffling the history seldom gives a cut as
//! good; then the pieces are cut in the same way. The distance sees any change
//! of distribution, most of all one of level, and assumes no normal noise. It
//! is the method of Matteson and James 2014
//! (<https://doi.org/10.1080/01621459.2013.849605>) as MongoDB uses it on the
//! benchmark results of its continuous integration (Daly and others 2020,
//! <https://doi.org/10.1145/3358960.3375791>), where the right piece ends at the
//! next cut and is not varied.

use std::ops::Range;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::moments;
use super::problem::{StatsError, between, check};

/// How a history is searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoints {
    /// How often a history without any change may be cut; 0 to 1, both
    /// excluded.
    pub significance: f64,
    /// How often the history is shuffled at most for each cut; at least
    /// `1 / significance - 1`, or no cut could ever be significant.
    pub permutations: u32,
    /// The fewest entries between two cuts, at least 1. 1 lets a single odd
    /// entry, the newest too, count as a new level.
    pub shortest: usize,
    /// The same seed shuffles the same way.
    pub seed: u64,
}

impl Default for ChangePoints {
    /// One history of a hundred is cut without reason; 999 shuffles; levels of
    /// at least three entries.
    fn default() -> Self {
        Self {
            significance: 0.01,
            permutations: 999,
            shortest: 3,
            seed: 1,
        }
    }
}

/// Where a level changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// The first entry of the new level, from 0.
    pub at: usize,
    /// The mean from the change before, or the beginning, to this one.
    pub before: f64,
    /// The mean from this change to the next, or the end.
    pub after: f64,
    /// The share of shuffled histories with a cut as good, the history itself
    /// counted among them.
    pub p_value: f64,
}

/// The best cut of a piece, and how good it is.
#[derive(Clone, Copy)]
struct Cut {
    at: usize,
    gain: f64,
}

impl ChangePoints {
    /// The changes of level in `history`, oldest first.
    ///
    /// Entries are taken to be independent of each other within a level. Time
    /// grows with the square of the history's length, for each shuffle; a
    /// thousand entries take seconds, and hardly any history needs more.
    ///
    /// # Errors
    ///
    /// An empty history, a value that is not finite, or a setting out of range.
    pub fn find(&self, history: &[f64]) -> Result<Vec<ChangePoint>, StatsError> {
        self.check()?;
        let what = "a history";
        check(what, 1, history)?;
        let (low, high) = history
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| {
                (low.min(value), high.max(value))
            });
        if !((high - low) * (history.len() as f64).powi(2)).is_finite() {
            return Err(StatsError::NotFinite { what });
        }

        let mut shuffles = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut cuts: Vec<(usize, f64)> = Vec::new();
        loop {
            let pieces = pieces(&cuts, history.len());
            let best = pieces
                .iter()
                .filter_map(|piece| {
                    self.best_cut(&history[piece.clone()]).map(|cut| Cut {
                        at: piece.start + cut.at,
                        ..cut
                    })
                })
                .max_by(|a, b| a.gain.total_cmp(&b.gain))
                .filter(|cut| cut.gain > 0.0);
            let Some(best) = best else { break };
            let Some(p_value) = self.p_value(history, &pieces, best.gain, &mut shuffles) else {
                break;
            };
            cuts.push((best.at, p_value));
            cuts.sort_by_key(|&(at, _)| at);
        }

        let pieces = pieces(&cuts, history.len());
        let means: Vec<f64> = pieces
            .iter()
            .map(|piece| moments::mean(&history[piece.clone()]))
            .collect();
        let change = |(&(at, p_value), means): (&(usize, f64), &[f64])| ChangePoint {
            at,
            before: means[0],
            after: means[1],
            p_value,
        };
        Ok(cuts.iter().zip(means.windows(2)).map(change).collect())
    }

    /// The fewest entries in which a change can be found, half of them before it
    /// and half after: the shortest history of two levels without any noise that
    /// is cut. With fewer, too many shuffles happen to be as good a cut, however
    /// large the change.
    ///
    /// # Errors
    ///
    /// A setting out of range.
    pub fn fewest(&self) -> Result<usize, StatsError> {
        /// Two levels of so many entries differ in next to no shuffle.
        const SURELY: usize = 64;
        let mut entries = 2 * self.shortest.max(1);
        loop {
            let history: Vec<f64> = (0..entries)
                .map(|entry| if entry < entries / 2 { 0.0 } else { 1.0 })
                .collect();
            if !self.find(&history)?.is_empty() || entries >= 2 * self.shortest.max(SURELY) {
                return Ok(entries);
            }
            entries += 1;
        }
    }

    fn check(&self) -> Result<(), StatsError> {
        let name = "the significance of a change point";
        between(name, self.significance, 0.0..1.0, "between 0 and 1")?;
        if (f64::from(self.permutations) + 1.0) * self.significance < 1.0 {
            return Err(StatsError::Setting {
                name: "the number of permutations",
                value: f64::from(self.permutations),
                wanted: "at least 1 / significance - 1",
            });
        }
        if self.shortest == 0 {
            return Err(StatsError::Setting {
                name: "the shortest level",
                value: 0.0,
                wanted: "at least 1 entry",
            });
        }
        Ok(())
    }

    /// The share of shuffles, within pieces, whose best cut is as good as
    /// `gain`; `None` as soon as it is sure to be above the significance.
    fn p_value(
        &self,
        history: &[f64],
        pieces: &[Range<usize>],
        gain: f64,
        shuffles: &mut Xoshiro256PlusPlus,
    ) -> Option<f64> {
        let all = f64::from(self.permutations) + 1.0;
        // Sums in another order differ in their last digits.
        let as_good = gain * (1.0 - 1e-9);
        let mut shuffled = history.to_vec();
        let mut found = 1.0;
        for _ in 0..self.permutations {
            let good = pieces.iter().any(|piece| {
                let piece = &mut shuffled[piece.clone()];
                piece.shuffle(shuffles);
                self.best_cut(piece).is_some_and(|cut| cut.gain >= as_good)
            });
            if good {
                found += 1.0;
                if found > self.significance * all {
                    return None;
                }
            }
        }
        Some(found / all)
    }

    /// The cut with the largest energy distance between its sides, scaled by
    /// their sizes.
    fn best_cut(&self, piece: &[f64]) -> Option<Cut> {
        let length = piece.len();
        let distances = |entry: usize, others: Range<usize>| -> f64 {
            let value = piece[entry];
            piece[others]
                .iter()
                .map(|other| (value - other).abs())
                .sum()
        };
        // Sums of distances: across the cut, within the left, within the right.
        let (mut across, mut left, mut right) = (0.0, 0.0, 0.0);
        for entry in 0..length {
            right += distances(entry, entry + 1..length);
        }
        let mut best: Option<Cut> = None;
        for at in 1..length {
            // The entry before the cut goes from the right to the left.
            let to_left = distances(at - 1, 0..at - 1);
            let to_right = distances(at - 1, at..length);
            across += to_right - to_left;
            left += to_left;
            right -= to_right;
            if at < self.shortest || length - at < self.shortest {
                continue;
            }
            let (before, after) = (at as f64, (length - at) as f64);
            let energy = 2.0 * across / (before * after)
                - 2.0 * left / (before * before)
                - 2.0 * right / (after * after);
            let gain = before * after / (before + after) * energy;
            if best.is_none_or(|best| gain > best.gain) {
                best = Some(Cut { at, gain });
            }
        }
        best
    }
}

/// What the cuts leave, in order.
fn pieces(cuts: &[(usize, f64)], length: usize) -> Vec<Range<usize>> {
    let starts = std::iter::once(0).chain(cuts.iter().map(|&(at, _)| at));
    let ends = cuts.iter().map(|&(at, _)| at).chain([length]);
    starts.zip(ends).map(|(start, end)| start..end).collect()
}
