//! The written form of faults.

use std::fmt;
use std::str::FromStr;

use super::{Amount, Faults, Stall};

/// Why a fault specification was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault `{part}`: {reason}; expected for example `{example}`")]
pub struct FaultError {
    /// The part that was not understood.
    pub part: String,
    /// What is wrong with it.
    pub reason: String,
    /// A right one of its kind.
    pub example: &'static str,
}

/// A kind of fault, as it is written and as help tells of it.
struct Kind {
    name: &'static str,
    /// What stands behind the `=`.
    value: &'static str,
    /// A right one.
    example: &'static str,
    does: &'static str,
}

const AMOUNT: &str = "AMOUNT";
const TIME: &str = "TIME";

const fn kind(
    name: &'static str,
    value: &'static str,
    example: &'static str,
    does: &'static str,
) -> Kind {
    Kind {
        name,
        value,
        example,
        does,
    }
}

/// Every kind.
#[rustfmt::skip]
const KINDS: [Kind; 12] = [
    kind("delay", TIME, "delay=200ms", "change records arrive later by this"),
    kind("lose", AMOUNT, "lose=1000", "change records never arrive"),
    kind("duplicate", AMOUNT, "duplicate=1%", "change records arrive twice"),
    kind("reorder", AMOUNT, "reorder=1%", "change records change places with the next"),
    kind("throttle", AMOUNT, "throttle=5%", "write calls are refused for want of capacity"),
    kind("unprocessed", AMOUNT, "unprocessed=5%", "items of a batch come back unprocessed"),
    kind("disconnect", AMOUNT, "disconnect=10", "no answer, and nothing is written"),
    kind("disconnect-after", AMOUNT, "disconnect-after=10", "no answer, but all is written"),
    kind("error", AMOUNT, "error=1%", "a 500 of the service; nothing is written"),
    kind("error-html", AMOUNT, "error-html=1%", "a 500 that is a page; nothing is written"),
    kind("respond", TIME, "respond=50ms", "write calls are answered later by this"),
    kind("stall", "TIME@TIME", "stall=2s@5s", "nothing is answered for 2 s, after 5 s"),
];

/// The longest time that can be asked for: a day. No run waits for more.
const LONGEST_US: f64 = 86_400e6;

impl Faults {
    /// These faults and `other`'s, as when `--fault` is given twice.
    ///
    /// # Errors
    /// Both name the same kind.
    pub fn merge(self, other: &Self) -> Result<Self, FaultError> {
        format!("{self},{other}").parse()
    }

    /// Every kind in a line: how it is written, and what it does.
    #[must_use]
    pub fn kinds() -> String {
        let lines = KINDS.iter().map(|kind| {
            let written = format!("{}={}", kind.name, kind.value);
            format!("  {written:<24}{}\n", kind.does)
        });
        lines.collect()
    }

    fn set(&mut self, kind: &str, value: &str) -> Result<(), String> {
        fn once<T>(slot: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
            if slot.is_some() {
                return Err("given twice".to_owned());
            }
            *slot = Some(value?);
            Ok(())
        }
        match kind {
            "delay" => once(&mut self.delay_us, duration_us(value)),
            "lose" => once(&mut self.lose, amount(value)),
            "duplicate" => once(&mut self.duplicate, amount(value)),
            "reorder" => once(&mut self.reorder, amount(value)),
            "throttle" => once(&mut self.throttle, amount(value)),
            "unprocessed" => once(&mut self.unprocessed, amount(value)),
            "disconnect" => once(&mut self.disconnect, amount(value)),
            "disconnect-after" => once(&mut self.disconnect_after, amount(value)),
            "error" => once(&mut self.error, amount(value)),
            "error-html" => once(&mut self.error_html, amount(value)),
            "respond" => once(&mut self.respond_us, duration_us(value)),
            "stall" => once(&mut self.stall, stall(value)),
            _ => Err(match nearest(kind) {
                Some(near) => format!("no such kind, did you mean `{near}`?"),
                None => format!(
                    "no such kind; there are {}",
                    KINDS.map(|kind| kind.name).join(", ")
                ),
            }),
        }
    }
}

fn nearest(kind: &str) -> Option<&'static str> {
    // Who comes that near has about as many letters, and is found without comparing all.
    let letters = kind.chars().count();
    KINDS
        .iter()
        .filter(|of| of.name.len().abs_diff(letters) <= 2)
        .map(|of| (strsim::damerau_levenshtein(kind, of.name), of.name))
        .min()
        .filter(|(distance, _)| *distance <= 2)
        .map(|(_, name)| name)
}

fn amount(text: &str) -> Result<Amount, String> {
    if let Some(percent) = text.strip_suffix('%') {
        let percent: f64 = percent
            .trim()
            .parse()
            .map_err(|_| format!("`{text}` is not a share"))?;
        if !(0.0..=100.0).contains(&percent) {
            return Err(format!("`{text}` is not between 0% and 100%"));
        }
        return Ok(Amount::Percent(percent));
    }
    text.parse()
        .map(Amount::Next)
        .map_err(|_| format!("`{text}` is neither a count nor a share"))
}

