//! Connections of HTTP/2, spoken by hand (RFC 9113, and HPACK without its tables): a
//! client of a library would read what it is sent.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::local::Local;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/kinesis/aws4_request, \
    SignedHeaders=host, Signature=b";

struct Connection {
    stream: TcpStream,
    next: u32,
}

fn text(out: &mut Vec<u8>, text: &str) {
    // An integer with a prefix of seven bits.
    match text.len() {
        length @ 0..127 => out.push(length as u8),
        length => out.extend([127, (length - 127) as u8]),
    }
    assert!(text.len() < 127 + 128);
    out.extend(text.bytes());
}

impl Connection {
    /// Opens one whose answers may not send a byte of data until told.
    fn open(local: &Local) -> Self {
        let mut stream = TcpStream::connect(local.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .unwrap();
        let mut connection = Self { stream, next: 1 };
        connection.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
        connection
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = (payload.len() as u32).to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.stream.write_all(&frame).unwrap();
    }

    fn ask(&mut self, operation: &str, body: &Value) {
        let mut head = Vec::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", "localhost"),
            ("x-amz-target", &format!("Kinesis_20131202.{operation}")),
            ("x-amz-date", "20260101T000000Z"),
            ("authorization", AUTHORIZATION),
        ] {
            head.push(0);
            text(&mut head, name);
            text(&mut head, value);
        }
        self.send(HEADERS, END_HEADERS, self.next, &head);
        let body = body.to_string();
        self.send(DATA, END_STREAM, self.next, body.as_bytes());
        self.next += 2;
    }

    /// Reads one frame: its kind, flags, and length.
    fn frame(&mut self) -> (u8, u8, usize) {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        self.stream.read_exact(&mut vec![0; length]).unwrap();
        (head[3], head[4], length)
    }

    /// Waits until what was sent so far was taken in.
    fn ping(&mut self) {
        self.send(PING, 0, 0, &[0; 8]);
        while !matches!(self.frame(), (PING, ACK, _)) {}
    }

    /// Lets all answers come and reads so many: their bytes.
    fn read(&mut self, answers: usize) -> usize {
        self.send(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]);
        self.send(WINDOW_UPDATE, 0, 0, &0x7000_0000_u32.to_be_bytes());
        let (mut ended, mut bytes) = (0, 0);
        while ended < answers {
            if let (DATA, flags, length) = self.frame() {
                bytes += length;
                ended += usize::from(flags & END_STREAM);
            }
        }
        bytes
    }
}

/// Memory of the services' process, in MiB.
pub(super) fn memory(local: &Local) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", local.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib / 1024
}

/// Makes one call, of `Kinesis_20131202.ListStreams` for example.
pub(super) fn call(local: &Local, target: &str, body: &Value) -> Value {
    let body = body.to_string();
    let mut stream = TcpStream::connect(local.address()).unwrap();
    let patience = Some(Duration::from_secs(30));
    stream.set_read_timeout(patience).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         X-Amz-Target: {target}\r\nContent-Length: {}\r\n\
         Authorization: {AUTHORIZATION}\r\nX-Amz-Date: 20260101T000000Z\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or(Value::Null)
}

/// A stream with nine records of a megabyte, and an iterator from which to read them.
fn large_answers(local: &Local) -> Value {
    call(
        local,
        "Kinesis_20131202.CreateStream",
        &json!({"StreamName": "s", "ShardCount": 1}),
    );
    let data = base64_simd::STANDARD.encode_to_string(vec![7; 1_000_000]);
    let records = vec![json!({"PartitionKey": "k", "Data": data}); 9];
    let put = json!({"StreamName": "s", "Records": records});
    while call(local, "Kinesis_20131202.PutRecords", &put)["FailedRecordCount"] != 0 {}
    let from = json!({"StreamName": "s", "ShardId": "shardId-000000000000",
        "ShardIteratorType": "TRIM_HORIZON"});
    call(local, "Kinesis_20131202.GetShardIterator", &from)["ShardIterator"].clone()
}

#[test]
fn answers_that_are_not_read_take_no_more_memory_than_one_a_connection() {
    const CONNECTIONS: u64 = 10;
    const CALLS: usize = 60;
    let local = Local::start("--capacity unlimited");
    let iterator = large_answers(&local);
    let get = json!({"ShardIterator": iterator});
    let before = memory(&local);
    let mut open: Vec<Connection> = (0..CONNECTIONS).map(|_| Connection::open(&local)).collect();
    for connection in &mut open {
        for _ in 0..CALLS {
            connection.ask("GetRecords", &get);
        }
    }
    for _ in 0..3 {
        open.iter_mut().for_each(Connection::ping);
    }
    let grown = memory(&local).saturating_sub(before);
    // Base64 makes 12 MB of 9; all answers are 7 GB.
    assert!(grown < CONNECTIONS * 30, "{grown} MiB more");
    // What waits is carried out as soon as the client reads.
    let mut one = open.pop().unwrap();
    assert!(one.read(5) > 5 * 12_000_000);
    drop((one, open));
    // Nothing is carried out for who is gone: the services have time for others.
    let listed = call(&local, "Kinesis_20131202.ListStreams", &json!({}));
    assert_eq!(listed["StreamNames"], json!(["s"]));
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let kept = memory(&local).saturating_sub(before);
        if kept < 80 {
            break;
        }
        assert!(Instant::now() < patience, "{kept} MiB are kept");
        std::thread::yield_now();
    }
}
