//! The heart, as a wrist device sees it: one exact step for any time ahead.
//!
//! ```text
//! m  <- m + (1 - e^(-d/response)) (target + daily swing + day - m)
//! x1 <- r1 x1 + 4 v sqrt(1 - r1^2) c N(0,1)     r1 = e^(-d/43 s), asleep e^(-d/25 s)
//! x2 <- r2 x2 + 2.7 sqrt(1 - r2^2) N(0,1)       r2 = e^(-d/20 min), once a minute
//! y  <- y + (1 - 0.35^(d/5 s)) (m + x1 + x2 - y)
//! ```
//!
//! `c` makes one step in ten 6.5 times as large at unit variance overall. All
//! constants were fitted to second-by-second heart rates of volunteers wearing
//! a Fitbit (<https://zenodo.org/records/53894>, March to May 2016), the
//! sensor's own noise included. Each process is exact for any `d`, so sampling
//! sparsely gives the same heart, seen less often.

use super::reading::DeviceClass;
use super::rng::SplitMix64;
use super::traits::Traits;

const FAST_SD: f32 = 4.0;
const FAST_AWAKE_S: f32 = 43.0;
const FAST_ASLEEP_S: f32 = 25.0;
const SLOW_SD: f32 = 2.7;
const SLOW_S: f32 = 1_200.0;
const SLOW_ASLEEP_SCALE: f32 = 0.9;
const DAY_SD: f32 = 2.5;
const DAY_PHI: f32 = 0.5;
/// How long a device's error keeps its sign; assumed.
const ERROR_S: f32 = 60.0;

/// One step in ten is this much larger.
const TAIL_SCALE: f32 = 6.5;
const TAIL_SHARE: f32 = 0.1;

/// Responses are drawn in whole seconds from 15 to 150.
const RESPONSES: usize = 136;
const SHORTEST_RESPONSE_S: u8 = 15;

/// The constants of a step of one length.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    length_us: u64,
    blend: f32,
    /// Awake and asleep.
    fast: [Memory; 2],
    error: Memory,
}

/// What an AR(1) process keeps, and the standard deviation of what it adds for
/// unit variance.
#[derive(Clone, Copy, Debug)]
struct Memory {
    keeps: f32,
    adds: f32,
}

impl Memory {
    fn over(step_s: f32, time_constant_s: f32) -> Self {
        let keeps = (-step_s / time_constant_s).exp();
        Self {
            keeps,
            adds: (1.0 - keeps * keeps).max(0.0).sqrt(),
        }
    }
}

impl Step {
    /// The constants of a step of `length_us`.
    pub(crate) fn new(length_us: u64) -> Self {
        let s = length_us as f32 * 1e-6;
        Self {
            length_us,
            blend: 1.0 - (0.35f32.ln() * s / 5.0).exp(),
            fast: [FAST_AWAKE_S, FAST_ASLEEP_S].map(|lasts_s| Memory::over(s, lasts_s)),
            error: Memory::over(s, ERROR_S),
        }
    }
}

/// A step of a regular length, with the answer to effort tabulated by the
/// wearer's time constant.
#[derive(Clone, Debug)]
pub(crate) struct RegularStep {
    step: Step,
    answers: [f32; RESPONSES],
}

impl RegularStep {
    pub(crate) fn new(length_us: u64) -> Self {
        let mut answers = [0.0; RESPONSES];
        for (i, answer) in answers.iter_mut().enumerate() {
            *answer = answer_to_effort(length_us, SHORTEST_RESPONSE_S + i as u8);
        }
        Self {
            step: Step::new(length_us),
            answers,
        }
    }

    pub(crate) fn length_us(&self) -> u64 {
        self.step.length_us
    }

    pub(crate) fn step(&self) -> &Step {
        &self.step
    }

    pub(crate) fn answer(&self, response_s: u8) -> f32 {
        self.answers[usize::from(response_s - SHORTEST_RESPONSE_S)]
    }
}

/// Share of the way to its target that the heart goes in `length_us`.
pub(crate) fn answer_to_effort(length_us: u64, response_s: u8) -> f32 {
    1.0 - (length_us as f32 * -1e-6 / f32::from(response_s)).exp()
}