fn duration_us(text: &str) -> Result<u64, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "m" => 60e6,
        "" => return Err(format!("`{text}` has no unit (us, ms, s or m)")),
        _ => return Err(format!("`{text}` is not a duration (us, ms, s or m)")),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("`{text}` is not a duration"))?;
    let us = (number * scale).round();
    if us > LONGEST_US {
        return Err(format!("`{text}` is longer than a day"));
    }
    Ok(us as u64)
}

fn stall(text: &str) -> Result<Stall, String> {
    let (length, at) = text
        .split_once('@')
        .ok_or_else(|| format!("`{text}` does not say when, after an @"))?;
    Ok(Stall {
        for_us: duration_us(length.trim())?,
        at_us: duration_us(at.trim())?,
    })
}

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut faults = Self::default();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let wrong = |kind: &str, reason: String| {
                let near = nearest(kind);
                let mut kinds = KINDS.iter();
                let like = kinds.find(|of| of.name == kind || near == Some(of.name));
                FaultError {
                    part: part.to_owned(),
                    reason,
                    example: like.map_or("lose=1000", |of| of.example),
                }
            };
            let (kind, value) = part
                .split_once('=')
                .map(|(kind, value)| (kind.trim(), value.trim()))
                .ok_or_else(|| wrong(part, "there is no `=`".to_owned()))?;
            faults
                .set(kind, value)
                .map_err(|reason| wrong(kind, reason))?;
        }
        Ok(faults)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Next(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            us if us % 1_000_000 == 0 => write!(f, "{}s", us / 1_000_000),
            us if us % 1_000 == 0 => write!(f, "{}ms", us / 1_000),
            us => write!(f, "{us}us"),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amounts = [
            ("lose", self.lose),
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
            ("throttle", self.throttle),
            ("unprocessed", self.unprocessed),
            ("disconnect", self.disconnect),
            ("disconnect-after", self.disconnect_after),
            ("error", self.error),
            ("error-html", self.error_html),
        ];
        let mut parts = Vec::new();
        if let Some(us) = self.delay_us {
            parts.push(format!("delay={}", Micros(us)));
        }
        for (name, amount) in amounts {
            if let Some(amount) = amount {
                parts.push(format!("{name}={amount}"));
            }
        }
        if let Some(us) = self.respond_us {
            parts.push(format!("respond={}", Micros(us)));
        }
        if let Some(Stall { for_us, at_us }) = self.stall {
            parts.push(format!("stall={}@{}", Micros(for_us), Micros(at_us)));
        }
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_example_is_read_and_written_back_the_same() {
        for Kind { example, .. } in KINDS {
            let faults: Faults = example.parse().unwrap();
            assert_ne!(faults, Faults::default(), "{example}");
            assert_eq!(faults.to_string(), example);
        }
    }

    #[test]
    fn a_wrong_specification_names_the_part_and_a_right_one() {
        for (text, part, reason) in [
            (
                "lose=1000,dealy=200ms",
                "dealy=200ms",
                "did you mean `delay`?",
            ),
            ("delay=200", "delay=200", "no unit"),
            ("lose=ten", "lose=ten", "neither a count nor a share"),
            ("lose=101%", "lose=101%", "not between 0% and 100%"),
            ("lose", "lose", "there is no `=`"),
            ("stall=2s", "stall=2s", "does not say when"),
            ("lose=1,lose=2", "lose=2", "given twice"),
            ("lose=-1", "lose=-1", "neither"),
            ("delay=1441m", "delay=1441m", "longer than a day"),
            ("stall=1s@86401s", "stall=1s@86401s", "longer than a day"),
        ] {
            let error = text.parse::<Faults>().unwrap_err();
            assert_eq!(error.part, part, "{text}");
            assert!(error.reason.contains(reason), "{text}: {error}");
            let shown = error.to_string();
            assert!(
                shown.contains(part) && shown.contains(error.example),
                "{shown}"
            );
            error.example.parse::<Faults>().unwrap();
        }
    }

    #[test]
    fn merging_adds_kinds_and_refuses_the_same_one_twice() {
        let lose: Faults = "lose=5".parse().unwrap();
        let delay: Faults = "delay=1ms".parse().unwrap();
        assert_eq!(
            lose.clone().merge(&delay).unwrap().to_string(),
            "delay=1ms,lose=5"
        );
        assert!(lose.clone().merge(&lose).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            delay in proptest::option::of(0u64..10_000_000),
            share in 0u32..=1000,
            count in 0u64..1_000_000,
            at in 0u64..100_000_000,
        ) {
            let faults = Faults {
                delay_us: delay,
                lose: Some(Amount::Percent(f64::from(share) / 10.0)),
                reorder: Some(Amount::Next(count)),
                stall: Some(Stall { for_us: count, at_us: at }),
                ..Faults::default()
            };
            let read: Faults = faults.to_string().parse().unwrap();
            prop_assert_eq!(read, faults);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,40}") {
            let _ = text.parse::<Faults>();
        }
    }
}
