//! The columns of the table of samples, by name.

pub(super) const DEVICE: &str = "device";
pub(super) const BPM: &str = "bpm";
/// When the reading was taken, by its item.
pub(super) const OBSERVED: &str = "observed";
/// When it was due to be sent; null where hrload did not write it.
pub(super) const INTENDED: &str = "intended";
/// When its item was written, by the change record.
pub(super) const CREATED: &str = "created";
/// When its object was: since then it can be queried.
pub(super) const WRITTEN: &str = "written";
/// The hour that its object's name begins with.
pub(super) const HOUR: &str = "hour";
/// The name of its object.
pub(super) const OBJECT: &str = "object";
