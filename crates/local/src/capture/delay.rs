//! How long change records are on their way.

use std::fmt;
use std::str::FromStr;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, StandardNormal};

/// Distribution of the time from a write to its record's arrival in the stream.
///
/// As text: `0` (at once), `fixed:200ms` (always so long), `150ms` (log-normal
/// with this median and a sigma of 0.25), `150ms/0.4` (the same with another
/// sigma). Units are `us`, `ms` and `s`.
///
/// AWS promises no figure. Four public records of 2022 and 2024 took 118 to
/// 245 ms from `ApproximateCreationDateTime` to `ApproximateArrivalTimestamp`;
/// the default of 150 ms lies among them, and a sigma of 0.25 puts the 99th
/// percentile at 1.8 times the median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChangeDelay {
    /// Always this long, in microseconds.
    Fixed(u64),
    /// Log-normal with this median (microseconds) and shape (sigma of the logarithm).
    LogNormal {
        /// Median, in microseconds.
        median_us: u64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

/// Sigma where none is given.
const SIGMA: f64 = 0.25;
/// Longest delay that can be asked for: an hour.
const MAX_US: f64 = 3.6e9;

impl Default for ChangeDelay {
    fn default() -> Self {
        Self::LogNormal {
            median_us: 150_000,
            sigma: SIGMA,
        }
    }
}

/// A text that is no [`ChangeDelay`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelayError {
    text: String,
}

impl fmt::Display for DelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a change delay; give `0`, a median of up to 1 h such as `150ms` or \
             `150ms/0.4` (with the sigma of a log-normal, 0 to 2), or `fixed:200ms`",
            self.text
        )
    }
}

impl std::error::Error for DelayError {}

/// A duration with its unit, in microseconds.
fn parse_us(text: &str) -> Option<u64> {
    let (number, unit_us) = if let Some(number) = text.strip_suffix("us") {
        (number, 1.0)
    } else if let Some(number) = text.strip_suffix("ms") {
        (number, 1e3)
    } else if let Some(number) = text.strip_suffix('s') {
        (number, 1e6)
    } else {
        return (text == "0").then_some(0);
    };
    let us = number.parse::<f64>().ok()? * unit_us;
    (0.0..=MAX_US).contains(&us).then(|| us.round() as u64)
}

impl FromStr for ChangeDelay {
    type Err = DelayError;

    fn from_str(text: &str) -> Result<Self, DelayError> {
        let parse = || {
            if let Some(fixed) = text.strip_prefix("fixed:") {
                return parse_us(fixed).map(Self::Fixed);
            }
            let (median, sigma) = match text.split_once('/') {
                Some((median, sigma)) => (median, sigma.parse().ok()?),
                None => (text, SIGMA),
            };
            if !(0.0..=2.0).contains(&sigma) {
                return None;
            }
            Some(match parse_us(median)? {
                0 => Self::Fixed(0),
                median_us => Self::LogNormal { median_us, sigma },
            })
        };
        parse().ok_or_else(|| DelayError {
            text: text.to_owned(),
        })
    }
}

/// A duration in the largest unit that holds it whole.
struct Us(u64);

impl fmt::Display for Us {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            us if us % 1_000_000 == 0 => write!(f, "{}s", us / 1_000_000),
            us if us % 1_000 == 0 => write!(f, "{}ms", us / 1_000),
            us => write!(f, "{us}us"),
        }
    }
}

impl fmt::Display for ChangeDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Fixed(0) => f.write_str("0"),
            Self::Fixed(us) => write!(f, "fixed:{}", Us(us)),
            Self::LogNormal { median_us, sigma } if sigma == SIGMA => {
                write!(f, "{}", Us(median_us))
            }
            Self::LogNormal { median_us, sigma } => write!(f, "{}/{sigma}", Us(median_us)),
        }
    }
}

/// Over how long log-normal delays forget what they were, in microseconds.
const MEMORY_US: f64 = 1e6;
/// Longest micro-batch: records of AWS written 10 ms apart arrived together.
const BATCH_US: u64 = 10_000;

/// One link's delays: one for every micro-batch.
///
/// If each batch drew its own, batches would overtake one another, or, held
/// back so that they do not, nearly all would arrive as late as the latest.
/// So delays drift: the logarithm is a first-order autoregressive (Ornstein-
/// Uhlenbeck) process with the asked-for distribution at any time, which
/// forgets over a second. From one batch to the next it moves less than the
/// batches are apart, and order keeps itself.
#[derive(Debug)]
pub(super) struct Delays {
    delay: ChangeDelay,
    /// The process, standard normal.
    level: f64,
    last_us: u64,
    rng: SmallRng,
}

