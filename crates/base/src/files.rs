//! Files that people name: read up to a bound, and kept as well as their file system can.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::io::Errno;

/// Bytes that a file of settings, prices or a history has at most: what is larger is
/// something else, or a device without an end.
const MOST: u64 = 64 << 20;

/// Reads a file of text.
///
/// # Errors
/// It cannot be read, is no UTF-8, or has more than 64 MiB.
pub fn read_text(path: &Path) -> io::Result<String> {
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
pub fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if is_not_offered(&error) => Ok(()),
        synced => synced,
    }
}

/// Whether a file system says that it does not do such a thing at all, as shared folders
/// say of syncing a folder, or of locks.
pub fn is_not_offered(error: &io::Error) -> bool {
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
