//! The protocol: raw HTTP, right and wrong.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hrload_local::capture::ChangeDelay;
use hrload_local::{Faults, Limits, Services};
use serde_json::{Value, json};

pub(crate) fn services(faults: &str) -> Services {
    services_under(None, faults)
}

/// The same with AWS's limits, or without.
pub(crate) fn services_under(limits: Option<Limits>, faults: &str) -> Services {
    Services::builder()
        .region("eu-west-1")
        .change_delay(ChangeDelay::Fixed(0))
        .retain_bytes(64 << 20)
        .capacity(limits)
        .faults(faults.parse::<Faults>().unwrap())
        .start()
        .unwrap()
}

/// A response: status, head and body as they came. Nothing if the connection
/// was closed without one.
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        lines
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

pub(crate) fn connect(services: &Services) -> TcpStream {
    let stream = TcpStream::connect(services.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

/// Sends bytes and reads one response with a content length.
pub(crate) fn exchange(stream: &mut TcpStream, request: &[u8]) -> Option<Raw> {
    stream.write_all(request).ok()?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 16384];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(end) = text.find("\r\n\r\n") {
            let length: usize = text[..end]
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(Raw {
                    status: text[9..12].parse().unwrap(),
                    head: text[..end].to_owned(),
                    body: bytes[end + 4..end + 4 + length].to_vec(),
                });
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

pub(crate) const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=b\r\nX-Amz-Date: 20260101T000000Z\r\n";

pub(crate) fn request(target: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: {target}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// A signed DynamoDB call on a connection of its own.
pub(crate) fn call(services: &Services, operation: &str, body: &Value) -> Option<Raw> {
    let target = format!("DynamoDB_20120810.{operation}");
    exchange(
        &mut connect(services),
        &request(&target, SIGNED, body.to_string().as_bytes()),
    )
}

/// A signed Kinesis call.
pub(crate) fn kinesis(services: &Services, operation: &str, body: &Value) -> Value {
    let target = format!("Kinesis_20131202.{operation}");
    let raw = exchange(
        &mut connect(services),
        &request(&target, SIGNED, body.to_string().as_bytes()),
    );
    raw.unwrap().json()
}

/// A signed call of DynamoDB Streams.
pub(crate) fn streams(services: &Services, operation: &str, body: &Value) -> Value {
    let target = format!("DynamoDBStreams_20120810.{operation}");
    let raw = exchange(
        &mut connect(services),
        &request(&target, SIGNED, body.to_string().as_bytes()),
    );
    raw.unwrap().json()
}

/// Asks until the answer is as wanted.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{what} did not happen");
}

/// Creates a table `t.t` with the key `id` and waits until it is active.
pub(crate) fn create_table(services: &Services, provisioned: bool) {
    let mut body = json!({"TableName": "t.t", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]});
    if provisioned {
        body["BillingMode"] = json!("PROVISIONED");
        body["ProvisionedThroughput"] = json!({"ReadCapacityUnits": 10, "WriteCapacityUnits": 10});
    }
    assert_eq!(call(services, "CreateTable", &body).unwrap().status, 200);
    until("the table becoming active", || {
        let described = call(services, "DescribeTable", &json!({"TableName": "t.t"})).unwrap();
        described.json()["Table"]["TableStatus"] == "ACTIVE"
    });
}

pub(crate) fn put(services: &Services, id: &str) -> Option<Raw> {
    call(
        services,
        "PutItem",
        &json!({"TableName": "t.t", "Item": {"id": {"S": id}}}),
    )
}

pub(crate) fn count(services: &Services) -> u64 {
    let body = json!({"TableName": "t.t", "Select": "COUNT", "ConsistentRead": true});
    call(services, "Scan", &body).unwrap().json()["Count"]
        .as_u64()
        .unwrap()
}

#[test]
fn answers_carry_the_headers_of_the_service() {
    let services = services("");
    let raw = call(&services, "ListTables", &json!({})).unwrap();
    assert_eq!(raw.status, 200);
    assert_eq!(
        raw.header("content-type"),
        Some("application/x-amz-json-1.0")
    );
    let checksum = crc32fast::hash(&raw.body).to_string();
    assert_eq!(raw.header("x-amz-crc32"), Some(&*checksum));
    let id = raw.header("x-amzn-requestid").unwrap().to_owned();
    assert!(
        id.len() == 52
            && id
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
        "{id}"
    );
    let again = call(&services, "ListTables", &json!({})).unwrap();
    assert_ne!(again.header("x-amzn-requestid"), Some(&*id));
}

#[test]
fn wrong_requests_get_the_services_own_errors() {
    let services = services("");
    let list = "DynamoDB_20120810.ListTables";
    let cbor = format!("{SIGNED}Content-Type: application/x-amz-cbor-1.1\r\n");
    for (request, status, kind) in [
        (
            request(list, "", b"{}"),
            400,
            "com.amazon.coral.service#MissingAuthenticationTokenException",
        ),
        (
            request(
                list,
                "Authorization: AWS4-HMAC-SHA256 Credential=a\r\n",
                b"{}",
            ),
            400,
            "com.amazon.coral.service#IncompleteSignatureException",
        ),
        (
            request(list, SIGNED, b"{"),
            400,
            "com.amazon.coral.service#SerializationException",
        ),
        (
            request(list, SIGNED, b""),
            400,
            "com.amazon.coral.service#SerializationException",
        ),
        (
            request(list, SIGNED, b"{\"a\":\"\xff\"}"),
            400,
            "com.amazon.coral.service#SerializationException",
        ),
        (
            request("DynamoDB_20120810.Nonsense", SIGNED, b"{}"),
            400,
            "com.amazon.coral.service#UnknownOperationException",
        ),
        (
            request("DynamoDB_20120810.UpdateItem", SIGNED, b"{}"),
            400,
            "com.amazon.coral.service#UnknownOperationException",
        ),
        (
            request("Something.ListTables", SIGNED, b"{}"),
            400,
            "com.amazon.coral.service#UnknownOperationException",
        ),
        (
            request("Kinesis_20131202.Nonsense", SIGNED, b"{}"),
            400,
            "UnknownOperationException",
        ),
        (
            request("Kinesis_20131202.ListStreams", &cbor, b"\xa0"),
            400,
            "SerializationException",
        ),
        (
            request(list, SIGNED, &vec![b' '; (16 << 20) + 1]),
            413,
            "com.amazon.coral.service#RequestEntityTooLargeException",
        ),
    ] {
        let raw = exchange(&mut connect(&services), &request).unwrap();
        assert_eq!(
            (raw.status, raw.json()["__type"].as_str()),
            (status, Some(kind))
        );
    }
    let raw = exchange(
        &mut connect(&services),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    .unwrap();
    assert!(raw.status == 200 && raw.body.starts_with(b"healthy: dynamodb"));
    let raw = exchange(
        &mut connect(&services),
        b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    .unwrap();
    assert_eq!(raw.status, 404);
}

#[test]
fn clients_that_stall_or_idle_do_not_hurt_the_others() {
    let services = services("");
    let idle: Vec<TcpStream> = (0..300).map(|_| connect(&services)).collect();
    let mut stalled: Vec<TcpStream> = (0..20).map(|_| connect(&services)).collect();
    let half = request("DynamoDB_20120810.ListTables", SIGNED, b"{\"Limit\":1}");
    for (at, stream) in stalled.iter_mut().enumerate() {
        stream.write_all(&half[..half.len() - 1 - at]).unwrap();
    }
    for _ in 0..20 {
        assert_eq!(
            call(&services, "ListTables", &json!({})).unwrap().status,
            200
        );
    }
    // A client that goes on after all gets its answer.
    let raw = exchange(&mut stalled[0], &half[half.len() - 1..]).unwrap();
    assert_eq!(raw.status, 200);
    drop(idle);
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let services = services("");
    let mut stream = connect(&services);
    for limit in 1..50 {
        let body = json!({"Limit": limit}).to_string();
        let raw = exchange(
            &mut stream,
            &request("DynamoDB_20120810.ListTables", SIGNED, body.as_bytes()),
        );
        assert_eq!(raw.unwrap().json(), json!({"TableNames": []}));
    }
    assert!(services.cpu_us() > 0);
}

#[test]
fn a_port_in_use_is_one_clear_error_and_stopping_frees_it() {
    let first = services("");
    let listen = first.address();
    let error = Services::builder()
        .listen(listen)
        .start()
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(&format!("cannot listen on {listen}: ")),
        "{error}"
    );
    assert_eq!(first.endpoint(), format!("http://{listen}"));
    drop(first);
    assert!(TcpStream::connect(listen).is_err());
}

#[test]
fn a_client_of_http_2_is_known_by_its_first_words_however_they_arrive() {
    let services = services("");
    // The preface, and SETTINGS without any.
    let begins = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for first in [1, 3, 14, begins.len()] {
        let mut stream = connect(&services);
        stream.set_nodelay(true).unwrap();
        let (at_once, later) = begins.split_at(first);
        stream.write_all(at_once).unwrap();
        // The server has looked at those, or will see all of them together.
        let mut other = connect(&services);
        let list = request("DynamoDB_20120810.ListTables", SIGNED, b"{}");
        assert_eq!(exchange(&mut other, &list).unwrap().status, 200);
        stream.write_all(later).unwrap();
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).unwrap();
        assert_eq!(frame[3], 4, "SETTINGS after {first} bytes, not {frame:?}");
    }
}