/// A micro-batch's place in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// Changes written before this time belong to it.
    pub(super) closes_us: u64,
    /// When it arrives.
    pub(super) due_us: u64,
}

impl Delays {
    pub(super) fn new(delay: ChangeDelay, seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        Self {
            delay,
            level: StandardNormal.sample(&mut rng),
            last_us: 0,
            rng,
        }
    }

    /// The micro-batch of a change written at `now_us`, the first of its batch.
    /// The delay counts from the batch's middle, so that a full batch's mean
    /// delay is the one drawn.
    pub(super) fn window(&mut self, now_us: u64) -> Window {
        let (delay_us, length_us) = match self.delay {
            // Short beside the delay: exact to a quarter of a per cent.
            ChangeDelay::Fixed(us) => (us, (us / 200).min(1000)),
            ChangeDelay::LogNormal { median_us, sigma } => {
                let length_us = (median_us / 15).min(BATCH_US);
                let apart_us = now_us.saturating_sub(self.last_us) as f64;
                self.last_us = now_us;
                let kept = (-apart_us / MEMORY_US).exp();
                let drawn: f64 = StandardNormal.sample(&mut self.rng);
                self.level = kept * self.level + (1.0 - kept * kept).sqrt() * drawn;
                let delay_us = (median_us as f64 * (sigma * self.level).exp()) as u64;
                // It cannot arrive before it is complete.
                (delay_us.max(length_us), length_us)
            }
        };
        Window {
            closes_us: now_us + length_us,
            due_us: now_us + length_us / 2 + delay_us,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn delays_are_written_as_they_are_read() {
        let log_normal = |median_us, sigma| ChangeDelay::LogNormal { median_us, sigma };
        for (text, delay) in [
            ("0", ChangeDelay::Fixed(0)),
            ("fixed:200ms", ChangeDelay::Fixed(200_000)),
            ("fixed:1500us", ChangeDelay::Fixed(1500)),
            ("150ms", log_normal(150_000, 0.25)),
            ("2s/0.4", log_normal(2_000_000, 0.4)),
        ] {
            assert_eq!(text.parse(), Ok(delay), "{text}");
            assert_eq!(delay.to_string(), text);
        }
        assert_eq!("1.5s".parse(), Ok(log_normal(1_500_000, 0.25)));
        assert_eq!("0ms".parse(), Ok(ChangeDelay::Fixed(0)));
        assert_eq!("150ms".parse(), Ok(ChangeDelay::default()));
    }

    #[test]
    fn what_is_no_delay_is_refused_with_examples() {
        for text in [
            "", "5", "-1ms", "ms", "2h", "150ms/-1", "150ms/x", "fixed:", "nans", "infs",
        ] {
            let error = text.parse::<ChangeDelay>().unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{text}`")) && error.contains("150ms"),
                "{error}"
            );
        }
    }

    #[test]
    fn drifting_delays_have_the_distribution_asked_for_and_keep_their_order() {
        let delay = ChangeDelay::LogNormal {
            median_us: 150_000,
            sigma: 0.25,
        };
        let mut delays = Delays::new(delay, 7);
        let (mut now_us, mut last_due_us, mut overtaking) = (1_000_000, 0, 0);
        let mut drawn: Vec<u64> = (0..200_000)
            .map(|_| {
                let window = delays.window(now_us);
                overtaking += u64::from(window.due_us < last_due_us);
                last_due_us = window.due_us;
                let middle_us = now_us + (window.closes_us - now_us) / 2;
                now_us = window.closes_us;
                window.due_us - middle_us
            })
            .collect();
        drawn.sort_unstable();
        let quantile = |q: f64| drawn[(q * drawn.len() as f64) as usize] as f64;
        // exp(0.25 z) for z = 0 and z = 1.2816.
        assert!(
            (quantile(0.5) / 150e3 - 1.0).abs() < 0.03,
            "{}",
            quantile(0.5)
        );
        assert!(
            (quantile(0.9) / 206.6e3 - 1.0).abs() < 0.03,
            "{}",
            quantile(0.9)
        );
        assert!(
            overtaking < 10_000,
            "{overtaking} of 200,000 would overtake"
        );
    }
}
