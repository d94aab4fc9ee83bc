//! Which rate to try next.
//!
//! Doubles from below until a rate does not hold, then halves the bracket, in
//! ratio, until its ends are near enough to each other. A rate that misses
//! narrowly is tried once more before it counts: one stall of a shared machine
//! is not a limit. Pure: told what held, it says what to try.

/// What came of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It held.
    Held,
    /// It did not; a second try may.
    Missed,
    /// It did not by far, so that a second try is no use.
    MissedByFar,
}

/// Why a rate is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Higher than what held, or lower than what did not, without a bracket yet.
    Ramp,
    /// Between what held and what did not.
    Bisect,
    /// Once more, for it missed.
    Again,
}

/// The search for the highest rate that holds.
#[derive(Debug, Clone)]
pub(super) struct Search {
    from: f64,
    to: f64,
    precision: f64,
    held: Option<f64>,
    missed: Option<f64>,
    /// A rate that missed once.
    doubtful: Option<f64>,
}

/// The first rate is halved so many times before nothing is said to hold.
const HALVINGS: i32 = 6;

impl Search {
    /// Starts at `from`, goes up to `to`, and is content when the lowest rate
    /// that missed is at most `1 + precision` times the highest that held.
    pub(super) fn new(from: f64, to: f64, precision: f64) -> Self {
        Self {
            from,
            to,
            precision,
            held: None,
            missed: None,
            doubtful: None,
        }
    }

    /// The rate to try, and why; `None` when there is nothing more to learn.
    pub(super) fn next(&self) -> Option<(f64, Why)> {
        if let Some(rate) = self.doubtful {
            return Some((rate, Why::Again));
        }
        match (self.held, self.missed) {
            (None, None) => Some((self.from.min(self.to), Why::Ramp)),
            (Some(held), None) if held < self.to => Some(((held * 2.0).min(self.to), Why::Ramp)),
            (Some(_), None) => None,
            (None, Some(missed)) => {
                let lower = round(missed / 2.0);
                let floor = self.from / f64::from(1 << HALVINGS);
                (lower >= floor).then_some((lower, Why::Ramp))
            }
            (Some(held), Some(missed)) => {
                let middle = round((held * missed).sqrt());
                let narrow = missed <= held * (1.0 + self.precision);
                let between = middle > held && middle < missed;
                (!narrow && between).then_some((middle, Why::Bisect))
            }
        }
    }

    /// Takes in what came of the rate that was last asked for.
    pub(super) fn note(&mut self, rate: f64, outcome: Outcome) {
        let again = self.doubtful.take().is_some();
        match outcome {
            Outcome::Held => self.held = Some(self.held.map_or(rate, |held| held.max(rate))),
            Outcome::Missed if !again => self.doubtful = Some(rate),
            Outcome::Missed | Outcome::MissedByFar => {
                self.missed = Some(self.missed.map_or(rate, |missed| missed.min(rate)));
            }
        }
    }

    /// How many steps there will be about, for a display: those of the bracket,
    /// once there is one.
    pub(super) fn left(&self) -> Option<u32> {
        let (held, missed) = (self.held?, self.missed?);
        let halvings = ((missed / held).ln() / self.precision.ln_1p()).log2();
        Some(halvings.ceil().max(0.0) as u32)
    }
}

/// Three digits: rates are read by people, too.
fn round(rate: f64) -> f64 {
    let scale = 10f64.powf(rate.abs().max(1e-9).log10().floor() - 2.0);
    // Dividing by a whole power of ten is exact where multiplying by 0.1 is not.
    if scale < 1.0 {
        let whole = (1.0 / scale).round();
        (rate * whole).round() / whole
    } else {
        (rate / scale).round() * scale.round()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs a search against a service that holds up to `limit`.
    fn search(from: f64, to: f64, precision: f64, limit: f64) -> (Search, Vec<f64>) {
        let mut search = Search::new(from, to, precision);
        let mut tried = Vec::new();
        while let Some((rate, _)) = search.next() {
            assert!(tried.len() < 200, "no end: {tried:?}");
            tried.push(rate);
            let outcome = match rate {
                rate if rate <= limit => Outcome::Held,
                rate if rate <= limit * 1.2 => Outcome::Missed,
                _ => Outcome::MissedByFar,
            };
            search.note(rate, outcome);
        }
        (search, tried)
    }

    #[test]
    fn a_search_doubles_and_then_halves_the_bracket() {
        let (search, tried) = search(1_000.0, 1e6, 0.05, 5_000.0);
        assert_eq!(tried[..4], [1_000.0, 2_000.0, 4_000.0, 8_000.0]);
        // 5,660 and 5,190 miss narrowly, and are tried twice.
        assert_eq!(
            tried[4..],
            [5_660.0, 5_660.0, 4_760.0, 5_190.0, 5_190.0, 4_970.0]
        );
        assert_eq!((search.held, search.missed), (Some(4_970.0), Some(5_190.0)));
    }

    #[test]
    fn a_narrow_miss_is_tried_again_and_may_hold_then() {
        let mut search = Search::new(1_000.0, 4_000.0, 0.05);
        search.note(1_000.0, Outcome::Missed);
        assert_eq!(search.next(), Some((1_000.0, Why::Again)));
        search.note(1_000.0, Outcome::Held);
        assert_eq!(search.next(), Some((2_000.0, Why::Ramp)));
    }

    #[test]
    fn where_nothing_holds_the_search_goes_down_and_ends() {
        let (search, tried) = search(1_000.0, 1e6, 0.05, 0.0);
        assert_eq!(search.held, None);
        assert_eq!(tried.len(), 7, "{tried:?}");
    }

    #[test]
    fn where_everything_holds_it_ends_at_the_highest() {
        let (search, tried) = search(1_000.0, 3_000.0, 0.05, 1e9);
        assert_eq!(tried, [1_000.0, 2_000.0, 3_000.0]);
        assert_eq!((search.held, search.missed), (Some(3_000.0), None));
    }

    proptest! {
        #[test]
        fn the_bracket_holds_the_limit_and_is_as_narrow_as_asked(
            from in 1.0..1e5f64, limit in 1.0..1e6f64, precision in 0.02..0.5f64,
        ) {
            let (search, tried) = search(from, 1e7, precision, limit);
            prop_assert!(tried.len() < 60, "{tried:?}");
            if let (Some(held), Some(missed)) = (search.held, search.missed) {
                prop_assert!(held <= limit && limit < missed);
                // Three digits are what rates are rounded to.
                prop_assert!(missed / held <= 1.0 + precision.max(0.02));
            } else {
                prop_assert!(limit < from / 30.0, "{search:?}");
            }
        }
    }
}
