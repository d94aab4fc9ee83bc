//! Making, changing and removing streams.

use hrload_base::sync::writing;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Deserialize;

use super::request::{Body, Checks, TagMap, flag, invalid, nothing, parse, whole};
use super::stream::{Mode, Phase, Stream};
use super::{Answer, Failure, Streams};
use hrload_capacity::stream::MODE_SWITCHES_A_DAY;

/// Streams that may be CREATING at once
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html>).
const MAX_CREATING: usize = 5;
/// Shards of a new on-demand stream, and of one for which no number is given
/// (<https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html>).
const DEFAULT_SHARDS: u32 = 4;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModeDetails {
    stream_mode: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateStream {
    stream_name: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    shard_count: Option<i64>,
    stream_mode_details: Option<ModeDetails>,
    tags: Option<TagMap>,
    #[serde(rename = "MaxRecordSizeInKiB", default, deserialize_with = "whole")]
    max_record_kib: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteStream {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    enforce_consumer_deletion: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateStreamMode {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_mode_details: Option<ModeDetails>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateMaxRecordSize {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "MaxRecordSizeInKiB", default, deserialize_with = "whole")]
    max_record_kib: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeRetention {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    retention_period_hours: Option<i64>,
}

impl ModeDetails {
    fn mode(&self, checks: &mut Checks) -> Mode {
        let at = "streamModeDetails.streamMode";
        let Some(name) = self.stream_mode.as_deref() else {
            checks.required::<()>(None, at);
            return Mode::Provisioned;
        };
        checks.one_of(name, at, &["PROVISIONED", "ON_DEMAND"]);
        if name == Mode::OnDemand.name() {
            Mode::OnDemand
        } else {
            Mode::Provisioned
        }
    }
}

/// Sizes that records may be limited to, in KiB.
fn check_record_kib(checks: &mut Checks, kib: i64) {
    checks.range(kib, "maxRecordSizeInKiB", 1024, 10240);
}

impl Streams {
    pub(super) fn create_stream(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: CreateStream = parse(body)?;
        let mut checks = Checks::default();
        if let Some(count) = request.shard_count {
            checks.range(count, "shardCount", 1, 100_000);
        }
        let name = checks.required_name(request.stream_name, "streamName");
        let mode = match &request.stream_mode_details {
            Some(details) => details.mode(&mut checks),
            None => Mode::Provisioned,
        };
        let max_record_kib = request.max_record_kib.unwrap_or(1024);
        check_record_kib(&mut checks, max_record_kib);
        if let Some(TagMap(tags)) = &request.tags {
            checks.tags(tags);
        }
        checks.done()?;
        let shards = match (mode, request.shard_count) {
            // A provisioned one, too, as was seen in 2022.
            (_, None) => DEFAULT_SHARDS,
            (Mode::OnDemand, Some(_)) => {
                return Err(invalid(
                    "ShardCount must not be given for a stream in ON_DEMAND mode.",
                ));
            }
            // Checked above: 1 to 100,000.
            (Mode::Provisioned, Some(count)) => count as u32,
        };
        let tags = request.tags.unwrap_or_default().0;
        super::tags::check(&tags)?;
        self.admit(body.operation, None, now_us)?;

        let present = self.all(now_us);
        if present.iter().any(|stream| stream.name == name) {
            return Err(self.already_exists(&name));
        }
        let creating = present
            .iter()
            .filter(|s| matches!(s.read(now_us).phase, Phase::Creating { .. }))
            .count();
        if creating >= MAX_CREATING {
            return Err(Failure::new(
                "LimitExceededException",
                format!(
                    "At most {MAX_CREATING} streams may be CREATING at a time under account {}. \
                     Wait until one of them is ACTIVE.",
                    self.account
                ),
            ));
        }
        self.check_shard_limit(shards, now_us)?;

        let arn = format!(
            "arn:aws:kinesis:{}:{}:stream/{name}",
            self.region, self.account
        );
        let stream = Stream::create(name.clone(), arn, mode, shards, self.all.clone(), now_us);
        {
            let mut state = stream.write(now_us);
            state.tags = tags;
            state.max_record_kib = max_record_kib as u64;
        }
        let mut streams = writing(&self.streams);
        if streams.contains_key(&name) {
            // Another caller created it since `present` was taken.
            return Err(self.already_exists(&name));
        }
        streams.insert(name, Arc::new(stream));
        Ok(nothing())
    }

    fn already_exists(&self, name: &str) -> Failure {
        Failure::new(
            "ResourceInUseException",
            format!(
                "Stream {name} under account {} already exists.",
                self.account
            ),
        )
    }

    pub(super) fn delete_stream(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: DeleteStream = parse(body)?;
        let (name, arn) = (
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
        );
        let stream = self.named(name, arn, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        let mut state = stream.write(now_us);
        if !matches!(state.phase, Phase::Active) {
            return Err(self.not_active(&stream, &state));
        }
        let consumers = state
            .consumers
            .values()
            .filter(|c| c.exists(now_us))
            .count();
        if consumers > 0 && request.enforce_consumer_deletion != Some(true) {
            return Err(Failure::new(
                "ResourceInUseException",
                format!(
                    "Stream {} under account {} has {consumers} registered consumers. Deregister \
                     them, or delete with EnforceConsumerDeletion.",
                    stream.name, self.account
                ),
            ));
        }
        stream.begin(&mut state, Phase::Deleting, now_us);
        self.gone_us.fetch_min(stream.due_us(), Ordering::Relaxed);
        Ok(nothing())
    }

    pub(super) fn update_stream_mode(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let request: UpdateStreamMode = parse(body)?;
        let mut checks = Checks::default();
        let arn = checks.required_stream(request.stream_arn);
        let mode = match &request.stream_mode_details {
            Some(details) => details.mode(&mut checks),
            None => {
                checks.required::<()>(None, "streamModeDetails");
                Mode::Provisioned
            }
        };
        checks.done()?;
        let stream = self.by_arn(&arn, now_us)?;
        let mut state = stream.write(now_us);
        if state.phase != Phase::Active {
            return Err(self.not_active(&stream, &state));
        }
        if state.mode == mode {
            return Err(Failure::new(
                "ValidationException",
                format!(
                    "Stream {} under account {} is in {} mode already.",
                    stream.name,
                    self.account,
                    mode.name()
                ),
            ));
        }
        if !state.mode_switches.take(stream.clock_us(now_us)) {
            return Err(Failure::new(
                "LimitExceededException",
                format!(
                    "The mode of stream {} under account {} was changed {MODE_SWITCHES_A_DAY} \
                     times within 24 hours, which is the limit.",
                    stream.name, self.account
                ),
            ));
        }
        state.mode = mode;
        stream.begin(&mut state, Phase::Updating { reshard: None }, now_us);
        Ok(nothing())
    }

    pub(super) fn update_max_record_size(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let request: UpdateMaxRecordSize = parse(body)?;
        let mut checks = Checks::default();
        let arn = checks.required_stream(request.stream_arn);
        if let Some(kib) = request.max_record_kib {
            check_record_kib(&mut checks, kib);
        }
        let kib = checks.required(request.max_record_kib, "maxRecordSizeInKiB");
        checks.done()?;
        let stream = self.by_arn(&arn, now_us)?;
        let mut state = stream.write(now_us);
        if state.phase != Phase::Active {
            return Err(self.not_active(&stream, &state));
        }
        state.max_record_kib = kib as u64;
        stream.begin(&mut state, Phase::Updating { reshard: None }, now_us);
        Ok(nothing())
    }

    pub(super) fn increase_retention(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        self.change_retention(body, now_us, true)
    }

    pub(super) fn decrease_retention(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        self.change_retention(body, now_us, false)
    }

    fn change_retention(
        &self,
        body: Body<'_>,
        now_us: u64,
        longer: bool,
    ) -> Result<Answer, Failure> {
        let request: ChangeRetention = parse(body)?;
        let mut checks = Checks::default();
        let asked = checks.required(request.retention_period_hours, "retentionPeriodHours");
        let (name, arn) = (
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
        );
        checks.stream(name, arn);
        checks.done()?;
        let stream = self.target(name, arn, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        let mut state = stream.write(now_us);
        if state.phase != Phase::Active {
            return Err(self.not_active(&stream, &state));
        }
        let present = state.retention_hours;
        let wrong = |how: &str, other: &str| {
            invalid(format!(
                "Requested retention period ({asked} hours) for stream {} can not be {how} than \
                 existing retention period ({present} hours). Use {other} API.",
                stream.name
            ))
        };
        match u64::try_from(asked) {
            Ok(24..=8760) => {}
            Ok(8761..) => {
                return Err(invalid(format!(
                    "Maximum allowed retention period is 8760 hours. Requested retention period \
                     ({asked} hours) is too long."
                )));
            }
            _ => {
                return Err(invalid(format!(
                    "Minimum allowed retention period is 24 hours. Requested retention period \
                     ({asked} hours) is too short."
                )));
            }
        }
        let hours = asked as u64;
        if longer && hours < present {
            return Err(wrong("shorter", "DecreaseRetentionPeriod"));
        }
        if !longer && hours > present {
            return Err(wrong("longer", "IncreaseRetentionPeriod"));
        }
        state.retention_hours = hours;
        stream.begin(&mut state, Phase::Updating { reshard: None }, now_us);
        Ok(nothing())
    }
}
