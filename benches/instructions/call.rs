//! A whole call of the `direct` client: encoded, signed, sent, answered, read.
//!
//! The server is a thread of the same process that reads a request and writes
//! a canned answer; callgrind counts by thread, so only the client's side is
//! counted. How often the client looks before the answer is there depends on
//! the kernel, which moves the count by a few in a thousand.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use hrload::codec::Layout;
use hrload::load::{Call, Direct, Outcome, Sink, Slot};

use crate::support::{TABLE, readings};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n\
    content-length: 99\r\n\r\n{\"UnprocessedItems\":{},\"ConsumedCapacity\":[{\"TableName\":\
    \"heartrate-ddb-dev\",\"CapacityUnits\":25.0}]}";

/// A call of 25 items over a connection that stays open.
pub(crate) fn direct() -> impl FnMut() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("the port just bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = serve(stream); // until the client goes
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let endpoint = format!("http://{address}").parse().expect("a URL");
    let credentials = Credentials::for_tests();
    let patience = Duration::from_secs(60);
    let direct = Direct::new(
        &endpoint,
        "us-west-2",
        SharedCredentialsProvider::new(credentials),
        patience,
        patience,
    )
    .expect("an http endpoint");
    let mut slot = direct.slot(TABLE, Layout::Seed);
    let mut call = Call::new();
    call.readings = readings(25);
    move || {
        runtime.block_on(slot.send(black_box(&mut call)));
        assert_eq!(call.outcome, Outcome::Answered);
    }
}

/// Answers whatever comes, one request after the other.
fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..read]);
        if is_whole(&request) {
            request.clear();
            stream.write_all(ANSWER)?;
        }
    }
}

/// Whether the head and all of the body are there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().ok())?
    });
    length.is_some_and(|length: usize| body.len() >= length)
}
