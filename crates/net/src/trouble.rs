//! What stood between a call and its answer, in the system's own words.

use std::error::Error;
use std::fmt;
use std::io;

use rustix::io::Errno;

use crate::endpoint::redact;

/// What a call met on its way. Each is read from the system's error, never
/// from the absence of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obstacle {
    /// This process, or this machine, has no file handle left.
    OpenFiles,
    /// This machine has no port left to connect from.
    Ports,
    /// This machine has no memory left for a socket.
    Memory,
    /// The target's machine answers, and nobody listens there.
    Refused,
    /// The connection was reset or closed before the answer was there.
    Cut,
    /// No answer came in time.
    Silent,
    /// No way leads to the target's network or machine.
    Unreachable,
    /// The target's name has no address.
    Name,
    /// TLS: a certificate that is not trusted, or a peer that speaks otherwise.
    Tls,
    /// Something else, told in its own words.
    Other,
}

/// An obstacle, and what the system said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it was.
    pub obstacle: Obstacle,
    /// The system's words, as in `Connection refused (os error 111)`.
    pub words: String,
}

impl Trouble {
    /// Reads an error and its causes.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let causes = causes(error);
        // An error number says most; it may lie within one of TLS or of a name.
        let numbered = causes.iter().find_map(|cause| {
            let of_name = || Some(&cause.downcast_ref::<NameError>()?.cause);
            let error = cause.downcast_ref::<io::Error>().or_else(of_name)?;
            numbered(Errno::from_raw_os_error(error.raw_os_error()?))
        });
        let of_proxy = causes
            .iter()
            .find_map(|cause| cause.downcast_ref::<ProxyError>());
        let obstacle = numbered
            .or_else(|| Some(of_proxy?.obstacle))
            .or_else(|| causes.iter().find_map(|cause| known(*cause)))
            .unwrap_or(Obstacle::Other);
        Self {
            obstacle,
            words: words(error),
        }
    }

    /// No answer came in time.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            obstacle: Obstacle::Silent,
            words: "no answer in time".to_owned(),
        }
    }
}

/// A name that has no address, or none that could be asked for.
#[derive(Debug)]
pub struct NameError {
    name: String,
    cause: io::Error,
}

impl NameError {
    /// `name` could not be looked up, by what the system said.
    pub fn new(name: &str, cause: io::Error) -> Self {
        Self {
            name: name.to_owned(),
            cause,
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot look up {}: {}", self.name, self.cause)
    }
}

impl Error for NameError {}

/// What was met on the way through a proxy.
#[derive(Debug)]
pub struct ProxyError {
    proxy: String,
    obstacle: Obstacle,
    words: String,
}

impl ProxyError {
    /// Behind, or at, `proxy`.
    pub fn new(proxy: &str, error: &(dyn Error + 'static)) -> Self {
        let Trouble { obstacle, words } = Trouble::of(error);
        Self {
            proxy: proxy.to_owned(),
            obstacle,
            words,
        }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on the way through {}: {}", self.proxy, self.words)
    }
}

impl Error for ProxyError {}

fn numbered(number: Errno) -> Option<Obstacle> {
    Some(match number {
        Errno::MFILE | Errno::NFILE => Obstacle::OpenFiles,
        Errno::ADDRNOTAVAIL | Errno::ADDRINUSE => Obstacle::Ports,
        Errno::NOBUFS | Errno::NOMEM => Obstacle::Memory,
        Errno::CONNREFUSED => Obstacle::Refused,
        Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE | Errno::NOTCONN => Obstacle::Cut,
        Errno::TIMEDOUT => Obstacle::Silent,
        Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::NETDOWN | Errno::HOSTDOWN => {
            Obstacle::Unreachable
        }
        _ => return None,
    })
}

fn known(cause: &(dyn Error + 'static)) -> Option<Obstacle> {
    if cause.is::<rustls::Error>() {
        return Some(Obstacle::Tls);
    }
    if cause.is::<NameError>() {
        return Some(Obstacle::Name);
    }
    if let Some(http) = cause.downcast_ref::<hyper::Error>() {
        let cut = http.is_incomplete_message() || http.is_closed() || http.is_canceled();
        return cut.then_some(Obstacle::Cut);
    }
    let kind = cause.downcast_ref::<io::Error>()?.kind();
    match kind {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Some(Obstacle::Cut),
        io::ErrorKind::TimedOut => Some(Obstacle::Silent),
        _ => None,
    }
}

/// What an error says, for people: its deepest cause tells what happened
/// (`Connection refused`), where the layers above only tell that something did.
/// Holds no secrets of URLs.
#[must_use]
pub fn words(error: &(dyn Error + 'static)) -> String {
    let deepest = causes(error).last().map(ToString::to_string);
    redact(deepest.unwrap_or_default().trim())
}

/// An error and its causes; what an [`io::Error`] wraps is one of them.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut all = vec![error];
    let mut last = error;
    loop {
        let wrapped = last
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let next = match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => last.source(),
        };
        let Some(next) = next else {
            return all;
        };
        all.push(next);
        last = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layer as libraries put them: it says that something failed.
    #[derive(Debug, thiserror::Error)]
    #[error("client error (Connect)")]
    struct Layer(#[source] io::Error);

    #[test]
    fn obstacles_are_read_from_the_systems_own_errors() {
        let numbered = |number: Errno| io::Error::from_raw_os_error(number.raw_os_error());
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        for (error, obstacle, says) in [
            (
                numbered(Errno::MFILE),
                Obstacle::OpenFiles,
                "Too many open files",
            ),
            (numbered(Errno::NFILE), Obstacle::OpenFiles, "open files"),
            (
                numbered(Errno::ADDRNOTAVAIL),
                Obstacle::Ports,
                "assign requested address",
            ),
            (numbered(Errno::NOBUFS), Obstacle::Memory, "No buffer space"),
            (
                numbered(Errno::CONNREFUSED),
                Obstacle::Refused,
                "Connection refused",
            ),
            (
                numbered(Errno::CONNRESET),
                Obstacle::Cut,
                "Connection reset by peer",
            ),
            (numbered(Errno::TIMEDOUT), Obstacle::Silent, "timed out"),
            (
                numbered(Errno::NETUNREACH),
                Obstacle::Unreachable,
                "Network is unreachable",
            ),
            (
                numbered(Errno::HOSTUNREACH),
                Obstacle::Unreachable,
                "No route to host",
            ),
            (
                io::ErrorKind::UnexpectedEof.into(),
                Obstacle::Cut,
                "end of file",
            ),
            (
                io::Error::other(NameError::new("db.invalid", numbered(Errno::NOENT))),
                Obstacle::Name,
                "db.invalid",
            ),
            (
                io::Error::new(io::ErrorKind::InvalidData, tls),
                Obstacle::Tls,
                "UnknownIssuer",
            ),
            (
                io::Error::other("a dog ate it"),
                Obstacle::Other,
                "a dog ate it",
            ),
        ] {
            let trouble = Trouble::of(&Layer(error));
            assert_eq!(trouble.obstacle, obstacle, "{trouble:?}");
            assert!(trouble.words.contains(says), "{trouble:?}");
            assert!(!trouble.words.contains("client error"), "{trouble:?}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_looked_up_for_want_of_file_handles_is_no_fault_of_the_name() {
        let files = io::Error::from_raw_os_error(Errno::MFILE.raw_os_error());
        let error = io::Error::other(NameError::new("host", files));
        assert_eq!(Trouble::of(&error).obstacle, Obstacle::OpenFiles);
    }
}
