//! What a person tells a run while it is on: to end, by signal or by key, and
//! how fast to go.
//!
//! The first signal asks for a gentle end, the second for one at once; what was made is
//! removed either way. Signals are Ctrl-C, SIGTERM, SIGQUIT, and SIGHUP when the terminal
//! closes. A [`Remote`] asks for the same from code: a terminal in raw mode sends
//! Ctrl-C as a key and not as a signal.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// To end: gently, and when told so a second time, at once.
    End,
    /// To go on at this multiple of the rate asked for; 0 pauses.
    Tempo(f64),
}

/// Listens for signals that end and for every [`Remote`] from the moment it is made.
#[derive(Debug)]
pub struct Interrupts {
    signals: [Signal; 3],
    /// `None` where it is ignored, and once it came: a terminal that closes may send
    /// it twice, and means the same.
    hang_up: Option<Signal>,
    orders: mpsc::UnboundedReceiver<Order>,
    remote: Remote,
    /// The last tempo that was ordered while nothing was sent.
    tempo: Option<f64>,
}

/// Gives orders to a run, from any thread.
#[derive(Debug, Clone)]
pub struct Remote(mpsc::UnboundedSender<Order>);

impl Remote {
    /// Tells the run. One that is over does not hear it.
    pub fn give(&self, order: Order) {
        let _ = self.0.send(order);
    }
}

impl Interrupts {
    /// Takes over the signals; SIGHUP not where it is ignored (`nohup`). Call it inside a
    /// tokio runtime.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn listen() -> io::Result<Self> {
        let (sender, orders) = mpsc::unbounded_channel();
        // A file that grows over this process's limit (`ulimit -f`) fails its write, as on
        // a full disk; unheard, the signal would end the process with all it knows.
        let too_large = rustix::process::Signal::XFSZ.as_raw();
        drop(signal(SignalKind::from_raw(too_large))?);
        let hang_up = (!ignores_hang_up()).then(|| signal(SignalKind::hangup()));
        Ok(Self {
            signals: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::quit())?,
            ],
            hang_up: hang_up.transpose()?,
            orders,
            remote: Remote(sender),
            tempo: None,
        })
    }

    /// What gives orders without a signal.
    #[must_use]
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// Waits for the next order to end. Safe to cancel: none is lost. A tempo
    /// that is ordered meanwhile is kept for [`Self::kept_tempo`].
    pub async fn next(&mut self) {
        while let Order::Tempo(factor) = self.order().await {
            self.tempo = Some(factor);
        }
    }

    /// The tempo that was ordered before there was anything to go by it.
    pub fn kept_tempo(&mut self) -> Option<f64> {
        self.tempo.take()
    }

    /// Waits for the next order of any kind. Safe to cancel: none is lost.
    pub async fn order(&mut self) -> Order {
        let (signals, hang_up) = (&mut self.signals, &mut self.hang_up);
        let any = poll_fn(|cx| {
            let mut came = |of: &mut Signal| of.poll_recv(cx).is_ready();
            if hang_up.as_mut().is_some_and(&mut came) {
                // Still taken over, and heard no more.
                *hang_up = None;
                return Poll::Ready(());
            }
            match signals.iter_mut().any(came) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        });
        tokio::select! {
            () = any => Order::End,
            // One sender is kept here, so there is always a next.
            Some(order) = self.orders.recv() => order,
        }
    }
}

/// Whether this process was started with SIGHUP ignored. Linux tells; elsewhere it is
/// taken to be so.
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 << (SignalKind::hangup().as_raw_value() - 1) != 0)
}
