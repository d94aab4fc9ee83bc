//! Item layouts: which attributes a reading becomes.

use super::constant::constant;
use super::name::name;
use super::text::{Instant, Integer, Numbered, ReportTime, Text};
use super::{Constant, Name};
use hrload_capacity::size::{FLAG_BYTES, container_bytes, integer_bytes};
use hrload_workload::{DeviceClass, Motion, Reading};

/// Key of the post's and FHIR layouts: the reading's id.
pub(super) const ID: Name = name!("id");
/// Partition key of the time-series layout: [`DEVICE_PREFIX`] and the device's index.
pub(super) const DEVICE: Name = name!("device");
/// What a device's index is written after.
pub(super) const DEVICE_PREFIX: &str = "d-";
/// Sort key of the time-series layout: the intended time in microseconds.
pub(super) const INTENDED: Name = name!("intended");
/// The reading's number within its device. Not `sequence`, which DynamoDB
/// reserves in expressions.
pub(super) const SEQUENCE: Name = name!("seq");

/// How a reading is laid out as an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// The blog post's four strings: `id`, `HeartRate`, `SensorID`, `ReportTime`.
    Post,
    /// Device as partition key, time as sort key, numbers as numbers.
    TimeSeries,
    /// A FHIR Observation (vital-signs, LOINC 8867-4), keyed by `id`.
    Fhir,
}

/// A layout's key attributes: name and type (`S` or `N`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySchema {
    /// Partition key.
    pub partition: (&'static str, &'static str),
    /// Sort key, where the layout has one.
    pub sort: Option<(&'static str, &'static str)>,
}

/// Receives the attributes of one item, in order. The JSON encoder, the SDK's
/// attribute maps and the size rule are all sinks, so that a layout is
/// described once.
pub trait ItemSink {
    /// A string attribute.
    fn string(&mut self, name: Name, value: impl Text);
    /// A number attribute.
    fn number(&mut self, name: Name, value: u64);
    /// A Boolean attribute.
    fn boolean(&mut self, name: Name, value: bool);
    /// Starts a map; its entries follow until [`ItemSink::end`].
    fn map(&mut self, name: Name);
    /// Starts a list; its elements follow, nameless, until [`ItemSink::end`].
    fn list(&mut self, name: Name);
    /// Ends the innermost map or list.
    fn end(&mut self);
    /// An attribute that is the same in every item. Unless the sink has a quicker
    /// way, it hears of the parts.
    #[inline(always)]
    fn constant(&mut self, constant: &'static Constant)
    where
        Self: Sized,
    {
        constant.describe(self);
    }
}

impl Layout {
    /// Its name in options, files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Layout::Post => "post",
            Layout::TimeSeries => "timeseries",
            Layout::Fhir => "fhir",
        }
    }

    /// The layout's key attributes.
    #[must_use]
    pub fn key_schema(self) -> KeySchema {
        match self {
            Layout::Post | Layout::Fhir => KeySchema {
                partition: (ID.text, "S"),
                sort: None,
            },
            Layout::TimeSeries => KeySchema {
                partition: (DEVICE.text, "S"),
                sort: Some((INTENDED.text, "N")),
            },
        }
    }

    /// Tells `sink` the item that `reading` becomes. Allocates and formats
    /// nothing: that is left to the sink.
    #[inline(always)]
    pub fn describe(self, reading: &Reading, sink: &mut impl ItemSink) {
        match self {
            Layout::Post => describe_post(reading, sink),
            Layout::TimeSeries => describe_time_series(reading, sink),
            Layout::Fhir => describe_fhir(reading, sink),
        }
    }

    /// Tells `sink` the key attributes of that item alone.
    pub fn describe_key(self, reading: &Reading, sink: &mut impl ItemSink) {
        let schema = self.key_schema();
        let names = [Some(schema.partition.0), schema.sort.map(|(name, _)| name)];
        self.describe(reading, &mut KeyAttributes { sink, names });
    }

    /// The size of the key attributes in bytes, by the same rule as
    /// [`Layout::item_bytes`].
    #[must_use]
    pub fn key_bytes(self, reading: &Reading) -> usize {
        let mut size = ItemSize::default();
        self.describe_key(reading, &mut size);
        size.bytes
    }

    /// The item's size in bytes by DynamoDB's rule (see [`hrload_capacity::size`]).
    #[must_use]
    pub fn item_bytes(self, reading: &Reading) -> usize {
        let mut size = ItemSize::default();
        self.describe(reading, &mut size);
        size.bytes
    }
}

/// The blog post's four strings.
#[inline(always)]
fn describe_post(reading: &Reading, sink: &mut impl ItemSink) {
    sink.string(ID, reading.id);
    sink.string(name!("HeartRate"), Integer(u64::from(reading.bpm)));
    sink.string(name!("SensorID"), Integer(u64::from(reading.sensor)));
    sink.string(name!("ReportTime"), ReportTime(reading.observed_us));
}

