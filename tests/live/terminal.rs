//! A pseudo-terminal with `hrload` in it, and whoever sits before it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};

use crate::support::hrload;

/// Longer than anything takes, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal's two ends: a person's, which other programs do not inherit, and the
/// program's.
pub(crate) fn open() -> (OwnedFd, File) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let controller = openpt(flags).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    (controller, device)
}

pub(crate) struct Terminal {
    keyboard: File,
    /// Kept open, so that what the program leaves behind can be read.
    device: File,
    before: Termios,
    screen: Arc<Mutex<Vec<u8>>>,
    pub(crate) child: Child,
}

impl Terminal {
    /// Runs `hrload` with these words in a terminal of its own.
    pub(crate) fn run(words: &str, columns: u16, rows: u16) -> Self {
        let (controller, device) = open();
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&controller, size).unwrap();
        let before = tcgetattr(&device).unwrap();
        // setsid makes it the controlling terminal and then becomes the program.
        let program = hrload();
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(program.get_program());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command
            .args(words.split_whitespace())
            .env("TERM", "xterm-256color")
            .stdin(Stdio::from(device.try_clone().unwrap()))
            .stdout(Stdio::from(device.try_clone().unwrap()))
            .stderr(Stdio::from(device.try_clone().unwrap()))
            .spawn()
            .unwrap();
        let keyboard = File::from(controller);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut output, shown) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                shown.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self {
            keyboard,
            device,
            before,
            screen,
            child,
        }
    }

    /// All that was written to the terminal so far.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    /// Waits until `text` was written, after the first `after` bytes.
    #[track_caller]
    pub(crate) fn await_text(&self, text: &str, after: usize) {
        let began = Instant::now();
        loop {
            let written = self.written();
            if written.get(after..).is_some_and(|new| new.contains(text)) {
                return;
            }
            let tail: String = written.chars().rev().take(2_000).collect();
            let tail: String = tail.chars().rev().collect();
            assert!(began.elapsed() < PATIENCE, "no {text:?} in {tail:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Whether keys come one by one, as they do while the screen is taken over.
    pub(crate) fn is_raw(&self) -> bool {
        let now = tcgetattr(&self.device).unwrap();
        !now.local_modes.contains(LocalModes::ICANON)
    }

    /// Waits for the end; asserts that the terminal is as it was.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
            if began.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("it does not end: {:?}", self.written());
            }
        };
        let after = tcgetattr(&self.device).unwrap();
        let modes = |of: &Termios| {
            (
                of.input_modes,
                of.output_modes,
                of.control_modes,
                of.local_modes,
            )
        };
        assert_eq!(modes(&after), modes(&self.before));
        // The reader may be a moment behind: what it has up to this, it has whole.
        self.device.write_all(b"<over>").unwrap();
        self.await_text("<over>", 0);
        let written = self.written();
        let last = |code: &str| written.rfind(code);
        assert!(last("\u{1b}[?1049l") > last("\u{1b}[?1049h"), "{written:?}");
        assert!(last("\u{1b}[?25h") > last("\u{1b}[?25l"), "{written:?}");
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
