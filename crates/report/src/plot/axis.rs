//! A scale, its range and its ticks.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::units::count;

/// Ticks that an axis has at most, unless they are asked for by distance.
const TICKS: f64 = 8.0;

/// An axis as it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    label: String,
    scale: Scale,
    from: Option<f64>,
    to: Option<f64>,
    every: Option<f64>,
}

/// How values become places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
    /// Seconds since the Unix epoch, with ticks where clocks strike, in UTC.
    Clock,
    /// By the logarithm of what is left to one: 90 %, 99 % and 99.9 % are as far
    /// from each other.
    Nines,
}

impl Axis {
    /// A linear axis, from zero on. The label says the unit: `writes (units/s)`.
    #[must_use]
    pub fn linear(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            scale: Scale::Linear,
            from: Some(0.0),
            to: None,
            every: None,
        }
    }

    /// A logarithmic axis. Values of zero and less are drawn at its foot.
    #[must_use]
    pub fn log(label: impl Into<String>) -> Self {
        Self {
            from: None,
            scale: Scale::Log,
            ..Self::linear(label)
        }
    }

    /// A time of day in UTC; values are seconds since the Unix epoch.
    #[must_use]
    pub fn clock(label: impl Into<String>) -> Self {
        Self {
            from: None,
            scale: Scale::Clock,
            ..Self::linear(label)
        }
    }

    /// An axis of shares from 0 to less than 1, such as those of percentiles, on
    /// which each further nine takes as much room.
    #[must_use]
    pub fn nines(label: impl Into<String>) -> Self {
        Self {
            scale: Scale::Nines,
            ..Self::linear(label)
        }
    }

    /// From here to there, whatever the layers hold; what lies beyond is drawn
    /// at the edge.
    #[must_use]
    pub fn range(mut self, from: f64, to: f64) -> Self {
        (self.from, self.to) = (Some(from), Some(to));
        self
    }

    /// With a tick at each multiple of this, on a linear axis.
    #[must_use]
    pub fn every(mut self, step: f64) -> Self {
        self.every = Some(step).filter(|&step| step > 0.0);
        self
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// The axis fitted around values; none if there is nothing to fit it to.
    pub(super) fn fitted(&self, values: impl Iterator<Item = f64>) -> Option<Fitted> {
        let shown = values.filter(|&value| self.shows(value));
        let around = shown.fold(None, |around, value| {
            let (low, high) = around.unwrap_or((value, value));
            Some((value.min(low), value.max(high)))
        });
        let around = around.or(self.from.zip(self.to));
        let usable = |edge: &f64| self.shows(*edge);
        let from = self.from.filter(usable).or(around.map(|(low, _)| low))?;
        let to = self.to.filter(usable).or(around.map(|(_, high)| high))?;
        Some(match self.scale {
            Scale::Linear => self.fit_linear(from.min(to), to),
            Scale::Log => self.fit_log(from, to),
            Scale::Nines => fit_nines(to),
            Scale::Clock => fit_clock(from.min(to), to),
        })
    }

    /// Whether a value has a place on the axis.
    fn shows(&self, value: f64) -> bool {
        match self.scale {
            Scale::Linear | Scale::Clock => value.is_finite(),
            Scale::Log => value.is_finite() && value > 0.0,
            Scale::Nines => (0.0..1.0).contains(&value),
        }
    }

    fn fit_linear(&self, from: f64, to: f64) -> Fitted {
        // An axis of no length shows where its one value is.
        let to = if to > from { to } else { from + 1.0 };
        let step = self
            .every
            .unwrap_or_else(|| round_step((to - from) / TICKS));
        let to = self.to.unwrap_or((to / step - 1e-9).ceil() * step).max(to);
        let first = (from / step - 1e-9).ceil();
        let count = ((to - first * step) / step + 1e-9).floor().min(1_000.0);
        let ticks = (0..=count as u32).map(|n| (first + f64::from(n)) * step);
        Fitted {
            scale: Scale::Linear,
            range: from..to,
            ticks: ticks.collect(),
            digits: (-step.log10().floor()).clamp(0.0, 9.0) as usize,
        }
    }

    fn fit_log(&self, from: f64, to: f64) -> Fitted {
        let (from, to) = (from.min(to), from.max(to));
        // Ticks at 1, 2 and 5 times a power of ten, at powers only where these
        // would be too many.
        let decades = (to / from).log10();
        let steps: &[f64] = if decades > 4.0 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let ladder = |value: f64, upwards: bool| {
            let power = value.log10().floor() as i32;
            let rungs = (power - 1..=power + 1)
                .flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
            let slack = 1e-9 * value;
            if upwards {
                rungs.into_iter().find(|&rung| rung >= value - slack)
            } else {
                rungs.into_iter().rfind(|&rung| rung <= value + slack)
            }
            .unwrap_or(value)
        };
        let low = self.from.unwrap_or_else(|| ladder(from, false)).min(from);
        let high = self.to.unwrap_or_else(|| ladder(to, true)).max(to);
        let high = if high > low { high } else { low * 10.0 };
        let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let all = powers.flat_map(|power| steps.iter().map(move |s| s * 10f64.powi(power)));
        let within = low * (1.0 - 1e-9)..=high * (1.0 + 1e-9);
        Fitted {
            scale: Scale::Log,
            range: low..high,
            ticks: all.filter(|tick| within.contains(tick)).collect(),
            digits: (-low.log10().floor()).clamp(0.0, 9.0) as usize,
        }
    }
}

