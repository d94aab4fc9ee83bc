//! Quantiles of numbers too many to keep: exact while there are few, a t-digest after.
//!
//! Dunning and Ertl, "Computing extremely accurate quantiles using t-digests"
//! (<https://arxiv.org/abs/1902.04023>): neighbours are merged as long as they stay
//! small beside their distance from either end.

/// Values and their weights.
#[derive(Debug, Clone, Default)]
pub(super) struct Digest {
    /// Means and weights, in order of the means.
    sorted: Vec<(f64, f64)>,
    /// What is not sorted in yet.
    fresh: Vec<(f64, f64)>,
    /// Whether neighbours that differ were merged.
    merged: bool,
    /// The ends, which merging would lose.
    ends: Option<(f64, f64)>,
}

/// What a digest knows.
pub(super) struct Parts {
    /// Means and weights, in order of the means.
    pub(super) sorted: Vec<(f64, f64)>,
    /// Whether each is a value as it came.
    pub(super) exact: bool,
    /// The least and the greatest value.
    pub(super) ends: Option<(f64, f64)>,
}

/// So many different values are kept as they are.
const EXACT: usize = 4_096;
/// How small what is merged stays: about so many means are left.
const COMPRESSION: f64 = 1_000.0;

impl Digest {
    pub(super) fn add(&mut self, value: f64, weight: f64) {
        self.fresh.push((value, weight));
        let (low, high) = self.ends.unwrap_or((value, value));
        self.ends = Some((low.min(value), high.max(value)));
        if self.fresh.len() >= 4 * EXACT {
            self.settle();
        }
    }

    /// What another one knows besides.
    pub(super) fn merge(&mut self, other: &Self) {
        for (mean, weight) in other.sorted.iter().chain(&other.fresh) {
            self.add(*mean, *weight);
        }
        self.merged |= other.merged;
        if let (Some((a, b)), Some((c, d))) = (self.ends, other.ends) {
            self.ends = Some((a.min(c), b.max(d)));
        }
    }

    /// All that it knows.
    pub(super) fn parts(&mut self) -> Parts {
        self.settle();
        Parts {
            sorted: self.sorted.clone(),
            exact: !self.merged,
            ends: self.ends,
        }
    }

    /// One that knows what another one knew.
    pub(super) fn of_parts(parts: Parts) -> Self {
        Self {
            sorted: parts.sorted,
            fresh: Vec::new(),
            merged: !parts.exact,
            ends: parts.ends,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        (self.sorted.capacity() + self.fresh.capacity()) * size_of::<(f64, f64)>()
    }

    fn settle(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        let mut all = std::mem::take(&mut self.sorted);
        all.append(&mut self.fresh);
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        // The same value twice is one of double weight, which loses nothing.
        all.dedup_by(|next, kept| {
            let same = kept.0.total_cmp(&next.0).is_eq();
            if same {
                kept.1 += next.1;
            }
            same
        });
        if all.len() > EXACT {
            all = compressed(&all);
            self.merged = true;
        }
        self.sorted = all;
    }

    /// The value below which that part of the weight lies; `None`: there is none.
    pub(super) fn quantile(&mut self, part: f64) -> Option<f64> {
        self.settle();
        let (low, high) = self.ends?;
        let total: f64 = self.sorted.iter().map(|(_, weight)| weight).sum();
        let wanted = part * total;
        let mut before = 0.0;
        if !self.merged {
            let reached = self.sorted.iter().find(|(_, weight)| {
                before += weight;
                before > wanted
            });
            return Some(reached.map_or(high, |(value, _)| *value));
        }
        // A mean stands for the middle of its weight; between two middles lies a line.
        let mut last = (0.0, low);
        for (mean, weight) in &self.sorted {
            let middle = (before + weight / 2.0, *mean);
            if wanted <= middle.0 {
                return Some(between(last, middle, wanted));
            }
            before += weight;
            last = middle;
        }
        Some(between(last, (total, high), wanted))
    }
}

fn between(from: (f64, f64), to: (f64, f64), at: f64) -> f64 {
    let width = to.0 - from.0;
    if width <= 0.0 {
        return to.1;
    }
    from.1 + (to.1 - from.1) * ((at - from.0) / width)
}

fn compressed(all: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let total: f64 = all.iter().map(|(_, weight)| weight).sum();
    let scale =
        |part: f64| COMPRESSION / std::f64::consts::TAU * (2.0 * part.clamp(0.0, 1.0) - 1.0).asin();
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let (mut before, mut start) = (0.0, scale(0.0));
    for (mean, weight) in all {
        if let Some(last) = kept.last_mut() {
            let with = last.1 + weight;
            if scale((before + with) / total) - start <= 1.0 {
                last.0 += (mean - last.0) * weight / with;
                last.1 = with;
                continue;
            }
            before += last.1;
            start = scale(before / total);
        }
        kept.push((*mean, *weight));
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_values_are_kept_as_they_are() {
        let mut digest = Digest::default();
        assert_eq!(digest.quantile(0.5), None);
        for value in [5.0, 1.0, 4.0, 2.0, 3.0] {
            digest.add(value, 1.0);
        }
        for (part, value) in [(0.0, 1.0), (0.19, 1.0), (0.5, 3.0), (0.9, 5.0), (1.0, 5.0)] {
            assert_eq!(digest.quantile(part), Some(value), "{part}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn quantiles_of_many_values_are_near_and_merging_changes_little(
            seed in any::<u64>(), parts in 1_usize..5,
        ) {
            // A multiplicative generator: each value up to `COUNT` once, in some order.
            const COUNT: u64 = 65_537;
            let step = seed % (COUNT - 1) + 1;
            let mut digests = vec![Digest::default(); parts];
            let mut value = 1;
            for n in 0..COUNT - 1 {
                value = (value + step) % COUNT;
                digests[n as usize % parts].add(value as f64, 1.0);
            }
            let mut whole = Digest::default();
            for digest in &digests {
                whole.merge(digest);
            }
            for part in [0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999] {
                let found = whole.quantile(part).unwrap_or(f64::NAN) / COUNT as f64;
                prop_assert!((found - part).abs() < 0.002, "{part}: {found}");
            }
        }
    }
}
