//! A DynamoDB that does as it is told: real HTTP, scripted answers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// What to answer one call with.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// All items are written.
    Written,
    /// All are written, and the connection is closed afterwards.
    WrittenAndClosed,
    /// The first so many items come back.
    Unprocessed(usize),
    /// This status and body.
    Raw(u16, &'static str, String),
    /// All are written, but the answer's checksum is of another body.
    Garbled,
    /// The connection is closed without an answer.
    Drop,
    /// [`Answer::Written`], this much later.
    Late(Duration),
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    connections: usize,
}

/// The running server; stops when dropped.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Scripted {
    /// Answers call by call from `script`, then writes everything.
    pub(crate) fn start(script: Vec<Answer>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let serve = serve(listener, shared, Arc::new(script));
                tokio::select! { () = serve => {}, _ = stopped => {} }
            });
        });
        Self {
            address: told.recv().unwrap(),
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Everything received so far, in order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>, script: Arc<Vec<Answer>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        state.lock().unwrap().connections += 1;
        let (state, script) = (Arc::clone(&state), Arc::clone(&script));
        tokio::spawn(async move {
            let service =
                service_fn(move |request| answer(request, Arc::clone(&state), Arc::clone(&script)));
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    script: Arc<Vec<Answer>>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let number = {
        let mut state = state.lock().unwrap();
        state.received.push(Received {
            path: head.uri.to_string(),
            headers: head.headers,
            body: body.clone(),
        });
        state.received.len() - 1
    };
    let reply = |status: u16, kind: &'static str, body: String| {
        Response::builder()
            .status(status)
            .header("content-type", kind)
            .header("x-amz-crc32", crc32fast::hash(body.as_bytes()))
            .header("x-amzn-requestid", format!("REQUEST{number}"))
            .body(Full::new(Bytes::from(body)))
    };
    let json = "application/x-amz-json-1.0";
    Ok(match script.get(number).unwrap_or(&Answer::Written) {
        Answer::Written => reply(200, json, written(&body, 0))?,
        Answer::WrittenAndClosed => {
            let mut response = reply(200, json, written(&body, 0))?;
            response
                .headers_mut()
                .insert("connection", http::HeaderValue::from_static("close"));
            response
        }
        Answer::Garbled => {
            let mut response = reply(200, json, written(&body, 0))?;
            response
                .headers_mut()
                .insert("x-amz-crc32", http::HeaderValue::from_static("1"));
            response
        }
        Answer::Unprocessed(back) => reply(200, json, written(&body, *back))?,
        Answer::Raw(status, kind, body) => reply(*status, kind, body.clone())?,
        Answer::Drop => return Err("dropped as told".into()),
        Answer::Late(pause) => {
            tokio::time::sleep(*pause).await;
            reply(200, json, written(&body, 0))?
        }
    })
}

/// The answer to a BatchWriteItem call of which the first `back` items come back.
fn written(body: &[u8], back: usize) -> String {
    let request: Value = serde_json::from_slice(body).unwrap();
    let tables = request["RequestItems"].as_object().unwrap();
    let (table, items) = tables.iter().next().unwrap();
    let items = items.as_array().unwrap();
    let mut unprocessed = json!({});
    if back > 0 {
        unprocessed[table] = json!(items[..back]);
    }
    json!({
        "UnprocessedItems": unprocessed,
        "ConsumedCapacity": [{ "TableName": table, "CapacityUnits": (items.len() - back) as f64 }],
    })
    .to_string()
}