/// The daily swing by minute from its peak.
#[derive(Clone, Debug)]
pub(crate) struct Swing(Box<[f32]>);

impl Swing {
    pub(crate) fn new() -> Self {
        let minute = |i: u16| (f32::from(i) / 1440.0 * std::f32::consts::TAU).cos();
        Self((0..1440).map(minute).collect())
    }

    fn at(&self, minute: u32, peak_min: u16) -> f32 {
        self.0[((minute + 1440 - u32::from(peak_min)) % 1440) as usize]
    }
}

/// How far off a class of device is: the mean absolute error as a share of the
/// heart rate. None for Fitbit-like devices, whose error is in the fitted
/// noise, nor for straps. Apple: <https://doi.org/10.3390/jpm7020003>; Garmin:
/// <https://www.ncbi.nlm.nih.gov/pmc/articles/PMC7218601/> and Bent 2020,
/// <https://doi.org/10.1038/s41746-020-0226-6>.
pub(crate) fn mean_error_share(class: DeviceClass) -> f32 {
    match class {
        DeviceClass::Fitbit | DeviceClass::Strap => 0.0,
        DeviceClass::Apple => 0.020,
        DeviceClass::Garmin => 0.042,
    }
}

/// Devices err more when the wearer moves.
const ERROR_ACTIVE_SCALE: f32 = 1.3;

/// One wearer's heart.
#[derive(Clone, Debug)]
pub(crate) struct Heart {
    pub(crate) mean: f32,
    fast: f32,
    slow: f32,
    /// The smoothed rate the device computes.
    pub(crate) smoothed: f32,
    error: f32,
    target: f32,
    day: f32,
    /// Daily swing and day together; refreshed once a minute.
    offset: f32,
    pub(crate) resting: f32,
    pub(crate) max: u8,
    response_s: u8,
    swing_16ths: u8,
    shown: u8,
}

impl Heart {
    /// A heart met at effort `effort`, long after its last change.
    pub(crate) fn met(traits: &Traits, effort: f32, fast_scale: f32, rng: &mut SplitMix64) -> Self {
        let mut heart = Self {
            mean: 0.0,
            fast: FAST_SD * fast_scale * rng.normal(),
            slow: SLOW_SD * rng.normal(),
            smoothed: 0.0,
            error: rng.normal(),
            target: 0.0,
            day: DAY_SD * rng.normal(),
            offset: 0.0,
            resting: traits.resting_bpm,
            max: traits.max_bpm,
            response_s: traits.response_s,
            swing_16ths: traits.swing_16ths,
            shown: 0,
        };
        heart.aim(effort);
        heart
    }

    /// The heart has long arrived where effort, day and daily swing ask it to
    /// be.
    pub(crate) fn settle(&mut self, traits: &Traits, minute_of_day: u32, swing: &Swing) {
        self.offset = self.day + self.swing_bpm(minute_of_day, traits.swing_peak_min, swing);
        self.mean = self.target + self.offset;
        self.smoothed = self.mean + self.fast + self.slow;
        self.shown = self.rounded();
    }

    fn swing_bpm(&self, minute_of_day: u32, peak_min: u16, swing: &Swing) -> f32 {
        f32::from(self.swing_16ths) / 16.0 * swing.at(minute_of_day, peak_min)
    }

    /// The wearer now asks for `effort`, a share of the reserve.
    pub(crate) fn aim(&mut self, effort: f32) {
        self.target = self.resting + effort * (f32::from(self.max) - self.resting);
    }

    pub(crate) fn response_s(&self) -> u8 {
        self.response_s
    }

    /// Resting and highest rate.
    pub(crate) fn range(&self) -> (f32, f32) {
        (self.resting, f32::from(self.max))
    }

    /// A new day: its offset remembers half of yesterday's.
    pub(crate) fn new_day(&mut self, rng: &mut SplitMix64) {
        let adds = DAY_SD * (1.0 - DAY_PHI * DAY_PHI).sqrt();
        self.day = DAY_PHI * self.day + adds * rng.normal();
    }

