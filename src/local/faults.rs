//! Faults that the services inject when asked to, to prove the instruments.
//!
//! In goes a specification such as `lose=1000,delay=200ms`; out come
//! decisions, call by call and record by record, and exact counts of what was
//! injected. This module decides; the server, the tables and the change
//! capture carry out. It reads no clock.

mod dice;
mod spec;

pub use dice::{CallFault, ChangeFault, FaultDice, Injected};
pub use spec::FaultError;

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// The next so many events, then no more.
    Next(u64),
    /// This share of all events, 0 to 100, each decided on its own.
    Percent(f64),
}

/// A time during which the services answer nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// How long, in microseconds.
    pub for_us: u64,
    /// When it begins: microseconds after the first write call.
    pub at_us: u64,
}

/// Which faults to inject. The default injects none.
///
/// Written as `kind=value`, several separated by commas. An amount is a count
/// (`1000`: the next 1,000 events; of a run with embedded services, those after its
/// warm-up) or a share (`1%`: that share of all
/// events); a duration is a number with `us`, `ms`, `s` or `m`.
///
/// | kind | value | what happens |
/// |---|---|---|
/// | `delay` | duration | change records arrive in the stream later by this |
/// | `lose` | amount | change records never arrive |
/// | `duplicate` | amount | change records arrive twice |
/// | `reorder` | amount | change records change places with the next one |
/// | `throttle` | amount | BatchWriteItem and PutItem calls are refused as a whole: `ProvisionedThroughputExceededException` on a provisioned table, `ThrottlingException` on an on-demand one |
/// | `unprocessed` | amount | items of BatchWriteItem calls come back in `UnprocessedItems`, not written |
/// | `disconnect` | amount | write calls: the connection closes without an answer, nothing is written |
/// | `disconnect-after` | amount | write calls: the connection closes without an answer, all is written |
/// | `error` | amount | write calls answer 500 InternalServerError, nothing is written |
/// | `error-html` | amount | the same with an HTML body, as a proxy would send |
/// | `respond` | duration | write calls are answered later by this |
/// | `stall` | duration`@`duration | nothing is answered for the first duration, from the second after the first write call |
///
/// Write calls are BatchWriteItem, PutItem and DeleteItem. At most one of
/// `disconnect`, `disconnect-after`, `error`, `error-html` and `throttle`
/// strikes one call, tried in this order.
///
/// ```
/// use hrload::local::Faults;
///
/// let faults: Faults = "lose=1%, stall=2s@5s".parse()?;
/// assert_eq!(faults.to_string(), "lose=1%,stall=2s@5s");
/// # Ok::<(), hrload::local::faults::FaultError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// Added to every change record's way to the stream, in microseconds.
    pub delay_us: Option<u64>,
    /// Change records that never arrive.
    pub lose: Option<Amount>,
    /// Change records that arrive twice.
    pub duplicate: Option<Amount>,
    /// Change records that change places with the next.
    pub reorder: Option<Amount>,
    /// Write calls refused as throttled.
    pub throttle: Option<Amount>,
    /// Items of a batch that come back unwritten.
    pub unprocessed: Option<Amount>,
    /// Write calls cut off before the write.
    pub disconnect: Option<Amount>,
    /// Write calls cut off after the write.
    pub disconnect_after: Option<Amount>,
    /// Write calls answered with a 500 in the service's shape.
    pub error: Option<Amount>,
    /// Write calls answered with a 500 page.
    pub error_html: Option<Amount>,
    /// Added to every write call's answer, in microseconds.
    pub respond_us: Option<u64>,
    /// A time without answers.
    pub stall: Option<Stall>,
}

impl Faults {
    /// Those that strike records of changes, on their way to a stream.
    #[must_use]
    pub fn of_changes(&self) -> Self {
        Self {
            delay_us: self.delay_us,
            lose: self.lose,
            duplicate: self.duplicate,
            reorder: self.reorder,
            ..Self::default()
        }
    }
}
