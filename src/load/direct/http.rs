//! HTTP/1.1, as much of it as a call of DynamoDB needs: a POST with a body, and
//! its answer.
//!
//! A general client pays for what this one has no use for: header maps, bodies
//! as streams, tasks that a connection and its calls meet in. Here the head is a
//! text with gaps, one system call writes it with its body, and an answer is
//! read where it is wanted. Answers are parsed by `httparse`, which general
//! clients use as well. Once its buffers are warm a call allocates nothing.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::Poll;

use futures_util::FutureExt;
use httparse::{Header, Status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::load::RequestId;

/// Answers longer than this are refused: an answer can repeat a whole request,
/// of at most 16 MB, with some JSON around it.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// The same of its head.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 64;
/// Room for the answer to a batch that was written whole. A read that does not
/// fill it tells tokio that there is no more, which saves asking.
const INBOX_BYTES: usize = 4 * 1024;

/// Bytes both ways: a socket, or TLS over one.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Why an answer did not come.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It ended before the answer did.
    #[error("connection closed before the answer was complete")]
    Closed,
    /// What came is no HTTP/1.
    #[error("the answer is no HTTP: {0}")]
    NotHttp(#[from] httparse::Error),
    /// A length that is no number, or an encoding that nobody asked for.
    #[error("the answer's {0} is not understood")]
    Framing(&'static str),
    /// More than an answer can be.
    #[error("the answer is longer than any BatchWriteItem answer")]
    TooLong,
}

/// An answer that came whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Another call may follow on the same connection.
    pub(super) reusable: bool,
    /// `x-amz-crc32`: of the body.
    pub(super) checksum: Option<u32>,
    /// `x-amzn-RequestId`.
    pub(super) request_id: RequestId,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    /// With the connection.
    Close,
}

struct Head {
    bytes: usize,
    status: u16,
    framing: Framing,
    keeps: bool,
    checksum: Option<u32>,
    request_id: RequestId,
}

/// One connection, used for one call at a time.
pub(super) struct Connection {
    io: Box<dyn Io>,
    /// What was read and is not used up.
    inbox: Vec<u8>,
}

impl Connection {
    pub(super) fn new(io: impl Io + 'static) -> Self {
        Self {
            io: Box::new(io),
            inbox: Vec::with_capacity(INBOX_BYTES),
        }
    }

    /// Whether the server still holds it open and has said nothing unasked. Asks
    /// the system only if something came since the last answer.
    pub(super) async fn is_open(&mut self) -> bool {
        let mut byte = [0];
        let mut read = ReadBuf::new(&mut byte);
        poll_fn(|cx| Poll::Ready(Pin::new(&mut self.io).poll_read(cx, &mut read).is_pending()))
            .await
    }

    /// Sends `head` and `body`, and appends the answer's body to `answer`.
    pub(super) async fn exchange(
        &mut self,
        head: &[u8],
        body: &[u8],
        answer: &mut Vec<u8>,
    ) -> Result<Answer, HttpError> {
        self.inbox.clear();
        if let Err(error) = self.write(head, body).await {
            // A server may refuse what it has not read, and hang up on the rest.
            return match self.read(answer).await {
                Ok(of) => Ok(Answer {
                    reusable: false,
                    ..of
                }),
                Err(_) => Err(error.into()),
            };
        }
        self.read(answer).await
    }

    async fn write(&mut self, mut head: &[u8], mut body: &[u8]) -> io::Result<()> {
        while !(head.is_empty() && body.is_empty()) {
            let parts = [IoSlice::new(head), IoSlice::new(body)];
            let parts = if head.is_empty() { &parts[1..] } else { &parts };
            let io = &mut self.io;
            let written = poll_fn(|cx| Pin::new(&mut *io).poll_write_vectored(cx, parts)).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            let of_head = written.min(head.len());
            head = &head[of_head..];
            body = &body[written - of_head..];
        }
        self.io.flush().await
    }

    async fn read(&mut self, answer: &mut Vec<u8>) -> Result<Answer, HttpError> {
        let head = loop {
            match parse(&self.inbox)? {
                // Interim answers, such as 100 Continue.
                Some(head) if (100..200).contains(&head.status) => {
                    self.inbox.drain(..head.bytes);
                }
                Some(head) => break head,
                None if self.inbox.len() > MAX_HEAD_BYTES => return Err(HttpError::TooLong),
                None => self.fill().await?,
            }
        };
        self.inbox.drain(..head.bytes);
        let whole = match head.framing {
            Framing::Length(bytes) => self.sized(bytes, answer).await?,
            Framing::Chunked => self.chunked(answer).await?,
            Framing::Close => {
                self.until_closed(answer).await?;
                false
            }
        };
        Ok(Answer {
            status: head.status,
            reusable: whole && head.keeps,
            checksum: head.checksum,
            request_id: head.request_id,
        })
    }

    /// Reads some more; at least a byte.
    async fn fill(&mut self) -> Result<(), HttpError> {
        self.inbox.reserve(INBOX_BYTES / 2);
        match self.io.read_buf(&mut self.inbox).await? {
            0 => Err(HttpError::Closed),
            _ => Ok(()),
        }
    }

    /// Takes a body of so many bytes. Whether nothing came behind it.
    async fn sized(&mut self, bytes: usize, answer: &mut Vec<u8>) -> Result<bool, HttpError> {
        if bytes > MAX_BODY_BYTES {
            return Err(HttpError::TooLong);
        }
        while self.inbox.len() < bytes {
            self.fill().await?;
        }
        answer.extend_from_slice(&self.inbox[..bytes]);
        Ok(self.inbox.len() == bytes)
    }

    async fn chunked(&mut self, answer: &mut Vec<u8>) -> Result<bool, HttpError> {
        let before = answer.len();
        loop {
            let (line, bytes) = loop {
                match httparse::parse_chunk_size(&self.inbox) {
                    Ok(Status::Complete((line, bytes))) => break (line, bytes),
                    Ok(Status::Partial) if self.inbox.len() > MAX_HEAD_BYTES => {
                        return Err(HttpError::TooLong);
                    }
                    Ok(Status::Partial) => self.fill().await?,
                    Err(_) => return Err(HttpError::Framing("chunk size")),
                }
            };
            self.inbox.drain(..line);
            if bytes == 0 {
                break;
            }
            let room = MAX_BODY_BYTES.saturating_sub(answer.len() - before);
            let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= room);
            let bytes = bytes.ok_or(HttpError::TooLong)?;
            // And the end of the line behind it.
            while self.inbox.len() < bytes + 2 {
                self.fill().await?;
            }
            answer.extend_from_slice(&self.inbox[..bytes]);
            if &self.inbox[bytes..bytes + 2] != b"\r\n" {
                return Err(HttpError::Framing("chunk"));
            }
            self.inbox.drain(..bytes + 2);
        }
        // Trailers, which nobody needs, up to an empty line.
        loop {
            match self.inbox.windows(2).position(|two| two == b"\r\n") {
                Some(0) => return Ok(self.inbox.len() == 2),
                Some(at) => drop(self.inbox.drain(..at + 2)),
                None if self.inbox.len() > MAX_HEAD_BYTES => return Err(HttpError::TooLong),
                None => self.fill().await?,
            }
        }
    }

    async fn until_closed(&mut self, answer: &mut Vec<u8>) -> Result<(), HttpError> {
        loop {
            answer.append(&mut self.inbox);
            if answer.len() > MAX_BODY_BYTES {
                return Err(HttpError::TooLong);
            }
            match self.fill().await {
                Ok(()) => {}
                Err(HttpError::Closed) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// What a call makes of a server that says this and then hangs up: the answer's status,
/// and its body in `body`. Waits for nothing.
pub(super) fn answer_in(said: &[u8], body: &mut Vec<u8>) -> Result<u16, HttpError> {
    let said = io::Cursor::new(said.to_vec());
    let mut connection = Connection::new(tokio::io::join(said, tokio::io::sink()));
    let answer = connection.exchange(b"", b"", body).now_or_never();
    let answer = answer.unwrap_or(Err(HttpError::Closed))?;
    Ok(answer.status)
}

/// The head of an answer, once it is there as a whole.
fn parse(bytes: &[u8]) -> Result<Option<Head>, HttpError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let Status::Complete(length) = response.parse(bytes)? else {
        return Ok(None);
    };
    let status = response.code.unwrap_or(0);
    if status < 100 {
        return Err(HttpError::Framing("status"));
    }
    let has_no_body = status < 200 || status == 204 || status == 304;
    let mut keeps = response.version == Some(1);
    let mut framing = if has_no_body {
        Framing::Length(0)
    } else {
        Framing::Close
    };
    let (mut checksum, mut request_id) = (None, RequestId::default());
    for Header { name, value } in &*response.headers {
        if name.eq_ignore_ascii_case("content-length") && framing == Framing::Close {
            let text = std::str::from_utf8(value).unwrap_or_default().trim();
            let bytes = text.parse();
            framing = Framing::Length(bytes.map_err(|_| HttpError::Framing("content-length"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") && !has_no_body {
            // It overrides a length; no other encoding was asked for.
            if !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return Err(HttpError::Framing("transfer-encoding"));
            }
            framing = Framing::Chunked;
        } else if name.eq_ignore_ascii_case("connection") {
            let mut words = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
            if words.any(|word| word.eq_ignore_ascii_case(b"close")) {
                keeps = false;
            }
        } else if name.eq_ignore_ascii_case("x-amz-crc32") {
            let text = std::str::from_utf8(value).unwrap_or_default();
            checksum = text.trim().parse().ok();
        } else if name.eq_ignore_ascii_case("x-amzn-requestid") {
            request_id = RequestId::new(value);
        }
    }
    Ok(Some(Head {
        bytes: length,
        status,
        framing,
        keeps,
        checksum,
        request_id,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use tokio::io::duplex;

    use super::*;

    /// What a call makes of a server that says this, so many bytes at a time,
    /// and then hangs up.
    fn answered(said: &[u8], at_a_time: usize) -> Result<(Answer, String), HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (ours, mut theirs) = duplex(at_a_time);
            let mut connection = Connection::new(ours);
            let mut body = Vec::new();
            let serve = async {
                let mut request = [0; 8];
                theirs.read_exact(&mut request).await.unwrap();
                assert_eq!(&request, b"headbody");
                // Whoever has its answer may hang up.
                let _ = theirs.write_all(said).await;
                drop(theirs);
            };
            let call = async {
                let answer = connection.exchange(b"head", b"body", &mut body).await;
                // What the server has still to say is not waited for.
                drop(connection);
                answer
            };
            let (answer, ()) = tokio::join!(call, serve);
            Ok((answer?, String::from_utf8(body).unwrap()))
        })
    }

    #[test]
    fn answers_end_where_they_say_they_do() {
        for (said, status, body, reusable) in [
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
                200,
                "hi",
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiho",
                200,
                "hi",
                false,
            ),
            (
                "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
                400,
                "abc0123456789",
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-crc: 1\r\n\r\n",
                200,
                "",
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\nto the end",
                200,
                "to the end",
                false,
            ),
            (
                "HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 0\r\n\r\n",
                200,
                "",
                false,
            ),
            (
                "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
                200,
                "hi",
                false,
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Nothing\r\n\r\n",
                204,
                "",
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                200,
                "a",
                true,
            ),
        ] {
            for at_a_time in [1, 3, 1_000] {
                let (answer, read) = answered(said.as_bytes(), at_a_time).unwrap();
                // A byte at a time, what comes behind an answer is not there yet.
                if at_a_time > 100 {
                    assert_eq!(answer.reusable, reusable, "{said:?}");
                }
                assert_eq!((answer.status, read.as_str()), (status, body), "{said:?}");
            }
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error_that_says_why() {
        for (said, part) in [
            ("", "closed"),
            ("HTTP/1.1 200 OK\r\ncontent-le", "closed"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhi", "closed"),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
                "content-length",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
                "longer",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
                "transfer-encoding",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
                "chunk size",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc",
                "chunk",
            ),
            ("SSH-2.0-OpenSSH\r\n\r\n", "no HTTP"),
        ] {
            let error = answered(said.as_bytes(), 64).unwrap_err().to_string();
            assert!(error.contains(part), "{said:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_server_says_is_an_answer_or_an_error(
            said in prop::collection::vec(any::<u8>(), 0..200),
            head in prop::sample::select(vec![
                "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n",
            ]),
        ) {
            let said = [head.as_bytes(), &said].concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (ours, mut theirs) = duplex(1_000);
                let mut connection = Connection::new(ours);
                let serve = async {
                    let _ = theirs.write_all(&said).await;
                    drop(theirs);
                };
                let mut body = Vec::new();
                let call = async {
                    let _ = connection.exchange(b"", b"", &mut body).await;
                    drop(connection);
                };
                tokio::join!(call, serve);
            });
        }
    }
}
