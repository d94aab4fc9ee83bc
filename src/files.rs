//! Files that people name: read up to a bound, changed by one process at a time, and kept
//! as well as their file system can.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Bytes that a file of settings, prices or a history has at most: what is larger is
/// something else, or a device without an end.
const MOST: u64 = 64 << 20;

/// Reads a file of text.
///
/// # Errors
/// It cannot be read, is no UTF-8, or has more than 64 MiB.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = Vec::new();
    File::open(path)?.take(MOST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MOST {
        let why = format!("it has more than {} MiB", MOST >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    String::from_utf8(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Has the system write a file to its disk, where its file system does such a thing.
///
/// # Errors
/// The system tried and failed.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if is_not_offered(&error) => Ok(()),
        synced => synced,
    }
}

/// No other process changes a file that this is of.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
    lacks: Option<String>,
    /// Unlocked when it is closed, which is after its file was removed.
    _lock: File,
}

/// What a process does where another one holds a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Busy {
    /// It waits until the other is done.
    Wait,
    /// It gets [`io::ErrorKind::WouldBlock`].
    Refuse,
}

/// Keeps other processes from changing a file that is replaced when it is written, for as
/// long as what is returned lives. A file of the same name with `.lock` at its end tells
/// them; one that a crash leaves behind holds nobody up.
///
/// # Errors
/// Another process holds it and is not waited for, or the file beside it cannot be made.
pub(crate) fn hold(path: &Path, busy: Busy) -> io::Result<Held> {
    // However it is reached, it is one file.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.into_os_string();
    name.push(".lock");
    let path = PathBuf::from(name);
    loop {
        let lock = File::options().create(true).append(true).open(&path)?;
        let locked = match busy {
            Busy::Wait => lock.lock(),
            Busy::Refuse => lock.try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
                TryLockError::Error(error) => error,
            }),
        };
        let lacks = match locked {
            Ok(()) => None,
            Err(error) if is_not_offered(&error) => Some(format!(
                "{} takes no locks ({error}): another hrload at work on it would not be noticed",
                path.display()
            )),
            Err(error) => return Err(error),
        };
        // Whoever held it before may have removed it between the two.
        let inode = |of: io::Result<fs::Metadata>| of.map(|of| (of.dev(), of.ino())).ok();
        if inode(lock.metadata()) == inode(fs::metadata(&path)) {
            return Ok(Held {
                path,
                lacks,
                _lock: lock,
            });
        }
    }
}

impl Held {
    /// What the file system cannot do of it, in words; `None` if it can.
    pub(crate) fn lacks(&self) -> Option<&str> {
        self.lacks.as_deref()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // One that stays holds nobody up.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a file system says that it does not do such a thing at all, as shared folders
/// say of syncing a folder, or of locks.
pub(crate) fn is_not_offered(error: &io::Error) -> bool {
    let not_offered = [
        Errno::INVAL,
        Errno::NOLCK,
        Errno::NOSYS,
        Errno::NOTSUP,
        Errno::OPNOTSUPP,
    ];
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| not_offered.contains(&errno))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_device_without_an_end_is_refused() {
        let refused = read_text(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_text(Path::new("/dev/null")).unwrap(), "");
    }

    #[test]
    fn what_a_file_system_does_not_offer_is_told_from_what_failed() {
        for (errno, expected) in [
            (Errno::INVAL, true),
            (Errno::NOLCK, true),
            (Errno::NOTSUP, true),
            (Errno::NOSYS, true),
            (Errno::IO, false),
            (Errno::NOSPC, false),
            (Errno::DQUOT, false),
            (Errno::ACCESS, false),
            (Errno::ROFS, false),
            (Errno::NOENT, false),
        ] {
            assert_eq!(is_not_offered(&errno.into()), expected, "{errno}");
        }
    }
}