    /// `minutes` went by since the last call: the slow variation moves on and
    /// the daily swing is read at `minute_of_day`.
    pub(crate) fn refresh(
        &mut self,
        minutes: u64,
        minute_of_day: u32,
        peak_min: u16,
        asleep: bool,
        swing: &Swing,
        rng: &mut SplitMix64,
    ) {
        // e^(-60 s / 1200 s), and what it leaves to add for unit variance.
        const EACH_MINUTE: Memory = Memory {
            keeps: 0.951_229_4,
            adds: 0.308_484_3,
        };
        let memory = if minutes == 1 {
            EACH_MINUTE
        } else {
            Memory::over(minutes as f32 * 60.0, SLOW_S)
        };
        let sd = if asleep {
            SLOW_SD * SLOW_ASLEEP_SCALE
        } else {
            SLOW_SD
        };
        self.slow = memory.keeps * self.slow + sd * memory.adds * rng.normal();
        self.offset = self.day + self.swing_bpm(minute_of_day, peak_min, swing);
    }

    /// Moves the mean `answer` of the way to what the wearer asks for.
    #[inline]
    pub(crate) fn follow(&mut self, answer: f32) {
        self.mean += answer * (self.target + self.offset - self.mean);
    }

    /// Moves everything but the mean one step on, and returns random bits
    /// left over (the low 32).
    #[inline]
    pub(crate) fn vary(
        &mut self,
        step: &Step,
        fast_scale: f32,
        asleep: bool,
        rng: &mut SplitMix64,
    ) -> u32 {
        // What varies at random is looked up, not branched on.
        let fast = step.fast[usize::from(asleep)];
        let bits = rng.bits();
        // Unit variance: 0.9 k^2 + 0.1 (6.5 k)^2 = 1.
        const USUAL: f32 = 0.441_726_1;
        let tail = ((bits >> 32) as u32) < (TAIL_SHARE * 4_294_967_296.0) as u32;
        let scale = [USUAL, USUAL * TAIL_SCALE][usize::from(tail)];
        self.fast =
            fast.keeps * self.fast + FAST_SD * fast_scale * fast.adds * scale * rng.normal();
        self.smoothed += step.blend * (self.mean + self.fast + self.slow - self.smoothed);
        bits as u32
    }

    /// Moves the device's own error on; only classes that have one pay for it.
    #[inline]
    pub(crate) fn err(&mut self, step: &Step, rng: &mut SplitMix64) {
        self.error = step.error.keeps * self.error + step.error.adds * rng.normal();
    }

    /// What a device of `class` shows: it sticks to the last value while the
    /// smoothed rate stays within `hysteresis` of it.
    #[inline]
    pub(crate) fn shown(&mut self, class: DeviceClass, active: bool) -> u8 {
        let hysteresis = if class == DeviceClass::Fitbit {
            0.83
        } else {
            0.5
        };
        // Both sides computed: which it will be, no branch predictor can tell.
        let (old, new) = (self.shown, self.rounded());
        let moved = (self.smoothed - f32::from(old)).abs() >= hysteresis;
        self.shown = if moved { new } else { old };
        let share = mean_error_share(class);
        if share == 0.0 {
            return self.shown;
        }
        // A normal error of standard deviation s is sqrt(2/pi) s off on average.
        const SD_OF_MEAN_ERROR: f32 = 1.253_314_1;
        let scale = if active { ERROR_ACTIVE_SCALE } else { 1.0 };
        let bpm = f32::from(self.shown) * (1.0 + share * scale * SD_OF_MEAN_ERROR * self.error);
        whole(bpm.clamp(35.0, f32::from(self.max)))
    }

    fn rounded(&self) -> u8 {
        whole(self.smoothed.clamp(35.0, f32::from(self.max)))
    }
}

/// The nearest whole number of a `bpm` from 0 to 255: what is added leaves no
/// room for fractions in a single's 24 bits. The library's `round` is a call on
/// processors without SSE 4.1, which is what we build for.
fn whole(bpm: f32) -> u8 {
    const NO_FRACTIONS: f32 = (1u32 << 23) as f32;
    (bpm + NO_FRACTIONS).to_bits() as u8
}
