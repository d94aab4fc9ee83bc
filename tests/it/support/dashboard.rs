//! `hrload dashboard` as another process, asked over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) struct Dashboard {
    _process: Running,
    /// As it was printed, token included.
    pub(crate) address: String,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Dashboard {
    pub(crate) fn start(command: &mut Command, words: &str) -> Self {
        let mut process = command
            .args(["--listen", "127.0.0.1:0", "-q"])
            .args(words.split_whitespace())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        Self {
            _process: Running(process),
            address: address.trim().to_owned(),
        }
    }

    pub(crate) fn of_lake(lake: &Path, words: &str) -> Self {
        let words = format!("--lake {} {words}", lake.display());
        Self::start(super::hrload().arg("dashboard"), &words)
    }

    pub(crate) fn host(&self) -> &str {
        let rest = self.address.strip_prefix("http://").unwrap();
        rest.split('/').next().unwrap()
    }

    /// Asks with these headers more.
    pub(crate) fn ask(&self, path: &str, host: &str, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(path, self.host(), "")
    }

    /// The first that the picker offers.
    pub(crate) fn wearable(&self) -> String {
        let page = self.get("/").body;
        let (_, offered) = page.split_once("<option value=\"").unwrap();
        let (_, offered) = offered.split_once("<datalist").unwrap();
        let (_, first) = offered.split_once("<option value=\"").unwrap();
        first.split('"').next().unwrap().to_owned()
    }

    /// Asks until the answer is as wanted; what it then was.
    #[track_caller]
    pub(crate) fn until(&self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.get(path);
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < patience, "{}", answer.body);
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Readings of the CSV, and how many rows it has.
pub(crate) fn readings(csv: &str) -> (u64, usize) {
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    let of_row = |row: &&str| row.split(',').nth(3).unwrap().parse::<u64>().unwrap();
    (rows.iter().map(of_row).sum(), rows.len())
}