/// Seconds between strokes of the clock.
const STROKES: [f64; 14] = [
    1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 10_800.0, 21_600.0,
    43_200.0, 86_400.0,
];

fn fit_clock(from: f64, to: f64) -> Fitted {
    let to = if to > from { to } else { from + 60.0 };
    // Labels with seconds in them are longer.
    let fits = |step: &&f64| (to - from) / **step <= if **step < 60.0 { 5.0 } else { TICKS };
    let step = STROKES.iter().find(fits).copied();
    let step = step.unwrap_or_else(|| ((to - from) / TICKS / 86_400.0).ceil() * 86_400.0);
    let first = (from / step - 1e-9).ceil();
    let count = (to / step - first + 1e-9).floor();
    let ticks = (0..=count.clamp(0.0, 2.0 * TICKS) as u32).map(|n| (first + f64::from(n)) * step);
    Fitted {
        scale: Scale::Clock,
        range: from..to,
        ticks: ticks.collect(),
        // Decimals do not tell these apart; days, minutes and seconds do.
        digits: match step {
            86_400.0.. => 2,
            60.0.. => 0,
            _ => 1,
        },
    }
}

/// From zero to `to`, with a tick at each nine.
fn fit_nines(to: f64) -> Fitted {
    let to = to.max(0.9);
    let nines = (1..=12).map(|nines| 1.0 - 10f64.powi(-nines));
    let ticks = [0.0, 0.5].into_iter().chain(nines);
    Fitted {
        scale: Scale::Nines,
        range: 0.0..to,
        ticks: ticks.filter(|&tick| tick <= to + 1e-12).collect(),
        digits: 0,
    }
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_step(at_least: f64) -> f64 {
    let power = 10f64.powf(at_least.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|step| step * power);
    let fits = |step: &f64| *step >= at_least * (1.0 - 1e-9);
    steps.into_iter().find(fits).unwrap_or(10.0 * power)
}

/// An axis with its range and ticks: a coordinate of the drawing library.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fitted {
    scale: Scale,
    pub(super) range: Range<f64>,
    pub(super) ticks: Vec<f64>,
    /// Decimals that tell ticks apart.
    digits: usize,
}

impl Fitted {
    /// Where a value lies between the axis's ends, as a share.
    fn share(&self, value: f64) -> f64 {
        let Range { start, end } = self.range;
        let share = match self.scale {
            Scale::Linear | Scale::Clock => (value - start) / (end - start),
            Scale::Log => (value.max(start) / start).ln() / (end / start).ln(),
            Scale::Nines => (1.0 - value.clamp(start, end)).ln() / (1.0 - end).ln(),
        };
        share.clamp(0.0, 1.0)
    }

