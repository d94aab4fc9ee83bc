//! Heart-rate zones.

/// A heart-rate zone: shares of the highest heart rate that a person is taken
/// to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    /// What it is called.
    pub name: &'static str,
    /// From so many percent of the highest, up to the next zone.
    pub from_percent: u32,
}

/// The usual five, and what lies below. Target heart rates are shares of 220
/// less a person's age
/// (<https://www.heart.org/en/healthy-living/fitness/fitness-basics/target-heart-rates>).
pub const ZONES: [Zone; 6] = [
    zone("rest", 0),
    zone("very light", 50),
    zone("light", 60),
    zone("moderate", 70),
    zone("hard", 80),
    zone("maximum", 90),
];

const fn zone(name: &'static str, from_percent: u32) -> Zone {
    Zone { name, from_percent }
}

/// 220 less an age of 40: items do not say how old their wearer is.
pub const HIGHEST_OF_FORTY: f64 = 180.0;
