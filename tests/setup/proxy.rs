//! A proxy before the embedded services that refuses one operation, and knows
//! which were called.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

const REFUSAL: &str = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","message":"User: arn:aws:iam::000000000000:user/test is not authorized"}"#;

/// Listens until the process ends.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Before `server`; calls of `refused` (such as `CreateTable`) are answered
    /// with AccessDeniedException.
    pub(crate) fn before(server: SocketAddr, refused: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let noted = Arc::clone(&noted);
                // A client that goes away in the middle of a call is no failure of the test's.
                thread::spawn(move || serve(client, server, refused, &noted).ok());
            }
        });
        Self { address, seen }
    }

    /// Operations that were called, as `service:Operation`, in the order of their
    /// first call.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// One call a connection.
fn serve(
    client: TcpStream,
    server: SocketAddr,
    refused: Option<&str>,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut length, mut target) = (String::new(), 0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if lower.starts_with("x-amz-target:") {
            target = line.split_once(':').unwrap().1.trim().to_owned();
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let operation = target.rsplit('.').next().unwrap_or_default();
    let service = if target.starts_with("Kinesis") {
        "kinesis"
    } else {
        "dynamodb"
    };
    let name = format!("{service}:{operation}");
    let mut noted = seen.lock().unwrap();
    if !noted.contains(&name) {
        noted.push(name);
    }
    drop(noted);
    let mut client = client;
    if refused == Some(operation) {
        return write!(
            client,
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{REFUSAL}",
            REFUSAL.len()
        );
    }
    let mut upstream = TcpStream::connect(server)?;
    write!(upstream, "{head}connection: close\r\n\r\n")?;
    upstream.write_all(&body)?;
    std::io::copy(&mut upstream, &mut client).map(drop)
}
