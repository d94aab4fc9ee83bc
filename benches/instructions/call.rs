//! A whole call of the `direct` client: encoded, signed, sent, answered, read.
//!
//! The server is a thread of the same process that reads a request and writes
//! a canned answer; callgrind counts by thread, so only the client's side is
//! counted. The answer is held back until the client waits for it: otherwise
//! the client would look for it once or twice, as the threads happen to run.
//! What is left is tokio's timer, which has more to do the more time passes:
//! alone among the counts, this one moves by up to 0.5 % from run to run.

use std::future::poll_fn;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::sync::mpsc::{Receiver, channel};
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
    let (waiting, waits) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = serve(stream, &waits); // until the client goes
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
    let mut slot = direct.slot(TABLE, Layout::Post);
    let mut call = Call::new();
    call.readings = readings(25);
    move || {
        runtime.block_on(async {
            let mut sending = pin!(slot.send(black_box(&mut call)));
            let mut waiting = Some(&waiting);
            poll_fn(|context| {
                let sent = sending.as_mut().poll(context);
                if let (true, Some(waiting)) = (sent.is_pending(), waiting.take()) {
                    waiting.send(()).expect("the server runs");
                }
                sent
            })
            .await;
        });
        assert_eq!(call.outcome, Outcome::Answered);
    }
}

/// Answers whatever comes, one request after the other, each once the client
/// waits.
fn serve(mut stream: TcpStream, waits: &Receiver<()>) -> std::io::Result<()> {
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
            if waits.recv().is_err() {
                return Ok(());
            }
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