#[inline(always)]
fn describe_time_series(reading: &Reading, sink: &mut impl ItemSink) {
    sink.string(DEVICE, Numbered(DEVICE_PREFIX, reading.id.device));
    sink.number(INTENDED, reading.id.intended_us);
    sink.number(SEQUENCE, u64::from(reading.id.sequence));
    sink.number(name!("observed"), reading.observed_us);
    sink.number(name!("bpm"), u64::from(reading.bpm));
    sink.constant(constant!("unit": "/min"));
    sink.constant(constant!("loinc": "8867-4"));
    sink.number(name!("sensor"), u64::from(reading.sensor));
    sink.string(name!("sensorLocation"), sensor_location(reading.class));
    sink.string(name!("motionContext"), motion_context(reading.motion));
}

/// An Observation of FHIR R4 (<https://hl7.org/fhir/R4/observation.html>). A
/// device stands for its wearer, so the subject is numbered like the device. Most
/// of it is the same in every item.
#[inline(never)]
fn describe_fhir(reading: &Reading, sink: &mut impl ItemSink) {
    sink.string(ID, reading.id);
    sink.constant(constant!("resourceType": "Observation"));
    sink.constant(constant!("status": "final"));
    sink.constant(constant!("category": [{"coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
        "code": "vital-signs",
        "display": "Vital Signs"
    }]}]));
    // LOINC's code for heart rate (https://loinc.org/8867-4).
    sink.constant(constant!("code": {"coding": [{
        "system": "http://loinc.org",
        "code": "8867-4",
        "display": "Heart rate"
    }]}));

    sink.map(name!("subject"));
    sink.string(
        name!("reference"),
        Numbered("Patient/p-", reading.id.device),
    );
    sink.end();

    sink.string(name!("effectiveDateTime"), Instant(reading.observed_us));

    // UCUM's "per minute" is what FHIR prescribes for heart rate
    // (https://hl7.org/fhir/R4/observation-vitalsigns.html).
    sink.map(name!("valueQuantity"));
    sink.number(name!("value"), u64::from(reading.bpm));
    sink.constant(constant!("unit": "beats/minute"));
    sink.constant(constant!("system": "http://unitsofmeasure.org"));
    sink.constant(constant!("code": "/min"));
    sink.end();

    sink.map(name!("device"));
    sink.string(name!("reference"), Numbered("Device/d-", reading.id.device));
    sink.end();
}

fn sensor_location(class: DeviceClass) -> &'static str {
    match class {
        DeviceClass::Fitbit | DeviceClass::Apple | DeviceClass::Garmin => "wrist",
        DeviceClass::Strap => "chest",
    }
}

fn motion_context(motion: Motion) -> &'static str {
    match motion {
        Motion::Asleep => "asleep",
        Motion::Sedentary => "sedentary",
        Motion::Active => "active",
    }
}

/// Passes on the attributes of these names; keys are texts and numbers.
struct KeyAttributes<'a, S> {
    sink: &'a mut S,
    names: [Option<&'static str>; 2],
}

impl<S: ItemSink> ItemSink for KeyAttributes<'_, S> {
    fn string(&mut self, name: Name, value: impl Text) {
        if self.names.contains(&Some(name.text)) {
            self.sink.string(name, value);
        }
    }

    fn number(&mut self, name: Name, value: u64) {
        if self.names.contains(&Some(name.text)) {
            self.sink.number(name, value);
        }
    }

    fn boolean(&mut self, _: Name, _: bool) {}
    fn map(&mut self, _: Name) {}
    fn list(&mut self, _: Name) {}
    fn end(&mut self) {}
    fn constant(&mut self, _: &'static Constant) {}
}

/// Adds up an item's size by DynamoDB's rule.
#[derive(Default)]
struct ItemSize {
    bytes: usize,
    depth: usize,
}

impl ItemSize {
    /// A name, and for what stands within a map or list one byte more.
    fn entry(&mut self, name: Name) {
        let within = container_bytes(1) - container_bytes(0);
        self.bytes += name.text.len() + if self.depth > 0 { within } else { 0 };
    }

    fn open(&mut self, name: Name) {
        self.entry(name);
        self.bytes += container_bytes(0);
        self.depth += 1;
    }
}

impl ItemSink for ItemSize {
    #[inline(always)]
    fn string(&mut self, name: Name, value: impl Text) {
        self.entry(name);
        self.bytes += value.length();
    }

    #[inline(always)]
    fn number(&mut self, name: Name, value: u64) {
        self.entry(name);
        self.bytes += integer_bytes(value);
    }

    fn boolean(&mut self, name: Name, _: bool) {
        self.entry(name);
        self.bytes += FLAG_BYTES;
    }

    fn map(&mut self, name: Name) {
        self.open(name);
    }

    fn list(&mut self, name: Name) {
        self.open(name);
    }

    fn end(&mut self) {
        self.depth -= 1;
    }
}
