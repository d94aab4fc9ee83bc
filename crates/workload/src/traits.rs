//! Who wears a device: what is drawn once and stays.

use super::rng::SplitMix64;

/// The wearer's sex, as the resting heart rate depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sex {
    /// Male.
    Male,
    /// Female.
    Female,
}

/// A wearer's constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traits {
    /// Sex; half and half (assumed).
    pub sex: Sex,
    /// Age in years, 20 to 84.
    pub age_years: f32,
    /// Resting heart rate in beats per minute, 40 to 109.
    pub resting_bpm: f32,
    /// The highest heart rate the wearer reaches, 140 to 215 beats per minute.
    pub max_bpm: u8,
    /// Time constant of the heart's answer to effort, 15 to 150 seconds.
    pub response_s: u8,
    /// Half the daily swing of the heart rate, in 1/16 beats per minute.
    pub(crate) swing_16ths: u8,
    /// Minute of the day at which the daily swing peaks.
    pub(crate) swing_peak_min: u16,
    /// Minute of the day at which the wearer falls asleep.
    pub(crate) asleep_min: u16,
    /// Minute of the day at which the wearer wakes.
    pub(crate) awake_min: u16,
}

/// Mean resting heart rate by decade of age, 20s to 80s, men and women: means
/// over wearables' users,
/// <https://gadgetsandwearables.com/2018/02/15/fitbit-resting-heart-rate>.
pub const RESTING_BPM_MALE: [f32; 7] = [62.2, 63.7, 64.6, 64.1, 62.5, 60.7, 59.7];
/// See [`RESTING_BPM_MALE`].
pub const RESTING_BPM_FEMALE: [f32; 7] = [66.6, 67.0, 67.4, 66.3, 65.3, 64.3, 63.0];

/// Between the 6.9 (asleep) and 9.8 (seated) of the Fenland study,
/// <https://doi.org/10.1101/2020.07.01.20144154>.
const RESTING_SD_BPM: f32 = 7.7;

/// The range of daily resting rates in Quer 2020 (92,457 people),
/// <https://doi.org/10.1371/journal.pone.0227709>.
const RESTING_RANGE_BPM: (f32, f32) = (40.0, 109.0);

/// Spread of either end of sleep about the chronotype. Assumed; at a quarter of
/// this, with hardly anyone awake before five, an hour in the night (02 to
/// 05 h) holds less than half of the variation that volunteers' data have.
const SLEEP_EDGE_SD_MIN: f32 = 72.0;

impl Traits {
    /// Draws one wearer whose usual hours of sleep are `sleep_min` (minutes
    /// of the day) and whose resting rate is shifted by `shift_bpm`.
    pub(crate) fn draw(rng: &mut SplitMix64, sleep_min: (u16, u16), shift_bpm: f32) -> Self {
        let sex = if rng.bits() & 1 == 0 {
            Sex::Male
        } else {
            Sex::Female
        };
        let age_years = age_years(rng);

        let decade = ((age_years - 20.0) / 10.0) as usize;
        let mean = match sex {
            Sex::Male => RESTING_BPM_MALE[decade],
            Sex::Female => RESTING_BPM_FEMALE[decade],
        };
        let resting_bpm = (rng.log_normal_of_mean(mean, RESTING_SD_BPM) + shift_bpm)
            .clamp(RESTING_RANGE_BPM.0, RESTING_RANGE_BPM.1);

        // Tanaka 2001, <https://doi.org/10.1016/S0735-1097(00)01054-8>; the
        // spread about it after Robergs and Landwehr 2002.
        let max_bpm = (208.0 - 0.7 * age_years + 7.0 * rng.normal()).clamp(140.0, 215.0);

        // 57.6 +- 23.6 s, the same for rise and fall:
        // <https://doi.org/10.1186/s12938-015-0112-7>.
        let response_s = rng.log_normal_of_mean(57.6, 23.6).clamp(15.0, 150.0);

        // Swing 2.5 +- 1 beats, fitted; peak 16:15 shifted by the chronotype
        // (Natarajan 2025, <https://doi.org/10.1080/07420528.2024.2446622>).
        let swing = (2.5 + rng.normal()).max(0.0);
        let chronotype_min = 0.9 * 60.0 * rng.normal();
        let swing_peak = 16.25 * 60.0 + chronotype_min;
        let mut sleep_edge =
            |mean: u16| f32::from(mean) + chronotype_min + SLEEP_EDGE_SD_MIN * rng.normal();
        let asleep = sleep_edge(sleep_min.0);
        let awake = sleep_edge(sleep_min.1);

        Self {
            sex,
            age_years,
            resting_bpm,
            max_bpm: max_bpm.round() as u8,
            response_s: response_s.round() as u8,
            swing_16ths: (swing * 16.0).round() as u8,
            swing_peak_min: minute_of_day(swing_peak),
            asleep_min: minute_of_day(asleep),
            awake_min: minute_of_day(awake),
        }
    }
}

/// Shares of the wearers by decade of age, 20s to 80s (to 84). Assumed: young
/// but for the mean resting rates, which by these shares add up to the 63.5
/// (men) and 66.6 (women) published with [`RESTING_BPM_MALE`], and for the time
/// people spend above half of their highest rate.
const AGES: [f64; 7] = [0.13, 0.22, 0.22, 0.19, 0.14, 0.08, 0.02];

fn age_years(rng: &mut SplitMix64) -> f32 {
    let mut pick = rng.unit();
    let mut decade = 0;
    while decade < 6 && pick >= AGES[decade] {
        pick -= AGES[decade];
        decade += 1;
    }
    let span = if decade == 6 { 5.0 } else { 10.0 };
    20.0 + 10.0 * decade as f32 + span * (pick / AGES[decade]).min(0.999) as f32
}

fn minute_of_day(minute: f32) -> u16 {
    minute.rem_euclid(1440.0) as u16 % 1440
}
