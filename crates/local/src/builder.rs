//! How the services are set up before they start.

use std::net::{Ipv4Addr, SocketAddr};

use hrload_base::hosts::HostName;

use super::capture::ChangeDelay;
use super::server::{Services, StartError};
use super::{Faults, Limits, Origin};

/// Settings of [`Services`] that are not running yet, made by [`Services::builder`].
///
/// Unless told otherwise the services listen on a free port of the loopback
/// address, serve with two threads, call themselves `us-east-1` and account
/// `000000000000`, keep 512 MiB of items and 512 MiB of records, and bring
/// changes to their stream as late as AWS was seen to. No capacity rule binds
/// and no fault strikes.
///
/// ```
/// use hrload_local::capture::ChangeDelay;
/// use hrload_local::{Faults, Limits, Services};
///
/// let faults: Faults = "unprocessed=1%".parse()?;
/// let services = Services::builder()
///     .capacity(Limits::default())
///     .change_delay(ChangeDelay::Fixed(0))
///     .faults(faults)
///     .start()?;
/// assert!(services.endpoint().starts_with("http://127.0.0.1:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing listens until `start`"]
pub struct Builder {
    pub(super) listen: SocketAddr,
    pub(super) allow_hosts: Vec<HostName>,
    pub(super) allow_origins: Vec<Origin>,
    pub(super) threads: usize,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) change_delay: ChangeDelay,
    pub(super) retain_bytes: u64,
    pub(super) limits: Option<Limits>,
    pub(super) null: bool,
    pub(super) faults: Faults,
    pub(super) seed: u64,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_hosts: Vec::new(),
            allow_origins: Vec::new(),
            threads: 2,
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            change_delay: ChangeDelay::default(),
            retain_bytes: 512 << 20,
            limits: None,
            null: false,
            faults: Faults::default(),
            seed: 1,
        }
    }
}

impl Builder {
    /// Sets the address to listen on; port 0 takes a free one.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Answers requests addressed to these host names too.
    ///
    /// `localhost` and IP addresses are always answered. Any other name is
    /// refused, so that no web page reaches the services by a name that it had
    /// resolved to this machine.
    pub fn allow_hosts(mut self, hosts: Vec<HostName>) -> Self {
        self.allow_hosts = hosts;
        self
    }

    /// Lets web pages of these origins call the services from a browser.
    pub fn allow_origins(mut self, origins: Vec<Origin>) -> Self {
        self.allow_origins = origins;
        self
    }

    /// Sets the number of server threads, at least one; connections are dealt to
    /// them in turn.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets the region that stands in ARNs and change records.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Sets the account id that stands in ARNs, twelve digits.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// Sets the time from a write to its record's arrival in the stream.
    pub fn change_delay(mut self, delay: ChangeDelay) -> Self {
        self.change_delay = delay;
        self
    }

    /// Sets how many bytes of items are kept, and as many of stream records; the
    /// oldest go first.
    pub fn retain_bytes(mut self, bytes: u64) -> Self {
        self.retain_bytes = bytes;
        self
    }

    /// Binds the services by AWS's capacity rules: tables and shards throttle as
    /// those of AWS do. `None` takes whatever comes.
    pub fn capacity(mut self, limits: impl Into<Option<Limits>>) -> Self {
        self.limits = limits.into();
        self
    }

    /// Answers BatchWriteItem as cheaply as can be and writes nothing, to measure
    /// clients alone.
    pub fn null(mut self, null: bool) -> Self {
        self.null = null;
        self
    }

    /// Injects faults.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Seeds the delays of changes and the choice of what faults strike.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts the services on threads of their own; returns when the port answers.
    ///
    /// # Errors
    /// The address cannot be listened on, or a thread cannot be started.
    pub fn start(self) -> Result<Services, StartError> {
        Services::start(self)
    }
}
