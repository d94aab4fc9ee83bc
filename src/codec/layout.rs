//! Item layouts: which attributes a reading becomes.

use super::identity::id_text;
use super::text::{Civil, Text};
use crate::capacity::size::{FLAG_BYTES, container_bytes, number_bytes};
use crate::workload::{DeviceClass, Motion, Reading};

/// Key of the seed and FHIR layouts: the reading's id.
pub(super) const ID: &str = "id";
/// Partition key of the time-series layout: [`DEVICE_PREFIX`] and the device's index.
pub(super) const DEVICE: &str = "device";
/// What a device's index is written after.
pub(super) const DEVICE_PREFIX: &str = "d-";
/// Sort key of the time-series layout: the intended time in microseconds.
pub(super) const INTENDED: &str = "intended";
/// The reading's number within its device. Not `sequence`, which DynamoDB
/// reserves in expressions.
pub(super) const SEQUENCE: &str = "seq";

/// LOINC's code for heart rate (<https://loinc.org/8867-4>).
const HEART_RATE_CODE: &str = "8867-4";
/// UCUM's "per minute", the unit that FHIR prescribes for heart rate
/// (<https://hl7.org/fhir/R4/observation-vitalsigns.html>).
const PER_MINUTE: &str = "/min";

/// How a reading is laid out as an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// The blog post's four strings: `id`, `HeartRate`, `SensorID`, `ReportTime`.
    Seed,
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
    fn string(&mut self, name: &'static str, value: &str);
    /// A number attribute, in decimal notation.
    fn number(&mut self, name: &'static str, decimal: &str);
    /// A Boolean attribute.
    fn boolean(&mut self, name: &'static str, value: bool);
    /// Starts a map; its entries follow until [`ItemSink::end`].
    fn map(&mut self, name: &'static str);
    /// Starts a list; its elements follow, with empty names, until [`ItemSink::end`].
    fn list(&mut self, name: &'static str);
    /// Ends the innermost map or list.
    fn end(&mut self);
}

impl Layout {
    /// The layout's key attributes.
    #[must_use]
    pub fn key_schema(self) -> KeySchema {
        match self {
            Layout::Seed | Layout::Fhir => KeySchema {
                partition: (ID, "S"),
                sort: None,
            },
            Layout::TimeSeries => KeySchema {
                partition: (DEVICE, "S"),
                sort: Some((INTENDED, "N")),
            },
        }
    }

    /// Tells `sink` the item that `reading` becomes. Allocates nothing: every
    /// text is made on the stack.
    pub fn describe(self, reading: &Reading, sink: &mut impl ItemSink) {
        match self {
            Layout::Seed => describe_seed(reading, sink),
            Layout::TimeSeries => describe_time_series(reading, sink),
            Layout::Fhir => describe_fhir(reading, sink),
        }
    }

    /// The item's size in bytes by DynamoDB's rule (see [`crate::capacity::size`]).
    #[must_use]
    pub fn item_bytes(self, reading: &Reading) -> usize {
        let mut size = ItemSize::default();
        self.describe(reading, &mut size);
        size.bytes
    }
}

/// Four strings; the time as the blog post's script writes it, `date +%D`
/// followed by `date +%T` with nothing between.
#[inline]
fn describe_seed(reading: &Reading, sink: &mut impl ItemSink) {
    sink.string(ID, id_text(&reading.id).as_str());
    sink.string("HeartRate", decimal(u64::from(reading.bpm)).as_str());
    sink.string("SensorID", decimal(u64::from(reading.sensor)).as_str());
    let time = Civil::at(reading.observed_us);
    let mut report_time = Text::<16>::new();
    report_time
        .two_digits(time.month)
        .push("/")
        .two_digits(time.day)
        .push("/")
        .two_digits(time.year)
        .two_digits(time.hour)
        .push(":")
        .two_digits(time.minute)
        .push(":")
        .two_digits(time.second);
    sink.string("ReportTime", report_time.as_str());
}

#[inline]
fn describe_time_series(reading: &Reading, sink: &mut impl ItemSink) {
    sink.string(DEVICE, device_name(reading).as_str());
    sink.number(INTENDED, decimal(reading.id.intended_us).as_str());
    sink.number(SEQUENCE, decimal(u64::from(reading.id.sequence)).as_str());
    sink.number("observed", decimal(reading.observed_us).as_str());
    sink.number("bpm", decimal(u64::from(reading.bpm)).as_str());
    sink.string("unit", PER_MINUTE);
    sink.string("loinc", HEART_RATE_CODE);
    sink.number("sensor", decimal(u64::from(reading.sensor)).as_str());
    sink.string("sensorLocation", sensor_location(reading.class));
    sink.string("motionContext", motion_context(reading.motion));
}

/// An Observation of FHIR R4 (<https://hl7.org/fhir/R4/observation.html>). A
/// device stands for its wearer, so the subject is numbered like the device.
fn describe_fhir(reading: &Reading, sink: &mut impl ItemSink) {
    sink.string(ID, id_text(&reading.id).as_str());
    sink.string("resourceType", "Observation");
    sink.string("status", "final");

    sink.list("category");
    sink.map("");
    coding(
        sink,
        "http://terminology.hl7.org/CodeSystem/observation-category",
        "vital-signs",
        "Vital Signs",
    );
    sink.end();
    sink.end();

    sink.map("code");
    coding(sink, "http://loinc.org", HEART_RATE_CODE, "Heart rate");
    sink.end();

    let device = u64::from(reading.id.device);
    sink.map("subject");
    let mut subject = Text::<24>::new();
    subject.push("Patient/p-").padded(device, 7);
    sink.string("reference", subject.as_str());
    sink.end();

    let time = Civil::at(reading.observed_us);
    let mut observed = Text::<48>::new();
    observed
        .padded(time.year, 4)
        .push("-")
        .two_digits(time.month)
        .push("-")
        .two_digits(time.day)
        .push("T")
        .two_digits(time.hour)
        .push(":")
        .two_digits(time.minute)
        .push(":")
        .two_digits(time.second)
        .push(".")
        .padded(time.micros, 6)
        .push("Z");
    sink.string("effectiveDateTime", observed.as_str());

    sink.map("valueQuantity");
    sink.number("value", decimal(u64::from(reading.bpm)).as_str());
    sink.string("unit", "beats/minute");
    sink.string("system", "http://unitsofmeasure.org");
    sink.string("code", PER_MINUTE);
    sink.end();

    sink.map("device");
    let mut reference = Text::<24>::new();
    reference
        .push("Device/")
        .push(DEVICE_PREFIX)
        .padded(device, 7);
    sink.string("reference", reference.as_str());
    sink.end();
}

/// `coding`, with one entry.
fn coding(
    sink: &mut impl ItemSink,
    system: &'static str,
    code: &'static str,
    display: &'static str,
) {
    sink.list("coding");
    sink.map("");
    sink.string("system", system);
    sink.string("code", code);
    sink.string("display", display);
    sink.end();
    sink.end();
}

#[inline]
fn decimal(value: u64) -> Text<20> {
    let mut text = Text::new();
    text.number(value);
    text
}

fn device_name(reading: &Reading) -> Text<16> {
    let mut text = Text::new();
    text.push(DEVICE_PREFIX)
        .padded(u64::from(reading.id.device), 7);
    text
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

/// Adds up an item's size by DynamoDB's rule.
#[derive(Default)]
struct ItemSize {
    bytes: usize,
    depth: usize,
}

impl ItemSize {
    /// A name, and for what stands within a map or list one byte more.
    fn entry(&mut self, name: &str) {
        let within = container_bytes(1) - container_bytes(0);
        self.bytes += name.len() + if self.depth > 0 { within } else { 0 };
    }

    fn open(&mut self, name: &str) {
        self.entry(name);
        self.bytes += container_bytes(0);
        self.depth += 1;
    }
}

impl ItemSink for ItemSize {
    fn string(&mut self, name: &'static str, value: &str) {
        self.entry(name);
        self.bytes += value.len();
    }

    fn number(&mut self, name: &'static str, decimal: &str) {
        self.entry(name);
        self.bytes += number_bytes(decimal.as_bytes());
    }

    fn boolean(&mut self, name: &'static str, _: bool) {
        self.entry(name);
        self.bytes += FLAG_BYTES;
    }

    fn map(&mut self, name: &'static str) {
        self.open(name);
    }

    fn list(&mut self, name: &'static str) {
        self.open(name);
    }

    fn end(&mut self) {
        self.depth -= 1;
    }
}
