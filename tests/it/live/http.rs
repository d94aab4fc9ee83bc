//! Just enough HTTP to ask as a scraper and to listen as a collector.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Status, head and body of an answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What Prometheus asks for when it scrapes.
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,\
    application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// Asks once as Prometheus does, on a connection of its own; `None` when nobody
/// answers.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str) -> Option<Answer> {
    ask_with(address, &address.to_string(), method, path, PROMETHEUS)
}

/// Asks once by the name `host`.
pub(crate) fn ask_as(address: SocketAddr, host: &str, method: &str, path: &str) -> Option<Answer> {
    ask_with(address, host, method, path, PROMETHEUS)
}

/// Asks once with another `Accept`.
pub(crate) fn ask_for(
    address: SocketAddr,
    method: &str,
    path: &str,
    accept: &str,
) -> Option<Answer> {
    ask_with(address, &address.to_string(), method, path, accept)
}

fn ask_with(
    address: SocketAddr,
    host: &str,
    method: &str,
    path: &str,
    accept: &str,
) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\naccept: {accept}\r\n\
         connection: close\r\n\r\n"
    )
    .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some(Answer {
        status: head.split(' ').nth(1)?.parse().ok()?,
        head: head.to_lowercase(),
        body: body.to_owned(),
    })
}

/// A request as it came.
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Reads one request with a length and answers it with `status`.
pub(crate) fn hear(stream: &mut TcpStream, status: u16) -> Option<Asked> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|length| *length > 0)?;
    let mut head = String::new();
    loop {
        let before = head.len();
        reader.read_line(&mut head).ok()?;
        if head[before..].trim().is_empty() {
            break;
        }
    }
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    write!(
        stream,
        "HTTP/1.1 {status} x\r\ncontent-length: 2\r\n\r\n{{}}"
    )
    .ok()?;
    Some(Asked { line, head, body })
}
