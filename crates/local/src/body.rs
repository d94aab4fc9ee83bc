//! Bodies of requests and of answers, and how much of them one connection may hold.
//!
//! With HTTP/2 a connection carries many calls at once, and a client need not read what
//! it asked for. So that such a connection holds little more than one of HTTP/1.1 does:
//! one large request is read at a time, and no call is carried out while too much of
//! earlier answers is unread.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, EXPECT, HeaderMap};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, mpsc};

use super::memory::make_room;

/// The largest request body, for all services
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>).
pub(super) const MAX_BODY_BYTES: usize = 16 << 20;
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client that sends too much may pause before it is answered all the same.
const EXCESS_PAUSE: Duration = Duration::from_secs(2);
/// A body above this is large: one connection has one of them at a time.
pub(super) const SMALL_BODY_BYTES: usize = 64 << 10;
/// Answers below this are not counted.
const SMALL_ANSWER_BYTES: usize = 16 << 10;
/// With as much unread, a connection's next call waits.
const MOST_UNREAD_BYTES: usize = 1 << 20;

/// How much of bodies one connection holds in memory.
#[derive(Debug)]
pub(super) struct Held {
    /// Bytes of answers that the client has not taken yet.
    unread: AtomicUsize,
    /// Rung when some of it was taken.
    taken: Notify,
    /// Held by the one large request that is read or carried out.
    large: Semaphore,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            unread: AtomicUsize::new(0),
            taken: Notify::new(),
            large: Semaphore::new(1),
        }
    }
}

impl Held {
    fn is_full(&self) -> bool {
        self.unread.load(Relaxed) >= MOST_UNREAD_BYTES
    }

    /// Waits until the client has read enough of what it was answered.
    pub(super) async fn room(&self) {
        while self.is_full() {
            let mut taken = std::pin::pin!(self.taken.notified());
            // Listen before looking again, so that nothing is taken in between unnoticed.
            taken.as_mut().enable();
            if self.is_full() {
                taken.await;
                // Whoever is gone meanwhile is noticed while this waits, and never otherwise.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Counts an answer until the connection lets go of it.
    pub(super) fn count(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        if bytes.len() < SMALL_ANSWER_BYTES {
            return bytes;
        }
        self.unread.fetch_add(bytes.len(), Relaxed);
        Bytes::from_owner(Counted {
            bytes,
            held: Arc::clone(self),
        })
    }
}

/// Bytes of an answer that are counted until they are dropped.
struct Counted {
    bytes: Bytes,
    held: Arc<Held>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.held.unread.fetch_sub(self.bytes.len(), Relaxed);
        self.held.taken.notify_waiters();
    }
}

/// An answer's body: whole, or as it comes.
pub(super) enum Body {
    Whole(Option<Bytes>),
    Events(Events),
}

/// Frames of a subscription, taken only when the client reads.
pub(super) struct Events {
    frames: mpsc::Receiver<Bytes>,
    held: Arc<Held>,
    room: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Body {
    pub(super) fn empty() -> Self {
        Self::Whole(None)
    }

    pub(super) fn events(frames: mpsc::Receiver<Bytes>, held: &Arc<Held>) -> Self {
        Self::Events(Events {
            frames,
            held: Arc::clone(held),
            room: None,
        })
    }
}

impl Events {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.room.is_none() && self.held.is_full() {
            let held = Arc::clone(&self.held);
            self.room = Some(Box::pin(async move { held.room().await }));
        }
        if let Some(room) = &mut self.room {
            ready!(room.as_mut().poll(context));
            self.room = None;
        }
        let frame = ready!(self.frames.poll_recv(context));
        Poll::Ready(frame.map(|bytes| self.held.count(bytes)))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Events(events) => events
                .poll_next(context)
                .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

/// A request's body, and the right to hold it where it is large.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    pub(super) bytes: Bytes,
    _large: Option<SemaphorePermit<'a>>,
}

/// Why there is no body.
#[derive(Debug)]
pub(super) enum Unsent {
    /// It is larger than [`MAX_BODY_BYTES`]; whether all of it was sent.
    TooLarge { whole: bool },
    /// The client did not send it in time, or went away.
    Cut,
}

/// Reads a request's body. What is too large is read to its end and forgotten: a client
/// that is still sending does not see an answer.
pub(super) async fn read<'a>(
    mut body: Incoming,
    headers: &HeaderMap,
    held: &'a Held,
) -> Result<Sent<'a>, Unsent> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut excess = announced.is_some_and(|bytes| bytes > MAX_BODY_BYTES);
    if excess && headers.contains_key(EXPECT) {
        // It waits to be told whether to send.
        return Err(Unsent::TooLarge { whole: false });
    }
    let until = tokio::time::Instant::now() + BODY_TIMEOUT;
    let mut large = None;
    let (mut first, mut all) = (Bytes::new(), Vec::new());
    loop {
        let patience = if excess {
            until.min(tokio::time::Instant::now() + EXCESS_PAUSE)
        } else {
            until
        };
        let data = match tokio::time::timeout_at(patience, body.frame()).await {
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            Ok(None) => break,
            Err(_) if excess => return Err(Unsent::TooLarge { whole: false }),
            Ok(Some(Err(_))) | Err(_) => return Err(Unsent::Cut),
        };
        if excess {
            continue;
        }
        let length = first.len() + all.len() + data.len();
        if length > MAX_BODY_BYTES {
            excess = true;
            (first, all) = (Bytes::new(), Vec::new());
            large = None;
            continue;
        }
        if length > SMALL_BODY_BYTES && large.is_none() {
            let mine = tokio::time::timeout_at(until, held.large.acquire()).await;
            // The semaphore is never closed.
            large = mine.map_err(|_| Unsent::Cut)?.ok();
        }
        if length == data.len() {
            first = data;
        } else {
            make_room(&mut all, first.len() + data.len());
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    if excess {
        return Err(Unsent::TooLarge { whole: true });
    }
    let bytes = if all.is_empty() { first } else { all.into() };
    Ok(Sent {
        bytes,
        _large: large,
    })
}