    /// A tick's label: no more digits than tell it from the next.
    pub(super) fn written(&self, tick: f64) -> String {
        if self.scale == Scale::Clock {
            let time = jiff::Timestamp::from_second(tick.round() as i64).unwrap_or_default();
            let form = match self.digits {
                0 => "%H:%M",
                1 => "%H:%M:%S",
                _ => "%m-%d",
            };
            return time.strftime(form).to_string();
        }
        if self.scale == Scale::Nines {
            let percent = format!("{:.10}", tick * 100.0);
            let percent = percent.trim_end_matches('0').trim_end_matches('.');
            return format!("{percent} %");
        }
        let magnitude = tick.abs();
        let sign = if tick < 0.0 { "-" } else { "" };
        if magnitude >= 1e6 {
            let millions = format!("{:.3}", magnitude / 1e6);
            let millions = millions.trim_end_matches('0').trim_end_matches('.');
            return format!("{sign}{millions}M");
        }
        if self.digits == 0 || magnitude >= 1_000.0 {
            return format!("{sign}{}", count(magnitude.round() as u64));
        }
        let text = format!("{magnitude:.*}", self.digits);
        if self.scale == Scale::Log {
            let text = text.trim_end_matches('0').trim_end_matches('.');
            return format!("{sign}{text}");
        }
        format!("{sign}{text}")
    }
}

impl Ranged for Fitted {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * self.share(*value)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Fitted {
    fn format_ext(&self, value: &f64) -> String {
        self.written(*value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn labels(axis: &Axis, values: &[f64]) -> Vec<String> {
        let fitted = axis.fitted(values.iter().copied()).unwrap();
        fitted.ticks.iter().map(|&t| fitted.written(t)).collect()
    }

    #[test]
    fn ticks_are_round_and_reach_around_what_is_shown() {
        let linear = Axis::linear("x");
        for (values, expected) in [
            (&[3.0, 10.0][..], "0 2 4 6 8 10"),
            (&[1_234.0], "0 200 400 600 800 1,000 1,200 1,400"),
            (&[0.03], "0.000 0.005 0.010 0.015 0.020 0.025 0.030"),
            (&[7_000_000.0], "0 1M 2M 3M 4M 5M 6M 7M"),
            (&[0.0, f64::NAN], "0.0 0.2 0.4 0.6 0.8 1.0"),
        ] {
            assert_eq!(labels(&linear, values).join(" "), expected, "{values:?}");
        }
        let hours = Axis::linear("h").range(0.0, 24.0).every(3.0);
        assert_eq!(labels(&hours, &[99.0]).join(" "), "0 3 6 9 12 15 18 21 24");
        let log = Axis::log("y");
        for (values, expected) in [
            (&[3.0, 80.0][..], "2 5 10 20 50 100"),
            (
                &[0.4, 1_500.0],
                "0.2 0.5 1 2 5 10 20 50 100 200 500 1,000 2,000",
            ),
            (&[1.0, 200_000.0], "1 10 100 1,000 10,000 100,000 1M"),
            (&[-1.0, 0.0, 20.0], "20 50 100 200"),
        ] {
            assert_eq!(labels(&log, values).join(" "), expected, "{values:?}");
        }
        assert_eq!(log.fitted([0.0, -3.0].into_iter()), None);
        assert_eq!(linear.fitted([f64::INFINITY].into_iter()), None);
    }

    #[test]
    fn each_nine_takes_as_much_room() {
        let axis = Axis::nines("percentile").fitted([0.3, 0.9995].into_iter());
        let axis = axis.unwrap();
        let ticks: Vec<String> = axis.ticks.iter().map(|&t| axis.written(t)).collect();
        assert_eq!(ticks, ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
        let at = |share: f64| axis.map(&share, (0, 10_000));
        let (second, third) = (at(0.99) - at(0.9), at(0.999) - at(0.99));
        assert!((second - third).abs() <= 1, "{second} {third}");
        assert_eq!((at(0.0), at(0.9995), at(1.0)), (0, 10_000, 10_000));
    }

    proptest! {
        #[test]
        fn whatever_is_shown_lies_on_its_axis(
            values in prop::collection::vec(1e-6f64..1e12, 1..20), log: bool,
        ) {
            let axis = if log { Axis::log("") } else { Axis::linear("") };
            let fitted = axis.fitted(values.iter().copied()).unwrap();
            prop_assert!((2..=15).contains(&fitted.ticks.len()), "{fitted:?}");
            for &value in values.iter().chain(&fitted.ticks) {
                prop_assert!(value >= fitted.range.start * (1.0 - 1e-6));
                prop_assert!(value <= fitted.range.end * (1.0 + 1e-6));
                prop_assert!((0..=500).contains(&fitted.map(&value, (0, 500))));
            }
        }
    }
}
