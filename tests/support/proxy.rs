//! A proxy before the embedded services that refuses calls, loses answers or makes others
//! of them, and knows which operations were called.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use minicbor::Encoder;
use minicbor::data::Token;
use minicbor::decode::Tokenizer;
use serde_json::Value;

/// What becomes of a call.
#[derive(Clone)]
pub(crate) enum Fate {
    Pass,
    /// Refused by an exception, with a message.
    Refuse(&'static str, &'static str),
    /// Served, but its answer never comes.
    LoseAnswer,
    /// Served, by a service whose clock says this.
    At(&'static str),
    /// Not served, and answered with this status, type and body.
    Answer(u16, &'static str, &'static str),
    /// Served, and its answer's body changed; length and checksum are made anew.
    Amend(Arc<dyn Fn(Value) -> Value + Send + Sync>),
    /// Served, and so many bytes of its answer's body left; length and checksum are of
    /// those.
    Truncate(usize),
    /// Served, and its answer's checksum is of another body.
    Garble,
    /// Served, and answered so much later.
    Late(Duration),
}

/// [`Fate::Amend`].
pub(crate) fn amend(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Fate {
    Fate::Amend(Arc::new(move |mut body| {
        change(&mut body);
        body
    }))
}

/// A call's operation, and how many calls of it came before, decide its fate.
type Weather = dyn Fn(&str, u32) -> Fate + Send + Sync;

pub(crate) const DENIED: Fate = Fate::Refuse(
    "AccessDeniedException",
    "User: arn:aws:iam::000000000000:user/test is not authorized",
);

const IDENTITY: &str = "<GetCallerIdentityResponse \
    xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
    <Arn>arn:aws:sts::000000000000:assumed-role/planner/ana</Arn><UserId>A:ana</UserId>\
    <Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

/// Listens until the process ends.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    keys: Arc<Mutex<Vec<(String, String)>>>,
}

/// What a stand-in for CloudWatch says of a metric.
pub(crate) enum Said {
    /// Values by the minute.
    Values(Vec<f64>),
    /// Values, and a StatusCode with a message of the metric's.
    Status(&'static str, &'static str, Vec<f64>),
    /// The whole call is refused with an exception.
    Refused(&'static str),
    /// Values, and a token of a next page.
    Endless(Vec<f64>),
    /// The call is never answered.
    Silence,
}

impl From<Result<Vec<f64>, &'static str>> for Said {
    fn from(said: Result<Vec<f64>, &'static str>) -> Self {
        said.map_or_else(Self::Refused, Self::Values)
    }
}

/// For its n-th call, what is said of a metric.
type CloudWatch = dyn Fn(u32, &str) -> Said + Send + Sync;

/// What every call needs to know.
struct Way {
    server: SocketAddr,
    weather: Box<Weather>,
    seen: Arc<Mutex<Vec<String>>>,
    /// Operations and the access keys that they were signed with, each pair once.
    keys: Arc<Mutex<Vec<(String, String)>>>,
    counts: Mutex<HashMap<String, u32>>,
    cloudwatch: Option<Box<CloudWatch>>,
}

impl Proxy {
    /// Before `server`, in fair weather.
    pub(crate) fn before(server: SocketAddr) -> Self {
        Self::in_weather(server, |_, _| Fate::Pass)
    }

    /// Calls of `operation` (such as `CreateTable`) are denied.
    pub(crate) fn denying(server: SocketAddr, operation: &'static str) -> Self {
        Self::in_weather(server, move |called, _| {
            if called == operation {
                DENIED
            } else {
                Fate::Pass
            }
        })
    }

    pub(crate) fn in_weather(
        server: SocketAddr,
        weather: impl Fn(&str, u32) -> Fate + Send + Sync + 'static,
    ) -> Self {
        Self::start(server, Box::new(weather), None)
    }

    /// In fair weather, with a CloudWatch that says this.
    pub(crate) fn with_cloudwatch<S: Into<Said>>(
        server: SocketAddr,
        cloudwatch: impl Fn(u32, &str) -> S + Send + Sync + 'static,
    ) -> Self {
        let fair = Box::new(|_: &str, _| Fate::Pass);
        let cloudwatch = move |call, metric: &str| cloudwatch(call, metric).into();
        Self::start(server, fair, Some(Box::new(cloudwatch)))
    }

