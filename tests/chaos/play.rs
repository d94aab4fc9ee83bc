//! How cases are played: a run, a delivery or a dashboard, with its weather.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use super::support::local::Local;
use super::support::shim;
use super::support::{hrload, hrload_with_credentials};
use super::told::Told;

/// A small run: what it meets does not hang on how fast this machine is.
const RUN: [(&str, &str); 6] = [
    ("--devices", "100"),
    ("-r", "100/s"),
    ("-w", "0s"),
    ("-d", "2s"),
    ("--drain", "5s"),
    ("--timeout", "1s"),
];

/// Both clients.
pub(crate) const CLIENTS: [&str; 2] = ["sdk", "direct"];

/// What reads the changes, and the words for it.
pub(crate) const READERS: [(&str, &str); 3] = [
    ("polling", "--via kinesis"),
    ("fan-out", "--via kinesis --consumer enhanced-fan-out"),
    ("table-stream", "--via dynamodb-streams"),
];

/// The embedded services, whose changes are captured at once.
pub(crate) fn server(words: &str) -> Local {
    Local::start(&format!("--change-delay 0 {words}"))
}

/// A run with services of its own.
pub(crate) fn embedded(words: &str) -> Told {
    let mut command = hrload();
    command.args(["run", "-o", "-"]);
    if !words.contains("--via none") {
        command.args(["--change-delay", "0"]);
    }
    command.args(words.split_whitespace());
    Told::of(&command.output().unwrap())
}

/// The command of a run against `address`.
pub(crate) fn against(address: SocketAddr, words: &str) -> Command {
    at(&format!("http://{address}"), words)
}

/// The command of a run against a URL.
pub(crate) fn at(url: &str, words: &str) -> Command {
    let given = |option: &str| words.split_whitespace().any(|word| word == option);
    let rest = RUN.iter().filter(|(option, _)| !given(option));
    let rest: Vec<String> = rest
        .map(|(option, value)| format!("{option} {value}"))
        .collect();
    let rest = rest.join(" ");
    let output = if given("-o") { "" } else { "-o -" };
    hrload_with_credentials(&format!("run {rest} {words} --endpoint-url {url} {output}"))
}

/// Runs it.
pub(crate) fn all(mut command: Command) -> Told {
    Told::of(&command.output().unwrap())
}

/// Runs it; once it measures, `meddle` is called with its process.
pub(crate) fn meddled(command: Command, meddle: impl FnOnce(u32)) -> Told {
    meddled_at(command, "measuring", meddle)
}

/// The same, once it has told a line with this text.
pub(crate) fn meddled_at(mut command: Command, text: &str, meddle: impl FnOnce(u32)) -> Told {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut before = String::new();
    let came = loop {
        let start = before.len();
        match stderr.read_line(&mut before).unwrap() {
            // It ended before, and has said why.
            0 => break false,
            _ if before[start..].contains(text) => break true,
            _ => {}
        }
    };
    let mut stdout = child.stdout.take().unwrap();
    let printed = std::thread::spawn(move || {
        let mut text = Vec::new();
        stdout.read_to_end(&mut text).unwrap();
        text
    });
    let told = std::thread::spawn(move || {
        let mut text = before.into_bytes();
        stderr.read_to_end(&mut text).unwrap();
        text
    });
    if came {
        meddle(child.id());
    }
    Told::of(&Output {
        status: child.wait().unwrap(),
        stdout: printed.join().unwrap(),
        stderr: told.join().unwrap(),
    })
}

/// So long does a trouble last, where it passes.
pub(crate) fn for_a_while() {
    std::thread::sleep(Duration::from_millis(700));
}

/// The same command behind `ulimit WORDS`.
pub(crate) fn limited(plain: &Command, limit: &str) -> Command {
    let mut shell = Command::new("sh");
    let text = format!("ulimit {limit}; exec \"$0\" \"$@\"");
    shell.args(["-c", &text]);
    shell.arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// A machine that is odd while it is told to be.
pub(crate) struct Machine {
    armed: PathBuf,
    _folder: TempDir,
}

impl Machine {
    /// Puts it before a command: what `shim.c` is told, not yet so.
    pub(crate) fn before(command: &mut Command, told: &[(&str, &str)]) -> Self {
        static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
        let (_, library) = LIBRARY.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let library = shim::shim(folder.path());
            (folder, library)
        });
        let folder = tempfile::tempdir().unwrap();
        let armed = folder.path().join("armed");
        for told in told {
            shim::before(command, library, *told);
        }
        command.env("SHIM_ARMED", &armed);
        Self {
            armed,
            _folder: folder,
        }
    }

    /// From now on it is so.
    pub(crate) fn arm(&self) {
        std::fs::write(&self.armed, "").unwrap();
    }

    /// And from now on no more.
    pub(crate) fn disarm(&self) {
        std::fs::remove_file(&self.armed).unwrap();
    }
}

/// Lines of the objects in a lake.
pub(crate) fn lines(lake: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(lake) else {
        return 0;
    };
    let mut lines = 0;
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('_') {
            lines += self::lines(&path);
        } else if path.is_file() && !name.contains('#') {
            let text = std::fs::read(&path).unwrap_or_default();
            lines += text.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
    }
    lines
}
