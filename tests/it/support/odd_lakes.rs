//! Lakes with something odd in each, and what every reader has to find there.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::records::{THEN_MS, post_record, record};

/// A lake, and what is in it.
pub(crate) struct Odd {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&Path),
    /// Readings that can be dated.
    pub(crate) readings: u64,
    /// Records, JSON objects that is, readings or not.
    pub(crate) records: u64,
    /// How often, in which words, and where.
    pub(crate) told: &'static [(u64, &'static str, &'static [&'static str])],
}

const TIME: &str = "07/15/2402:39:25";
const NO_JSON: &str = "line is no JSON from some place on";
const LINES_NO_JSON: &str = "lines are no JSON from some place on";
const UNREADABLE: &str = "objects cannot be read";

fn good(sensor: u32) -> String {
    post_record(sensor, 71, TIME, THEN_MS)
}

fn lines(records: u32) -> String {
    (0..records).map(|of| good(of) + "\n").collect()
}

fn put(folder: &Path, key: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn gzip(text: &str) -> Vec<u8> {
    let text = text.as_bytes().to_vec();
    hrload::lake::Compression::Gzip.compress(text).unwrap()
}

fn zstd(text: &str) -> Vec<u8> {
    let text = text.as_bytes().to_vec();
    hrload::lake::Compression::Zstd.compress(text).unwrap()
}

pub(crate) const ALL: &[Odd] = &[
    Odd {
        name: "a line that was cut off between good ones",
        make: |lake| {
            let cut = &good(1)[..200];
            put(lake, "o", format!("{}{cut}\n{}", lines(50), lines(50)));
        },
        readings: 100,
        records: 100,
        told: &[(1, NO_JSON, &["o, at byte ", "(it is cut off)"])],
    },
    Odd {
        name: "a text that ends in the middle",
        make: |lake| put(lake, "o", &lines(3)[..lines(3).len() - 100]),
        readings: 2,
        records: 2,
        told: &[(1, NO_JSON, &["o, at byte ", "(it is cut off)"])],
    },
    Odd {
        name: "objects that are not what their names say",
        make: |lake| {
            let whole = gzip(&lines(7));
            put(lake, "a/empty.gz", "");
            put(lake, "a/cut.gz", &whole[..whole.len() / 2]);
            put(lake, "a/text.gz", lines(7));
            put(lake, "a/zipped", &whole);
            put(lake, "a/cut.zst", &zstd(&lines(7))[..40]);
            put(lake, "a/whole.gz", &whole);
            put(lake, "b/whole.zst", zstd(&lines(7)));
            put(lake, "b/two.gz", [whole.clone(), whole].concat());
            put(lake, "b/empty", "");
            put(lake, "b/plain", lines(7));
        },
        readings: 35,
        records: 35,
        told: &[(
            5,
            UNREADABLE,
            &[
                "a/cut.gz (its GZIP is cut off)",
                "a/cut.zst (its Zstandard ",
                "a/empty.gz (it is empty, and so no GZIP)",
                "a/text.gz (it is no GZIP, although its name ends in .gz)",
                "a/zipped (it is GZIP, and its name does not end in .gz)",
            ],
        )],
    },
    Odd {
        name: "texts that are no UTF-8",
        make: |lake| {
            let bytes: Vec<u8> = lines(2).encode_utf16().flat_map(u16::to_le_bytes).collect();
            put(lake, "utf-16", [&b"\xff\xfe"[..], &bytes].concat());
            let mut text = lines(2).into_bytes();
            text.extend_from_slice(b"{\"latin 1\":\"\xfc\"}\n");
            text.extend_from_slice(lines(1).as_bytes());
            put(lake, "utf-8", text);
        },
        readings: 3,
        records: 3,
        told: &[
            (
                1,
                "object cannot be read",
                &["utf-16 (it is text in UTF-16"],
            ),
            (1, NO_JSON, &["utf-8, at byte "]),
        ],
    },
    Odd {
        name: "a file that no memory holds",
        make: |lake| {
            put(lake, "o", lines(2));
            let large = fs::File::create(lake.join("p")).unwrap();
            large.set_len(1 << 32).unwrap();
        },
        readings: 2,
        records: 2,
        told: &[(
            1,
            "object cannot be read",
            &["p (it holds more than 1 GiB of text, which is not read here)"],
        )],
    },
    Odd {
        name: "half of a surrogate pair",
        make: |lake| {
            let half = good(3).replace("\"awsRegion\":\"us-west-2\"", "\"x\":\"a\\ud83d\"");
            put(lake, "o", format!("{}{half}\n", lines(10)));
        },
        readings: 10,
        records: 10,
        told: &[(1, NO_JSON, &["o, at byte ", "surrogate"])],
    },
    Odd {
        name: "byte-order marks",
        make: |lake| {
            let text = format!("\u{feff}{}", lines(9));
            put(lake, "o", &text);
            put(lake, "p.gz", gzip(&text));
        },
        readings: 18,
        records: 18,
        told: &[],
    },
    Odd {
        name: "names that are no data",
        make: |lake| {
            put(lake, "2024/07/15/02/good", lines(1));
            put(lake, "2024/07/.DS_Store", "\0\0\0\u{1}Bud1");
            put(lake, "_SUCCESS", "");
            put(lake, "2024/.good.crc", "crc");
            put(lake, "_temporary/0/part", lines(5));
            put(lake, "2024/07/15/02/half#1", lines(5));
            put(lake, "processing-failed/x", lines(5));
            put(lake, "README", "Heart rates.\nOf many people.\n");
        },
        readings: 1,
        records: 1,
        told: &[(
            2,
            LINES_NO_JSON,
            &["README, at byte 0", "README, at byte 13"],
        )],
    },
    Odd {
        name: "names that lead nowhere",
        make: |lake| {
            put(lake, "a/good", lines(4));
            let latin = std::ffi::OsStr::from_bytes(b"caf\xe9");
            fs::write(lake.join(latin), lines(1)).unwrap();
            symlink("..", lake.join("a/loop")).unwrap();
            symlink("/dev/zero", lake.join("endless")).unwrap();
            symlink("nothing", lake.join("broken")).unwrap();
            put(lake, "b/other", lines(4));
            symlink("b", lake.join("linked")).unwrap();
        },
        readings: 12,
        records: 12,
        told: &[(
            4,
            "names lead to nothing that can be read",
            &[
                "caf\u{fffd} (the name is not UTF-8)",
                "a/loop (it is a link back to a folder that it lies in)",
                "endless (it is no file)",
                "broken (",
            ],
        )],
    },
    Odd {
        name: "records however they stand",
        make: |lake| {
            put(lake, "behind", [good(1), good(2), good(3)].concat());
            put(lake, "windows", lines(3).replace('\n', "\r\n\r\n"));
            let tree: serde_json::Value = serde_json::from_str(&good(1)).unwrap();
            let pretty = serde_json::to_string_pretty(&tree).unwrap();
            put(
                lake,
                "over-lines",
                format!("{pretty}\n{pretty}\n{}", good(1)),
            );
        },
        readings: 9,
        records: 9,
        told: &[],
    },
    Odd {
        name: "records that are no readings, or odd ones",
        make: |lake| {
            let removal = good(1).replace("INSERT", "REMOVE");
            let of = |bpm: &str, time: &str| {
                let image = serde_json::json!({
                    "id": {"S": "1"}, "HeartRate": {"S": bpm},
                    "SensorID": {"S": "9"}, "ReportTime": {"S": time},
                });
                record(&image, THEN_MS) + "\n"
            };
            let text = [
                lines(3),
                format!("{{}}\n7\n[]\n\"text\"\n{removal}\n"),
                of("fast", TIME),
                of("-3", TIME),
                of("71", "yesterday"),
                of("72.5", TIME),
                of("71", "1721011165"),
                of("71", "1721011165000"),
                of("71", "02/07/36 06:28:15"),
            ];
            put(lake, "o", text.concat());
        },
        readings: 6,
        records: 12,
        told: &[
            (3, "values are JSON and no records", &[]),
            (1, "record is no reading", &["o, at byte "]),
            (1, "record is of a deleted item", &["o, at byte "]),
            (
                2,
                "readings have no heart rate that can be read",
                &["o, at byte "],
            ),
            (1, "reading has no time that can be read", &["o, at byte "]),
            (
                1,
                "heart rate has decimals and is taken as a whole one",
                &["wearable 9"],
            ),
            (
                1,
                "reading is dated over five minutes after its item was written",
                &["wearable 9"],
            ),
        ],
    },
];
