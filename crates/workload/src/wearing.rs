//! When a device is silent although its wearer lives on: off the wrist at
//! night, and gaps in the signal.
//!
//! Both from volunteers wearing a Fitbit, March to May 2016
//! (<https://zenodo.org/records/53894>).

use super::calendar::{Calendar, DAY_S};
use super::rng::SplitMix64;

/// User-days with readings in each hour of the day: at 03 h, 41 % of midday.
/// The hours 07 to 13 are smoothed to rise, which moves none by more than one
/// in a hundred, so that a night off is one stretch.
const WORN_BY_HOUR: [f64; 24] = [
    104.0, 98.0, 88.0, 86.0, 87.0, 95.0, 128.0, 160.0, 182.0, 202.0, 208.0, 208.0, 209.0, 210.0,
    209.0, 207.0, 205.0, 202.0, 202.0, 201.0, 191.0, 159.0, 133.0, 117.0,
];
/// The hour in which everyone wears the device; nights run from here to here.
const FULLEST_HOUR: usize = 13;
const EMPTIEST_HOUR: usize = 3;

/// Time of day at which each wearer's next night is drawn.
pub(crate) const NIGHT_DRAWN_S: u32 = FULLEST_HOUR as u32 * 3_600 + 1_800;

/// Share of the fleet that has the device on at `tod_s` seconds after
/// midnight; between the middles of the hours, linear.
pub(crate) fn worn_share(tod_s: f64) -> f64 {
    let hours = (tod_s / 3600.0 - 0.5).rem_euclid(24.0);
    let hour = hours as usize % 24;
    let part = hours - hours.floor();
    let [a, b] = [WORN_BY_HOUR[hour], WORN_BY_HOUR[(hour + 1) % 24]];
    (a + (b - a) * part) / WORN_BY_HOUR[FULLEST_HOUR]
}

/// A wearer's nights: of 256 kinds of night, the first keep the device on, the
/// last take it off early and put it on late.
#[derive(Clone, Debug)]
pub(crate) struct Nights(Box<[Option<(u32, u32)>]>);

impl Nights {
    pub(crate) fn new() -> Self {
        let night = |kind: u32| {
            let worn_above = (f64::from(kind) + 0.5) / 256.0;
            let crossing = |hours: &mut dyn Iterator<Item = usize>| {
                hours
                    .map(|hour| hour as f64 * 3600.0 + 1800.0)
                    .flat_map(|s| (0..60).map(move |m| s + f64::from(m) * 60.0))
                    .find(|s| worn_share(*s) <= worn_above)
            };
            let off = crossing(&mut (FULLEST_HOUR..EMPTIEST_HOUR + 24))?;
            let mut on = off;
            while worn_share(on) <= worn_above {
                on += 60.0;
            }
            Some((off as u32 % DAY_S, on as u32 % DAY_S))
        };
        Self((0..256).map(night).collect())
    }

    /// When, after `now_s`, a night of this kind takes the device off, and for
    /// how long; `Err` with the seconds left when it is off already.
    pub(crate) fn next_off(
        &self,
        kind: u8,
        now_s: u32,
        zone: u8,
        calendar: &Calendar,
    ) -> Option<Result<(u32, u32), u32>> {
        let (off, on) = self.0[usize::from(kind)]?;
        let tod = calendar.time_of_day_s(now_s, zone);
        let length = (on + DAY_S - off) % DAY_S;
        let since_off = (tod + DAY_S - off) % DAY_S;
        if since_off < length {
            return Some(Err(length - since_off));
        }
        Some(Ok((now_s + (DAY_S - since_off), length)))
    }
}

/// Kinds of gap: how many a worn day, shortest, longest and mean in seconds.
/// Longer ones are nights and days off the wrist, see [`Nights`].
const GAPS: [(f64, f64, f64, f64); 3] = [
    (1.85, 60.0, 300.0, 154.0),
    (1.45, 300.0, 1_800.0, 741.0),
    (0.42, 1_800.0, 7_200.0, 3_387.0),
];

/// Hours a day that the device was on: the mean of [`WORN_BY_HOUR`].
const WORN_DAY_S: f64 = 18.5 * 3_600.0;