    fn start(
        server: SocketAddr,
        weather: Box<Weather>,
        cloudwatch: Option<Box<CloudWatch>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, keys) = (Arc::default(), Arc::default());
        let way = Arc::new(Way {
            server,
            weather,
            seen: Arc::clone(&seen),
            keys: Arc::clone(&keys),
            counts: Mutex::default(),
            cloudwatch,
        });
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let way = Arc::clone(&way);
                // A client that goes away in the middle of a call is no failure of the test's.
                thread::spawn(move || serve(client, &way).ok());
            }
        });
        Self {
            address,
            seen,
            keys,
        }
    }

    /// Access keys that calls of this operation were signed with, each once.
    pub(crate) fn keys(&self, operation: &str) -> Vec<String> {
        let keys = self.keys.lock().unwrap();
        let of = keys.iter().filter(|(called, _)| called == operation);
        of.map(|(_, key)| key.clone()).collect()
    }

    /// Operations that were called, as `service:Operation`, in the order of their
    /// first call.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// One call a connection.
fn serve(client: TcpStream, way: &Way) -> std::io::Result<()> {
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
    // CloudWatch names its operation in the path, and not in a header.
    let path = head.split(' ').nth(1).unwrap_or_default();
    if let (Some((_, operation)), Some(cloudwatch)) =
        (path.rsplit_once("/operation/"), &way.cloudwatch)
    {
        let mut counts = way.counts.lock().unwrap();
        let count = counts.entry(operation.to_owned()).or_default();
        *count += 1;
        let answer = metric_data(*count, &body, cloudwatch);
        drop(counts);
        let mut client = client;
        return match answer {
            Some(answer) => client.write_all(&answer),
            // Until the caller gives up.
            None => reader.read_to_end(&mut Vec::new()).map(drop),
        };
    }
    let operation = target.rsplit('.').next().unwrap_or_default();
    let service = if target.starts_with("Kinesis") {
        "kinesis"
    } else {
        "dynamodb"
    };
    let name = format!("{service}:{operation}");
    let mut noted = way.seen.lock().unwrap();
    if !noted.contains(&name) {
        noted.push(name);
    }
    drop(noted);
    if let Some((_, credential)) = head.split_once("Credential=") {
        let key = credential.split('/').next().unwrap_or_default();
        let pair = (operation.to_owned(), key.to_owned());
        let mut keys = way.keys.lock().unwrap();
        if !keys.contains(&pair) {
            keys.push(pair);
        }
    }
    let mut counts = way.counts.lock().unwrap();
    let count = counts.entry(operation.to_owned()).or_default();
    let before = *count;
    *count += 1;
    drop(counts);
    let mut client = client;
    // STS speaks in forms, and not in operations.
    if target.is_empty() {
        return write!(
            client,
            "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{IDENTITY}",
            IDENTITY.len()
        );
    }
    let fate = (way.weather)(operation, before);
    let mut answer = |status: u16, kind: &str, body: &str| {
        write!(
            client,
            "HTTP/1.1 {status} As told\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        )
    };
    match fate {
        Fate::Refuse(exception, message) => {
            let body = format!(
                r#"{{"__type":"com.amazon.coral.service#{exception}","message":"{message}"}}"#
            );
            return answer(400, "application/x-amz-json-1.0", &body);
        }
        Fate::Answer(status, kind, body) => return answer(status, kind, body),
        _ => {}
    }
    let mut upstream = TcpStream::connect(way.server)?;
    write!(upstream, "{head}connection: close\r\n\r\n")?;
    upstream.write_all(&body)?;
    match fate {
        Fate::At(date) => {
            let mut answer = Vec::new();
            upstream.read_to_end(&mut answer)?;
            let (start, _) = answer
                .windows(8)
                .enumerate()
                .find(|(_, of)| of.eq_ignore_ascii_case(b"\r\ndate: "))
                .unwrap();
            let line = answer[start + 2..].iter().position(|byte| *byte == b'\r');
            let end = start + 2 + line.unwrap();
            answer.splice(start + 8..end, date.bytes());
            client.write_all(&answer)
        }
        Fate::LoseAnswer => upstream.read_to_end(&mut Vec::new()).map(drop),
        Fate::Amend(change) => client.write_all(&changed(upstream, |body| {
            let body = serde_json::from_slice(body).unwrap();
            let body = change(body).to_string().into_bytes();
            let checksum = crc32fast::hash(&body);
            (body, checksum)
        })?),
        Fate::Truncate(bytes) => client.write_all(&changed(upstream, |body| {
            let body = &body[..bytes.min(body.len())];
            (body.to_vec(), crc32fast::hash(body))
        })?),
        Fate::Garble => client.write_all(&changed(upstream, |body| {
            (body.to_vec(), !crc32fast::hash(body))
        })?),
        Fate::Late(by) => {
            let mut answer = Vec::new();
            upstream.read_to_end(&mut answer)?;
            thread::sleep(by);
            client.write_all(&answer)
        }
        _ => std::io::copy(&mut upstream, &mut client).map(drop),
    }
}

/// An answer with another body and checksum.
fn changed(
    mut upstream: TcpStream,
    change: impl FnOnce(&[u8]) -> (Vec<u8>, u32),
) -> std::io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(answer);
    };
    let (body, checksum) = change(&answer[end + 4..]);
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let kept = head.lines().filter(|line| {
        let line = line.to_ascii_lowercase();
        !line.starts_with("content-length:") && !line.starts_with("x-amz-crc32:")
    });
    let mut head = kept.collect::<Vec<_>>().join("\r\n");
    head.push_str(&format!(
        "\r\nx-amz-crc32: {checksum}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    ));
    Ok([head.into_bytes(), body].concat())
}

/// An answer of CloudWatch's to GetMetricData, by Smithy's RPC v2 CBOR
/// (<https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>), if there is one.
fn metric_data(call: u32, body: &[u8], cloudwatch: &CloudWatch) -> Option<Vec<u8>> {
    let texts: Vec<String> = Tokenizer::new(body)
        .filter_map(|token| match token.unwrap() {
            Token::String(text) => Some(text.to_owned()),
            _ => None,
        })
        .collect();
    let after = |name: &'static str| {
        let places = texts.windows(2).enumerate();
        places.filter(move |(_, pair)| pair[0] == name)
    };
    let mut results = Vec::new();
    let (mut refused, mut endless) = (None, false);
    for (at, id) in after("Id") {
        let named = after("MetricName").chain(after("Expression"));
        let named = named
            .filter(|(place, _)| *place > at)
            .min_by_key(|(place, _)| *place);
        let named = named.unwrap().1[1].clone();
        let metric = match named.split_once("MetricName=\"") {
            Some((_, rest)) => rest.split('"').next().unwrap().to_owned(),
            None => named,
        };
        let (status, values) = match cloudwatch(call, &metric) {
            Said::Values(values) => (("Complete", ""), values),
            Said::Status(status, message, values) => ((status, message), values),
            Said::Endless(values) => {
                endless = true;
                (("PartialData", ""), values)
            }
            Said::Refused(exception) => {
                refused = Some(exception);
                continue;
            }
            Said::Silence => return None,
        };
        results.push((id[1].clone(), status, values));
    }
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    let status = match refused {
        Some(exception) => {
            encoder
                .map(2)
                .unwrap()
                .str("__type")
                .unwrap()
                .str(exception)
                .unwrap();
            encoder
                .str("message")
                .unwrap()
                .str("told so by the test")
                .unwrap();
            "400 Bad Request"
        }
        None => {
            encoder.map(if endless { 2 } else { 1 }).unwrap();
            if endless {
                encoder.str("NextToken").unwrap().str("again").unwrap();
            }
            encoder.str("MetricDataResults").unwrap();
            encoder.array(results.len() as u64).unwrap();
            for (id, (status, message), values) in results {
                encoder.map(4).unwrap().str("Id").unwrap().str(&id).unwrap();
                encoder.str("StatusCode").unwrap().str(status).unwrap();
                encoder.str("Messages").unwrap();
                if message.is_empty() {
                    encoder.array(0).unwrap();
                } else {
                    encoder.array(1).unwrap().map(2).unwrap();
                    encoder.str("Code").unwrap().str("Told").unwrap();
                    encoder.str("Value").unwrap().str(message).unwrap();
                }
                encoder
                    .str("Values")
                    .unwrap()
                    .array(values.len() as u64)
                    .unwrap();
                for value in values {
                    encoder.f64(value).unwrap();
                }
            }
            "200 OK"
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nsmithy-protocol: rpc-v2-cbor\r\ncontent-type: application/cbor\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        out.len()
    );
    Some([head.into_bytes(), out].concat())
}
