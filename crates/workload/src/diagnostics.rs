//! A look inside one device, for checking the model against data: the same
//! code that makes a fleet's readings, with what caused them beside.

use std::sync::Arc;

use super::Workload;
use super::activity::Activity;
use super::calendar::{RUN_STARTS_US, SECOND_US};
use super::device::Device;
use super::plan::Plan;
use super::reading::DeviceClass;
use super::traits::Traits;

/// The constants of the wearer of device number `device`.
#[must_use]
pub fn traits(workload: &Workload, device: u32) -> Traits {
    Device::traits(workload.plan(), device)
}

/// The class of device number `device`; `None` for a silent member.
#[must_use]
pub fn class(workload: &Workload, device: u32) -> Option<DeviceClass> {
    workload.plan().class(device)
}

/// One reading and what caused it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// Simulated seconds since the start of the run; negative for what was
    /// buffered before it.
    pub at_s: f64,
    /// Seconds since the wearer's midnight.
    pub time_of_day_s: u32,
    /// What the device reported, beats per minute.
    pub bpm: u8,
    /// What the wearer was doing.
    pub activity: Activity,
    /// The heart rate without its fast and slow variation, beats per minute.
    pub mean_bpm: f32,
    /// Whether the device took the wearer's cadence for the heart rate.
    pub locked: bool,
}

/// The readings of one device of a workload's fleet, in the order in which
/// they are observed. Endless, but for devices that never send.
#[derive(Clone, Debug)]
pub struct Observations {
    plan: Arc<Plan>,
    device: Option<Device>,
}

/// The readings of device number `device`, exactly those of the fleet.
#[must_use]
pub fn observe(workload: &Workload, device: u32) -> Observations {
    Observations {
        plan: Arc::clone(workload.plan()),
        device: Device::new(workload.plan(), device),
    }
}

impl Observations {
    /// Whether the device sends anything more.
    #[must_use]
    pub fn sends(&self) -> bool {
        self.device.is_some()
    }
}

impl Iterator for Observations {
    type Item = Observation;

    fn next(&mut self) -> Option<Observation> {
        let device = self.device.as_mut()?;
        let (heart, bout) = device.view();
        let at_us = device.at_us();
        let at_s = (at_us / SECOND_US) as u32;
        let observation = Observation {
            at_s: (at_us as f64 - RUN_STARTS_US as f64) * 1e-6,
            time_of_day_s: self.plan.calendar.time_of_day_s(at_s, bout.zone),
            bpm: device.bpm(),
            activity: bout.activity,
            mean_bpm: heart.mean,
            locked: device.is_locked(),
        };
        if !device.look_ahead(&self.plan, 1.0) {
            self.device = None;
        }
        Some(observation)
    }
}
