//! The devices whose readings took longest.

/// How many devices are kept.
const KEPT: usize = 10;

/// The devices with the slowest reading each, and how slow it was.
///
/// Constant size: a reading that is faster than all kept costs a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlowestDevices {
    /// Microseconds and device, slowest first; a device once.
    kept: Vec<(i64, u32)>,
}

impl SlowestDevices {
    /// A reading of `device` took `us`.
    pub fn record(&mut self, device: u32, us: i64) {
        if self.kept.len() == KEPT && self.kept.last().is_some_and(|&(least, _)| us <= least) {
            return;
        }
        match self.kept.iter().position(|&(_, of)| of == device) {
            Some(at) if self.kept[at].0 >= us => return,
            Some(at) => {
                self.kept.remove(at);
            }
            None => self.kept.truncate(KEPT - 1),
        }
        let at = self.kept.partition_point(|&(kept, _)| kept >= us);
        self.kept.insert(at, (us, device));
    }

    /// Devices and the microseconds of their slowest reading, slowest first.
    pub fn iter(&self) -> impl Iterator<Item = (u32, i64)> {
        self.kept.iter().map(|&(us, device)| (device, us))
    }

    /// Adds what another recorded.
    pub fn merge(&mut self, other: &Self) {
        for (device, us) in other.iter() {
            self.record(device, us);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_slowest_are_those_that_sorting_everything_finds(
            readings in prop::collection::vec((0u32..30, 0i64..1_000_000), 0..300),
        ) {
            let mut slowest = SlowestDevices::default();
            let mut all: BTreeMap<u32, i64> = BTreeMap::new();
            for &(device, us) in &readings {
                slowest.record(device, us);
                let most = all.entry(device).or_insert(us);
                *most = us.max(*most);
            }
            let mut times: Vec<i64> = all.values().copied().collect();
            times.sort_unstable_by_key(|&us| std::cmp::Reverse(us));
            times.truncate(KEPT);
            let found: Vec<(u32, i64)> = slowest.iter().collect();
            prop_assert_eq!(found.iter().map(|of| of.1).collect::<Vec<_>>(), times);
            for (device, us) in found {
                prop_assert_eq!(all[&device], us);
            }
        }
    }
}
