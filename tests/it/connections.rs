//! Ten thousand connections to `hrload local`, some of them stalled for good, few that
//! ask for much and read nothing, and tables that come and go: the memory that they take.
#![allow(clippy::unwrap_used)]

mod http2;
mod tables;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::local::Local;
use rustix::process::{Resource, getrlimit, setrlimit};

const CONNECTIONS: usize = 10_000;
const STALLED: usize = 500;
/// Files that each process opens besides connections.
const OTHER_FILES: usize = 100;

const LIST_TABLES: &str = "POST / HTTP/1.1\r\nHost: localhost\r\n\
    X-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Length: 2\r\n\
    Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/dynamodb/aws4_request, \
    SignedHeaders=host, Signature=b\r\nX-Amz-Date: 20260101T000000Z\r\n\r\n{}";

fn connect(local: &Local) -> TcpStream {
    let stream = TcpStream::connect(local.address()).unwrap();
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).unwrap();
    stream
}

/// As many connections as are wanted, or as this system lets one process open.
fn connections() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let allowed = limit.maximum.map_or(usize::MAX, |files| files as usize);
    let connections = CONNECTIONS.min(allowed.saturating_sub(OTHER_FILES));
    if connections < CONNECTIONS {
        eprintln!(
            "only {connections} connections instead of {CONNECTIONS}: a process may open \
             {allowed} files here (ulimit -Hn)"
        );
    }
    connections
}

fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    while !answer.ends_with(b"{\"TableNames\":[]}") {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "closed after {:?}", String::from_utf8(answer));
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn ten_thousand_connections_are_all_served_while_some_stall() {
    let local = Local::start("");
    let mut open: Vec<TcpStream> = (0..connections()).map(|_| connect(&local)).collect();
    let (stalled, busy) = open.split_at_mut(STALLED);
    for (at, stream) in stalled.iter_mut().enumerate() {
        let sent = at % LIST_TABLES.len();
        stream.write_all(&LIST_TABLES.as_bytes()[..sent]).unwrap();
    }
    // Twice: a connection that was served stays open.
    for _ in 0..2 {
        for stream in busy.iter_mut() {
            stream.write_all(LIST_TABLES.as_bytes()).unwrap();
        }
        for stream in busy.iter_mut() {
            let answer = read_answer(stream);
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        }
    }
    // Who stalled may still go on.
    for (at, stream) in stalled.iter_mut().enumerate() {
        let rest = &LIST_TABLES.as_bytes()[at % LIST_TABLES.len()..];
        stream.write_all(rest).unwrap();
    }
    for stream in stalled.iter_mut() {
        read_answer(stream);
    }
}
