//! One reading of one wearable, and the id that follows it through the pipeline.

/// What measuring needs to know of a reading; it travels in the item itself,
/// so that any worker can measure any record without looking anything up.
///
/// Written as `<seconds>.<micros>-<device>-<sequence>` in the post's layout's
/// `id` attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadingId {
    /// When the reading was due to be sent: microseconds since the Unix epoch.
    pub intended_us: u64,
    /// The device's index in the fleet, from 0.
    pub device: u32,
    /// The reading's number within its device, from 0, without gaps.
    pub sequence: u32,
}

/// What the wearer was doing, as far as the device reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Motion {
    /// Asleep.
    Asleep,
    /// Awake, sedentary or light.
    Sedentary,
    /// Moderate or vigorous activity, or a workout.
    Active,
}

/// The kind of wearable; decides when it samples and what it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceClass {
    /// Fitbit-like: ticks every 5 s, reports on change.
    Fitbit,
    /// Apple-like: every 3 to 7 minutes, 5 s in a workout.
    Apple,
    /// Garmin-like: smart recording.
    Garmin,
    /// Chest strap: every second, in sessions only.
    Strap,
}

/// One heart-rate reading, ready to be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    /// Identity and intended start.
    pub id: ReadingId,
    /// When the heart rate was observed: microseconds since the Unix epoch.
    /// Earlier than `id.intended_us` where the device buffers.
    pub observed_us: u64,
    /// Beats per minute, 35 to 215.
    pub bpm: u8,
    /// The number written as `SensorID`: the device's, unless the profile
    /// folds the fleet onto fewer sensors.
    pub sensor: u32,
    /// What the wearer was doing.
    pub motion: Motion,
    /// The kind of wearable.
    pub class: DeviceClass,
}

/// Where readings come from, in the order in which they are due.
///
/// `load` sends from any source; [`super::Fleet`] is the one of a run.
pub trait Source {
    /// When the next reading is due (microseconds since the Unix epoch);
    /// `None` when there will be no more.
    fn next_due_us(&mut self) -> Option<u64>;

    /// The next reading, if it is due at or before `until_us`.
    fn next_until(&mut self, until_us: u64) -> Option<Reading>;
}
