//! A stream with numbered records, and a lake to look into.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ScalingType, StreamStatus};
use hrload::aws::{self, Options, Target};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::local::Local;

/// Records of a PutRecords call.
const CALL: usize = 500;

/// The embedded services with a stream `hrload`, and an empty folder.
pub(crate) struct World {
    local: Local,
    pub(crate) folder: TempDir,
}

impl World {
    /// With a stream of so many shards.
    pub(crate) fn new(shards: usize) -> Self {
        Self::with(shards, "")
    }

    /// And services that were told this.
    pub(crate) fn with(shards: usize, words: &str) -> Self {
        let of_table = "--change-delay 0 --mode provisioned --wcu 1000";
        Self {
            local: Local::start(&format!("{of_table} --shards {shards} {words}")),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    /// Makes a stream of one shard beside the first.
    pub(crate) fn make_stream(&self, name: &str) {
        self.with_kinesis(async |client| {
            let make = client.create_stream().stream_name(name).shard_count(1);
            make.send().await.unwrap();
            loop {
                let stream = client.describe_stream_summary().stream_name(name);
                let stream = stream.send().await.unwrap();
                let summary = stream.stream_description_summary().unwrap();
                if *summary.stream_status() == StreamStatus::Active {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
    }

    /// Removes it, and waits until it is gone.
    pub(crate) fn remove_stream(&self, name: &str) {
        self.with_kinesis(async |client| {
            client
                .delete_stream()
                .stream_name(name)
                .send()
                .await
                .unwrap();
            let gone = async || {
                let stream = client.describe_stream_summary().stream_name(name);
                stream.send().await.is_err()
            };
            while !gone().await {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
    }

    /// Puts records into the stream.
    pub(crate) fn put(&self, records: impl IntoIterator<Item = Vec<u8>>) {
        self.put_to("hrload", records);
    }

    /// Puts records into a stream.
    pub(crate) fn put_to(&self, stream: &str, records: impl IntoIterator<Item = Vec<u8>>) {
        let records: Vec<Vec<u8>> = records.into_iter().collect();
        self.with_kinesis(async |client| {
            for call in records.chunks(CALL) {
                put_all(client, stream, call).await;
            }
        });
    }

    /// Does something with Kinesis.
    fn with_kinesis(&self, work: impl AsyncFnOnce(&Client)) {
        let target = Target::Local(self.local.address());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let connection = aws::connect(&target, &Options::default()).await.unwrap();
            work(&connection.kinesis).await;
        });
    }

    /// Splits or merges shards until there are so many.
    pub(crate) fn reshard(&self, shards: i32) {
        self.with_kinesis(async |client| {
            let update = client.update_shard_count().stream_name("hrload");
            let update = update.target_shard_count(shards);
            let update = update.scaling_type(ScalingType::UniformScaling);
            update.send().await.unwrap();
            loop {
                let stream = client.describe_stream_summary().stream_name("hrload");
                let stream = stream.send().await.unwrap();
                let summary = stream.stream_description_summary().unwrap();
                if *summary.stream_status() == StreamStatus::Active {
                    assert_eq!(summary.open_shard_count(), shards);
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
    }

    /// A program of this text, beside the lake.
    pub(crate) fn program(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// `hrload deliver` into the folder, with these words.
    pub(crate) fn deliver(&self, words: &str) -> Command {
        self.deliver_stream("hrload", words)
    }

    /// The same for another stream.
    pub(crate) fn deliver_stream(&self, stream: &str, words: &str) -> Command {
        let lake = self.lake().display().to_string();
        self.command(&format!("--stream {stream} --lake {lake} {words}"))
    }

    /// The same into another lake.
    pub(crate) fn deliver_to(&self, lake: &str, words: &str) -> Command {
        self.command(&format!("--stream hrload --lake {lake} {words}"))
    }

    fn command(&self, words: &str) -> Command {
        self.local.client(&format!("deliver {words}"))
    }

    /// Runs it until the stream is idle; what it wrote with `-o -`.
    #[track_caller]
    pub(crate) fn delivered(&self, words: &str) -> Value {
        let output = self
            .deliver(&format!("--until-idle 500ms -o - {words}"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Data objects, by key.
    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let mut objects = BTreeMap::new();
        collect(&self.lake(), &self.lake(), &mut objects);
        objects
    }

    /// How often each line stands in the data objects.
    pub(crate) fn lines(&self) -> BTreeMap<String, usize> {
        let mut lines = BTreeMap::new();
        for (_, body) in self.objects() {
            for line in String::from_utf8(body).unwrap().lines() {
                *lines.entry(line.to_owned()).or_default() += 1;
            }
        }
        lines
    }
}

/// A numbered record.
pub(crate) fn record(number: usize) -> Vec<u8> {
    format!("{{\"n\":{number:06}}}").into_bytes()
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn put_all(client: &Client, stream: &str, records: &[Vec<u8>]) {
    let mut left: Vec<usize> = (0..records.len()).collect();
    while !left.is_empty() {
        let entries = left.iter().map(|at| {
            PutRecordsRequestEntry::builder()
                .data(Blob::new(records[*at].clone()))
                .partition_key(format!("{at}"))
                .build()
                .unwrap()
        });
        let answer = client
            .put_records()
            .stream_name(stream)
            .set_records(Some(entries.collect()))
            .send()
            .await
            .unwrap();
        // A shard takes a thousand records a second; the rest comes again.
        let results = answer.records().iter().zip(&left);
        left = results
            .filter(|(result, _)| result.error_code().is_some())
            .map(|(_, at)| *at)
            .collect();
    }
}

pub(crate) fn collect(root: &Path, folder: &Path, objects: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let key = path.strip_prefix(root).unwrap().display().to_string();
        // The checkpoint's folder, and what a killed process was writing.
        if key.starts_with("_hrload") || key.contains('#') {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, objects);
        } else {
            objects.insert(key, std::fs::read(&path).unwrap());
        }
    }
}
