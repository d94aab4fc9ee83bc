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

    /// The fleet's number of the part's device `index`.
    fn number(self, index: u32) -> u32 {
        index * self.of + self.index
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
    partition: Partition,
    /// By number; those that never send have their place too.
    devices: Vec<Option<Device>>,
    queue: Wheel,
}

impl Fleet {
    /// Bytes of memory that a fleet of this many devices takes, measuring not included.
    #[must_use]
    pub fn bytes(devices: u32) -> u64 {
        let each = size_of::<Option<Device>>() + super::wheel::BYTES_EACH;
        u64::from(devices) * each as u64
    }

    /// The part of `workload`'s fleet that `partition` names, starting at
    /// `start_us`, microseconds since the Unix epoch.
    #[must_use]
    pub fn new(workload: &Workload, partition: Partition, start_us: u64) -> Self {
        let plan = Arc::clone(workload.plan());
        let partition = Partition {
            of: partition.of.max(1),
            ..partition
        };
        let size = partition.size(workload.devices());
        let mut devices = Vec::with_capacity(size as usize);
        let mut queue = Wheel::new(size as usize, start_us);
        for index in 0..size {
            let mut device = Device::new(&plan, partition.number(index));
            if let Some(device) = &mut device {
                queue.put(index, device.due_us(&plan, start_us, None));
            }
            devices.push(device);
        }
        Self {
            plan,
            start_us,
            partition,
            devices,
            queue,
        }
    }

    /// How many devices of this part ever send.
    #[must_use]
    pub fn senders(&self) -> usize {
        self.devices.iter().flatten().count()
    }

    /// Who is due first, and when.
    ///
    /// Devices fill more than the processor's caches, and are due in no order
    /// of memory: waiting for each would cost more than its physiology. So those
    /// that come next are read together, where the processor waits for many at
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
        let first @ (due_us, index) = self.first().filter(|(due_us, _)| *due_us <= until_us)?;
        let number = self.partition.number(index);
        self.queue.take(first);
        let device = self.devices[index as usize].as_mut()?;
        let reading = device.reading(&self.plan, number, self.start_us, due_us);
        if device.look_ahead(&self.plan, 1.0) {
            let next_us = device.due_us(&self.plan, self.start_us, Some(due_us));
            self.queue.put(index, next_us);
        }
        Some(reading)
    }
}