/// How often the signal breaks, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Gaps {
    per_s: [f64; 3],
}

impl Gaps {
    /// The usual gaps, `scale` times as often, those of 1 to 5 minutes
    /// `short_scale` times that.
    pub(crate) fn new(scale: f64, short_scale: f64) -> Self {
        let mut per_s = GAPS.map(|(a_day, ..)| a_day * scale / WORN_DAY_S);
        per_s[0] *= short_scale;
        Self { per_s }
    }

    fn rate_per_s(&self) -> f64 {
        self.per_s.iter().sum()
    }

    /// Share of the time on the wrist that is lost in gaps.
    pub(crate) fn share_lost(&self) -> f64 {
        let load = self.load();
        load / (1.0 + load)
    }

    fn load(&self) -> f64 {
        let per_s = self.per_s.iter().zip(GAPS);
        per_s.map(|(rate, (.., mean_s))| rate * mean_s).sum()
    }

    /// Seconds until the next gap, and its length; `None` without gaps.
    pub(crate) fn next(&self, rng: &mut SplitMix64) -> Option<(u32, u32)> {
        let rate = self.rate_per_s();
        if rate <= 0.0 {
            return None;
        }
        let wait_s = (rng.exponential() / rate).min(1e9) as u32;
        Some((wait_s, self.length_s(self.per_s, rng)))
    }

    /// What is left of the gap a device is in when first met, if it is in one.
    pub(crate) fn met(&self, rng: &mut SplitMix64) -> Option<u32> {
        if !rng.chance(self.share_lost()) {
            return None;
        }
        // A gap is met in proportion to its length.
        let mut weights = self.per_s;
        for (weight, (.., mean_s)) in weights.iter_mut().zip(GAPS) {
            *weight *= mean_s;
        }
        let length_s = self.length_s(weights, rng);
        Some((f64::from(length_s) * rng.unit()) as u32)
    }

    fn length_s(&self, weights: [f64; 3], rng: &mut SplitMix64) -> u32 {
        let mut pick = rng.unit() * weights.iter().sum::<f64>();
        let mut kind = 0;
        for (i, weight) in weights.iter().enumerate().take(2) {
            if pick < *weight {
                break;
            }
            pick -= weight;
            kind = i + 1;
        }
        // u^a has the mean 1 / (1 + a): long gaps are rarer than short ones.
        let (_, least, most, mean) = GAPS[kind];
        let a = (most - least) / (mean - least) - 1.0;
        (least + (most - least) * rng.unit().powf(a)) as u32
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::rng::Stream;
    use super::*;

    #[test]
    fn nights_add_up_to_the_hours_worn() {
        let nights = Nights::new();
        for hour in 0..24 {
            let tod = hour * 3600 + 1800;
            let off = nights.0.iter().flatten().filter(|(off, on)| {
                let length = (on + DAY_S - off) % DAY_S;
                (tod + DAY_S - off) % DAY_S < length
            });
            let worn = 1.0 - off.count() as f64 / 256.0;
            let wanted = worn_share(f64::from(tod));
            assert!((worn - wanted).abs() < 0.012, "{hour} h: {worn}, {wanted}");
        }
    }

    #[test]
    fn gaps_have_the_observed_numbers_and_lengths() {
        let gaps = Gaps::new(1.0, 1.0);
        let mut rng = SplitMix64::seeded(1, 0, Stream::Life);
        let (mut waited, mut count, mut total) = (0.0, [0.0; 3], [0.0; 3]);
        for _ in 0..200_000 {
            let (wait, length) = gaps.next(&mut rng).unwrap();
            waited += f64::from(wait);
            let kind = [300, 1800, 7200].iter().position(|most| length < *most);
            count[kind.unwrap()] += 1.0;
            total[kind.unwrap()] += f64::from(length);
        }
        let days = waited / WORN_DAY_S;
        for (kind, (a_day, .., mean)) in GAPS.into_iter().enumerate() {
            assert!((count[kind] / days / a_day - 1.0).abs() < 0.03);
            assert!((total[kind] / count[kind] / mean - 1.0).abs() < 0.03);
        }
    }
}
