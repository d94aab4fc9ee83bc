//! The embedded services as another process, for tests of what drives others.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::{hrload, hrload_with_credentials};

/// `hrload local` as a process of its own, killed when dropped.
pub(crate) struct Local {
    process: Child,
    endpoint: String,
}

impl Local {
    pub(crate) fn start(words: &str) -> Self {
        Self::started(hrload(), words)
    }

    /// As such a command starts it.
    pub(crate) fn started(command: Command, words: &str) -> Self {
        Self::at("127.0.0.1:0", command, words)
    }

    /// Where another one listened.
    pub(crate) fn start_at(address: SocketAddr, words: &str) -> Self {
        Self::at(&address.to_string(), hrload(), words)
    }

    fn at(address: &str, mut command: Command, words: &str) -> Self {
        let mut process = command
            .args(["local", "--listen", address, "-q"])
            .args(words.split_whitespace())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut endpoint = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut endpoint)
            .unwrap();
        Self { process, endpoint }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let address = self.endpoint.trim().trim_start_matches("http://");
        address.trim_end_matches('/').parse().unwrap()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        super::signal(self.id(), name);
    }

    /// `hrload` with these words, driving it.
    pub(crate) fn client(&self, words: &str) -> Command {
        let mut command = hrload_with_credentials(words);
        command.args(["--endpoint-url", self.endpoint.trim()]);
        command
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
