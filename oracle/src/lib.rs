//! Two DynamoDB engines side by side over HTTP: the embedded one, and dynoxide,
//! whose behaviour is verified against AWS by a public conformance suite.
//!
//! In goes an operation; out come both answers, in a form in which they can be
//! compared: request ids, ARNs' account numbers and timestamps differ by
//! nature and are taken out; the order of attributes, and of tables in a
//! batch's answer, does not matter.

use std::net::SocketAddr;

use hrload_local::Services;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// One engine's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Exception name without namespace; empty for a success.
    pub exception: String,
    /// The body without what differs by nature.
    pub body: Value,
}

/// Both engines, running.
pub struct Pair {
    runtime: Runtime,
    ours: Services,
    theirs: SocketAddr,
}

impl Pair {
    /// Starts both engines, empty, on free loopback ports.
    ///
    /// # Panics
    /// An engine does not start: there is nothing to compare then.
    #[must_use]
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let ours = Services::builder().start().expect("the embedded services");
        let database = dynoxide::Database::memory().expect("an in-memory dynoxide");
        let listener = runtime
            .block_on(TcpListener::bind(("127.0.0.1", 0)))
            .expect("a free port");
        let theirs = listener.local_addr().expect("a bound port");
        runtime.spawn(dynoxide::server::serve_on(listener, database));
        Self {
            runtime,
            ours,
            theirs,
        }
    }

    /// Sends the same call to both; ours first.
    ///
    /// # Panics
    /// An engine does not answer in HTTP and JSON.
    #[must_use]
    pub fn call(&self, operation: &str, body: &Value) -> (Answer, Answer) {
        let bytes = body.to_string();
        self.call_raw(operation, &bytes)
    }

    /// As [`Pair::call`], with a body that need not be JSON.
    ///
    /// # Panics
    /// An engine does not answer in HTTP and JSON.
    #[must_use]
    pub fn call_raw(&self, operation: &str, body: &str) -> (Answer, Answer) {
        self.runtime.block_on(async {
            (
                post(self.ours.address(), operation, body).await,
                post(self.theirs, operation, body).await,
            )
        })
    }
}

async fn post(address: SocketAddr, operation: &str, body: &str) -> Answer {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .expect("HTTP/1.1");
    tokio::spawn(connection);
    let request = Request::post("/")
        .header("host", address.to_string())
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature=0000000000000000000000000000000000000000000000000000000000000000",
        )
        .body(Full::new(Bytes::from(body.to_owned())))
        .expect("a well-formed request");
    let response = sender.send_request(request).await.expect("an answer");
    let status = response.status().as_u16();
    let bytes = response
        .into_body()
        .collect()
        .await
        .expect("a whole body")
        .to_bytes();
    let mut body: Value = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    let exception = body
        .get("__type")
        .and_then(Value::as_str)
        .map(|kind| kind.rsplit('#').next().unwrap_or(kind).to_owned())
        .unwrap_or_default();
    comparable(&mut body);
    Answer {
        status,
        exception,
        body,
    }
}

/// Members that differ between any two engines, or between two calls to one.
const BY_NATURE: [&str; 8] = [
    "__type",
    "TableId",
    "CreationDateTime",
    "LastUpdateToPayPerRequestDateTime",
    "LastIncreaseDateTime",
    "LastDecreaseDateTime",
    // Both accept it as an argument; only one describes it at rest.
    "DeletionProtectionEnabled",
    "WarmThroughput",
];

fn comparable(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in BY_NATURE {
                members.remove(name);
            }
            // The message's key is `message` in some exceptions, `Message` in others.
            if let Some(message) = members.remove("Message") {
                members.insert("message".to_owned(), message);
            }
            // One entry a table, in no order: AWS keeps them in a hash map.
            if let Some(Value::Array(tables)) = members.get_mut("ConsumedCapacity") {
                tables.sort_by_key(|table| table["TableName"].to_string());
            }
            members.values_mut().for_each(comparable);
            members.sort_keys();
        }
        Value::Array(elements) => elements.iter_mut().for_each(comparable),
        Value::String(text) if text.contains("at 'requestItems'") => *text = without_echo(text),
        Value::String(text) if text.starts_with("arn:aws:dynamodb:") => {
            // Region and account differ; the resource does not.
            *text = text.splitn(6, ':').last().unwrap_or_default().to_owned();
        }
        _ => {}
    }
}

/// DynamoDB repeats a refused BatchWriteItem in its message, each request with
/// every member it might have had: about twenty times the size of the request.
/// The embedded engine says only how many there are, so that is compared.
fn without_echo(message: &str) -> String {
    let mut short = String::new();
    let mut rest = message;
    while let Some(at) = rest.find("[WriteRequest(") {
        let (before, echo) = rest.split_at(at);
        // Values in these requests hold no brackets, so the first one closes the list.
        let (echo, after) = echo.split_once(']').unwrap_or((echo, ""));
        let requests = echo.matches("WriteRequest(putRequest=").count();
        short.push_str(&format!("{before}[{requests} requests]"));
        rest = after;
    }
    let short = short + rest;
    // The tables come in no order: AWS keeps them in a hash map.
    match short.split_once("Value '{").and_then(|(before, rest)| {
        let (tables, after) = rest.split_once("}' at")?;
        Some((before, tables, after))
    }) {
        Some((before, tables, after)) => {
            let mut tables: Vec<&str> = tables.split(", ").collect();
            tables.sort_unstable();
            format!("{before}Value '{{{}}}' at{after}", tables.join(", "))
        }
        None => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echoed_batch_is_compared_by_its_number_of_requests() {
        let request = "WriteRequest(putRequest=PutRequest(item={}), deleteRequest=null)";
        let echo = format!("Value '{{b=[{request}, {request}], a=[]}}' at");
        assert_eq!(without_echo(&echo), "Value '{a=[], b=[2 requests]}' at");
    }

    #[test]
    fn only_what_differs_by_nature_is_taken_out() {
        let mut body = serde_json::json!({
            "__type": "x#Y", "Message": "m", "TableArn": "arn:aws:dynamodb:eu-1:1:table/t", "Count": 1,
        });
        comparable(&mut body);
        assert_eq!(
            body,
            serde_json::json!({"message": "m", "TableArn": "table/t", "Count": 1})
        );
    }
}
