//! What a person tells a run while it is on: to end, by signal or by key, and
//! how fast to go.
//!
//! The first Ctrl-C or SIGTERM asks for a gentle end, the second for one at
//! once. A [`Remote`] asks for the same from code: a terminal in raw mode sends
//! Ctrl-C as a key and not as a signal.

use std::io;

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

/// Listens for Ctrl-C, SIGTERM and every [`Remote`] from the moment it is made.
#[derive(Debug)]
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
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
    /// Takes over both signals. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn listen() -> io::Result<Self> {
        let (sender, orders) = mpsc::unbounded_channel();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
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
        tokio::select! {
            _ = self.interrupt.recv() => Order::End,
            _ = self.terminate.recv() => Order::End,
            // One sender is kept here, so there is always a next.
            Some(order) = self.orders.recv() => order,
        }
    }
}
