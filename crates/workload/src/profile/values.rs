//! Numbers and times that are right by construction: a value out of range is
//! refused while parsing, where its line is still known.

use std::fmt;

use serde::Deserialize;

macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $holds:expr, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Deserialize)]
        #[serde(try_from = "f64")]
        pub struct $name(f64);

        impl $name {
            /// The value.
            #[must_use]
            pub fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = String;

            fn try_from(value: f64) -> Result<Self, String> {
                let holds: fn(f64) -> bool = $holds;
                if holds(value) {
                    Ok(Self(value))
                } else {
                    Err(format!(concat!("{} is out of range, expected ", $wanted), value))
                }
            }
        }
    };
}

bounded!(
    /// A share of a whole, 0 to 1.
    Share,
    |v| (0.0..=1.0).contains(&v),
    "a share from 0 to 1"
);
bounded!(
    /// A number above 0 and at most 10^9.
    Positive,
    |v| v > 0.0 && v <= 1e9,
    "a number above 0, at most 1e9"
);
bounded!(
    /// A number from 0 to 10^9.
    NonNegative,
    |v| (0.0..=1e9).contains(&v),
    "a number from 0 to 1e9"
);

/// A time of day in seconds since midnight, written `"HH:MM"` or `"HH:MM:SS"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TimeOfDay(u32);

impl TimeOfDay {
    /// Seconds since midnight, below 86,400.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }

    pub(super) const fn hours(hours: u32) -> Self {
        Self(hours * 3600)
    }

    pub(super) const fn minutes(minutes: u32) -> Self {
        Self(minutes * 60)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no time of day, expected \"HH:MM\" or \"HH:MM:SS\"");
        let mut parts = [0u32; 3];
        let mut count = 0;
        for part in text.split(':') {
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            if count == 3 || !digits {
                return Err(wrong());
            }
            parts[count] = part.parse().map_err(|_| wrong())?;
            count += 1;
        }
        let [hour, minute, second] = parts;
        if count < 2 || hour > 23 || minute > 59 || second > 59 {
            return Err(wrong());
        }
        Ok(Self(hour * 3600 + minute * 60 + second))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (h, m, s) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{h:02}:{m:02}:{s:02}")
    }
}
