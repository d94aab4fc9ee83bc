//! Which way to take, and why.

/// A reading may be delayed, once in so many, before a way counts as too small.
const DELAYED_AT_MOST: f64 = 0.001;

/// A way, by what speaks for it and against it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) usd: f64,
    pub(super) delayed_share: f64,
    pub(super) delayed: u64,
    /// Never came through.
    pub(super) left: u64,
    /// Has room for a quarter more than the busiest second that is expected.
    pub(super) roomy: bool,
}

impl Way {
    fn holds(&self) -> bool {
        self.roomy && self.delayed_share <= DELAYED_AT_MOST && self.left == 0
    }
}

/// The cheapest way that has headroom and delays next to nothing; else the one
/// that delays least. `what` is delayed: `readings`.
pub(super) fn choose(ways: &[Way], what: &str) -> (usize, String) {
    let all = || ways.iter().enumerate();
    let fit = all()
        .filter(|(_, way)| way.holds())
        .min_by(|a, b| a.1.usd.total_cmp(&b.1.usd));
    if let Some((at, way)) = fit {
        let cheaper = ways.iter().filter(|other| other.usd < way.usd).count();
        let holds = format!("has a quarter of headroom and delays at most 0.1 % of {what}");
        let reason = match cheaper {
            0 => format!("the cheapest of all {}: it {holds}", ways.len()),
            1 => format!("the cheapest that {holds}; one cheaper does not"),
            n => format!("the cheapest that {holds}; {n} cheaper do not"),
        };
        return (at, reason);
    }
    let least = all().min_by(|(_, a), (_, b)| {
        let late = |way: &Way| (way.left, way.delayed);
        late(a).cmp(&late(b)).then(a.usd.total_cmp(&b.usd))
    });
    let at = least.map_or(0, |(at, _)| at);
    let alike = |way: &&Way| (way.left, way.delayed) == (ways[at].left, ways[at].delayed);
    let reason = match ways.iter().filter(alike).count() {
        0 | 1 => format!("none holds the peak: this one delays the fewest {what}"),
        n => format!("none holds the peak: the cheapest of {n} that delay the fewest {what}"),
    };
    (at, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_that_holds_is_taken_and_says_what_it_is_compared_with() {
        let way = |usd, delayed, left| Way {
            usd,
            delayed_share: delayed as f64 / 10_000.0,
            delayed,
            left,
            roomy: true,
        };
        let tight = Way {
            roomy: false,
            ..way(1.0, 0, 0)
        };
        for (ways, expected, says) in [
            (
                &[way(1.0, 0, 0), way(2.0, 0, 0)][..],
                0,
                "cheapest of all 2",
            ),
            (
                &[way(1.0, 11, 0), way(2.0, 10, 0)],
                1,
                "one cheaper does not",
            ),
            (
                &[way(1.0, 99, 0), way(2.0, 5, 1), way(3.0, 0, 0)],
                2,
                "2 cheaper do not",
            ),
            (&[way(1.0, 99, 9), way(2.0, 500, 0)], 1, "none holds"),
            (
                &[way(9.0, 99, 0), way(1.0, 99, 0), way(0.5, 100, 0)],
                1,
                "the cheapest of 2 that delay the fewest readings",
            ),
            (&[tight, way(2.0, 0, 0)], 1, "one cheaper does not"),
        ] {
            let (taken, reason) = choose(ways, "readings");
            assert_eq!(taken, expected, "{reason}");
            assert!(reason.contains(says), "{reason}");
        }
    }
}
