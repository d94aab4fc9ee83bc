//! The fleet, or one worker's part of it: devices and the queue of who is due.

use std::hint::black_box;
use std::sync::Arc;

use super::Workload;
use super::device::Device;
use super::plan::Plan;
use super::reading::{Reading, Source};
use super::wheel::Wheel;

/// One part of a fleet: the devices whose number leaves `index` when divided
/// by `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Which part, from 0 to `of - 1`.
    pub index: u32,
    /// Into how many parts the fleet is divided, at least 1.
    pub of: u32,
}

impl Partition {
    /// The whole fleet.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// How many of `devices` are in this part.
    #[must_use]
    pub fn size(self, devices: u32) -> u32 {
        let of = self.of.max(1);
        devices / of + u32::from(self.index < devices % of)
    }
}

/// The devices of one [`Partition`], as a [`Source`] of readings.
///
/// Readings come ordered by intended start, then device. What a device sends
/// depends on the workload and its number only, never on the partition.
/// Allocates nothing once warm: a device's next reading replaces its last in
/// place.
#[derive(Clone, Debug)]
pub struct Fleet {
    plan: Arc<Plan>,
    start_us: u64,
    /// Those that ever send, by ascending number.
    devices: Vec<Device>,
    queue: Wheel,
}

impl Fleet {
    /// The part of `workload`'s fleet that `partition` names, starting at
    /// `start_us`, microseconds since the Unix epoch.
    #[must_use]
    pub fn new(workload: &Workload, partition: Partition, start_us: u64) -> Self {
        let plan = Arc::clone(workload.plan());
        let of = partition.of.max(1);
        let size = partition.size(workload.devices());
        let mut devices = Vec::with_capacity(size as usize);
        let mut numbers = Vec::with_capacity(size as usize);
        for number in (0..size).map(|index| index * of + partition.index) {
            if let Some(device) = Device::new(&plan, number) {
                devices.push(device);
                numbers.push(number);
            }
        }
        let mut queue = Wheel::new(numbers, start_us);
        for (index, device) in (0..).zip(&mut devices) {
            let due_us = device.due_us(&plan, start_us, None);
            queue.put(index, due_us);
        }
        Self {
            plan,
            start_us,
            devices,
            queue,
        }
    }

    /// How many devices of this part ever send.
    #[must_use]
    pub fn senders(&self) -> usize {
        self.devices.len()
    }

    /// Who is due first, and when.
    ///
    /// Devices fill more than the processor's caches, and are due in no order
    /// of memory: waiting for each would cost more than its physiology. So all
    /// that come near are read at once, where the processor waits for many at
    /// a time, and are at hand when they are due.
    #[inline]
    fn first(&mut self) -> Option<(u64, u32)> {
        let devices = &self.devices;
        self.queue.first(|index| {
            black_box(devices[index as usize].clone());
        })
    }
}

impl Source for Fleet {
    fn next_due_us(&mut self) -> Option<u64> {
        self.first().map(|(due_us, _)| due_us)
    }

    fn next_until(&mut self, until_us: u64) -> Option<Reading> {
        let (due_us, index) = self.first().filter(|(due_us, _)| *due_us <= until_us)?;
        let number = self.queue.number(index);
        let device = &mut self.devices[index as usize];
        let reading = device.reading(&self.plan, number, self.start_us, due_us);
        self.queue.take_first();
        if device.look_ahead(&self.plan, 1.0) {
            let next_us = device.due_us(&self.plan, self.start_us, Some(due_us));
            self.queue.put(index, next_us);
        }
        Some(reading)
    }
}
