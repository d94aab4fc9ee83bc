//! The result file on disk.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{RunResult, Unsound, check};
use crate::files;

const SCHEMA: &str = "hrload.result/1";

/// More bytes than a result has: a second takes some kilobytes, a day's file half of
/// this.
const LARGEST: u64 = 1 << 30;

/// So many bytes tell JSON from what is none, before the rest is read.
const FIRST: u64 = 64;

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to {path}: {source}")]
pub struct WriteError {
    /// Where to.
    pub(super) path: String,
    /// What the system said.
    pub(super) source: io::Error,
}

/// Why a result could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file ends in the middle.
    #[error(
        "{path} is truncated: it ends at line {line}; a result that hrload wrote is never cut short, so copy it again"
    )]
    Truncated {
        /// Which file.
        path: String,
        /// The last line.
        line: usize,
    },
    /// The file is not JSON.
    #[error("{path} is not JSON, so not a result of hrload: {source}")]
    NotJson {
        /// Which file.
        path: String,
        /// Where it stops being JSON.
        source: serde_json::Error,
    },
    /// The file is JSON, of something else or of another version.
    #[error(
        "{path} is not a result this hrload reads: its \"schema\" is {found}, expected \"{SCHEMA}\""
    )]
    OtherSchema {
        /// Which file.
        path: String,
        /// What stands there.
        found: String,
    },
    /// The file claims the right schema and does not keep to it.
    #[error("{path} is not a valid {SCHEMA} file: {source} (the schema is results/schema.json)")]
    Invalid {
        /// Which file.
        path: String,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// The file holds more than any result does.
    #[error(
        "{path} is no result of hrload: it holds over {LARGEST} bytes, which no result comes to"
    )]
    TooLarge {
        /// Which file.
        path: String,
    },
    /// The result contradicts itself.
    #[error("{path}: {source}")]
    Unsound {
        /// Which file.
        path: String,
        /// What cannot be true.
        source: Unsound,
    },
}

/// All that is read of a file before its schema is known to be ours: an
/// object, its values as they stand.
type Head<'a> = BTreeMap<String, &'a RawValue>;

impl RunResult {
    /// The JSON of the file, with a line end.
    ///
    /// # Errors
    ///
    /// When writing fails.
    pub fn to_writer(&self, writer: impl Write) -> io::Result<()> {
        to_writer(self, writer)
    }

    /// Writes the file, or to standard output when `path` is `-`. A file is
    /// there whole or not at all: it is written beside its place under another
    /// name and then renamed. A symbolic link is followed; what is not a
    /// regular file (a pipe, a device) is written to directly.
    ///
    /// # Errors
    ///
    /// When the file cannot be made, written or renamed; nothing is left then.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        write_json(path, self)
    }

    /// Writes the file; where that fails, puts the result into another place, so that
    /// it is not lost with its folder.
    #[must_use]
    pub fn keep(&self, path: &Path) -> Written {
        match self.write(path) {
            Ok(()) => Written::There,
            Err(why) => Written::Elsewhere {
                place: self.rescue(),
                why,
            },
        }
    }

    /// Writes the result into the first place that takes it: the folder of temporary
    /// files, the home folder, the current one. `None`: none does.
    #[must_use]
    pub fn rescue(&self) -> Option<PathBuf> {
        rescue(&format!("{}.json", self.run.id), self)
    }

    /// Reads a file, or standard input when `path` is `-`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is truncated, is not JSON, is of another schema,
    /// does not keep to its schema, or contradicts itself ([`check()`]).
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        let read = if path.as_os_str() == "-" {
            bytes(io::stdin().lock())
        } else {
            File::open(path).and_then(bytes)
        };
        let bytes = read.map_err(|source| ReadError::Io {
            path: name.clone(),
            source,
        })?;
        if bytes.len() as u64 > LARGEST {
            return Err(ReadError::TooLarge { path: name });
        }
        Self::from_bytes(&bytes, &name)
    }

    /// Reads what a file holds, which is called `name` in errors.
    ///
    /// # Errors
    ///
    /// As [`RunResult::read`], but for those of the file itself.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, ReadError> {
        let result = Self::parse(bytes, name.to_owned())?;
        check(&result).map_err(|source| ReadError::Unsound {
            path: name.to_owned(),
            source,
        })?;
        Ok(result)
    }

    fn parse(bytes: &[u8], path: String) -> Result<Self, ReadError> {
        let head: Head<'_> = match serde_json::from_slice(bytes) {
            Ok(head) => head,
            Err(error) if error.is_eof() && !bytes.is_empty() => {
                let line = error.line();
                return Err(ReadError::Truncated { path, line });
            }
            // JSON, but not an object.
            Err(error) if error.is_data() => Head::new(),
            Err(source) => return Err(ReadError::NotJson { path, source }),
        };
        let schema = head.get("schema").map_or("missing", |schema| schema.get());
        if schema != format!("\"{SCHEMA}\"") {
            let found = schema.to_owned();
            return Err(ReadError::OtherSchema { path, found });
        }
        serde_json::from_slice(bytes).map_err(|source| ReadError::Invalid { path, source })
    }
}

/// All that is to be read, or only the beginning of what cannot be JSON, such as an
/// endless device.
fn bytes(file: impl Read) -> io::Result<Vec<u8>> {
    let mut file = BufReader::new(file);
    let mut bytes = Vec::new();
    Read::by_ref(&mut file)
        .take(FIRST)
        .read_to_end(&mut bytes)?;
    let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins.is_none_or(|byte| byte.is_ascii_alphanumeric() || b"{[\"-".contains(byte)) {
        file.take(LARGEST).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Writes `value` as `name` into the first place that takes it: the folder of temporary
/// files, the home folder, the current one. `None`: none does.
#[must_use]
pub fn rescue(name: &str, value: &impl Serialize) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let folders = [
        Some(std::env::temp_dir()),
        home,
        std::env::current_dir().ok(),
    ];
    folders.into_iter().flatten().find_map(|folder| {
        let place = folder.join(name);
        write_json(&place, value).ok().map(|()| place)
    })
}

/// What became of a result file.
#[derive(Debug)]
pub enum Written {
    /// It is where it was asked for.
    There,
    /// It is not.
    Elsewhere {
        /// Where the result is instead; `None`: nowhere.
        place: Option<PathBuf>,
        /// Why.
        why: WriteError,
    },
}

impl WriteError {
    /// Whether the reader of standard output has gone, which is its own affair.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        self.path == STANDARD_OUTPUT && self.source.kind() == io::ErrorKind::BrokenPipe
    }
}

/// As it stands in errors.
const STANDARD_OUTPUT: &str = "standard output";

/// Writes `value` to `path` as JSON with a line end, as
/// [`RunResult::write`] does.
///
/// # Errors
///
/// When the file cannot be made, written or renamed; nothing is left then.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), WriteError> {
    write_whole(path, |writer| to_writer(value, writer))
}

/// Writes `text` to `path` in the same way.
///
/// # Errors
///
/// As [`write_json`].
pub fn write_text(path: &Path, text: &str) -> Result<(), WriteError> {
    write_whole(path, |writer| {
        writer.write_all(text.as_bytes())?;
        writer.flush()
    })
}

/// All of a file or nothing: written beside its place, then renamed.
fn write_whole(
    path: &Path,
    write: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    if path.as_os_str() == "-" {
        return write(&mut BufWriter::new(io::stdout().lock())).map_err(|source| WriteError {
            path: STANDARD_OUTPUT.into(),
            source,
        });
    }
    let written = || match place(path)? {
        Place::Stream => {
            let file = OpenOptions::new().write(true).open(path)?;
            write(&mut BufWriter::new(file))
        }
        Place::File(path) => {
            let (temporary, file) = beside(&path)?;
            let written = write(&mut BufWriter::new(&file))
                .and_then(|()| files::sync(&file))
                .and_then(|()| fs::rename(&temporary, &path));
            if written.is_err() {
                let _ = fs::remove_file(&temporary);
            }
            written
        }
    };
    written().map_err(|source| WriteError {
        path: path.display().to_string(),
        source,
    })
}

fn to_writer(value: &impl Serialize, mut writer: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut writer, value)?;
    writer.write_all(b"\n")?;
    writer.flush()
}

/// Finds out, before any load, whether a result can be written to `path`.
///
/// # Errors
///
/// When it cannot, with the system's reason. Nothing is left behind.
pub fn probe(path: &Path) -> Result<(), WriteError> {
    if path.as_os_str() == "-" {
        return Ok(());
    }
    let probe = || match place(path)? {
        // Opening a pipe would wait for its reader.
        Place::Stream => Ok(()),
        Place::File(path) => {
            let (temporary, _) = beside(&path)?;
            fs::remove_file(temporary)
        }
    };
    probe().map_err(|source| WriteError {
        path: path.display().to_string(),
        source,
    })
}

enum Place {
    /// A regular file, or a name that is still free; links followed.
    File(PathBuf),
    /// A pipe or a device, which must not be renamed over.
    Stream,
}

fn place(path: &Path) -> io::Result<Place> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Place::File(fs::canonicalize(path)?)),
        Ok(metadata) if metadata.is_dir() => Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a directory; name a file in it",
        )),
        Ok(_) => Ok(Place::Stream),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Place::File(path.to_owned())),
        Err(error) => Err(error),
    }
}

/// A new file in the same directory, hence on the same file system.
fn beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it does not name a file"))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(hidden);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&temporary)?;
    Ok((temporary, file))
}
