//! Which objects a lake has.

use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use futures_util::TryStreamExt;
use walkdir::{DirEntry, WalkDir};

use super::remark::{Remark, Tally};
use crate::naming::ErrorKind;
use crate::store::{Lake, StoreError};

/// An object of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub key: String,
    /// When it was written, by the store, in microseconds since the Unix epoch.
    pub written_us: u64,
    /// Its size as it lies there.
    pub bytes: u64,
}

/// The objects of a lake at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Those of records, in no order.
    pub objects: Vec<Object>,
    /// Names that lead to none.
    pub remarks: Tally,
    /// Names that begin with `_` or `.`, which Athena passes over too; a folder's is
    /// one, and hrload's own are not counted.
    pub passed_over: u64,
}

/// hrload's own.
const OWN: &str = "_hrload";

/// A key that Athena passes over: a part of it begins with `_` or `.`.
fn is_passed_over(key: &str) -> bool {
    key.split('/').any(|part| part.starts_with(['_', '.']))
}

/// Under the prefix of records that could not be delivered.
fn is_of_failures(key: &str) -> bool {
    ErrorKind::ALL
        .iter()
        .any(|kind| key.contains(kind.folder()))
}

/// What a killed delivery left of an object: `NAME#1`.
fn is_unfinished(key: &str) -> bool {
    let number = key.rsplit_once('#').map(|(_, number)| number);
    number.is_some_and(|of| !of.is_empty() && of.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Listing {
    fn add(&mut self, object: Object) {
        let key = &object.key;
        if is_passed_over(key) {
            let own = key.strip_prefix(OWN);
            self.passed_over += u64::from(own.is_none_or(|rest| !rest.starts_with('/')));
        } else if !is_of_failures(key) {
            self.objects.push(object);
        }
    }

    fn remark(&mut self, name: &str, why: String) {
        self.remarks.whole(Remark::Name, name, why);
    }

    /// Of a folder. `Err`: the folder itself cannot be listed.
    fn of_folder(folder: &Path) -> Result<Self, String> {
        let mut listing = Self::default();
        let mut entries = WalkDir::new(folder)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter();
        let mut first = true;
        while let Some(entry) = entries.next() {
            let is_folder = std::mem::take(&mut first);
            match entry {
                Err(error) if is_folder || error.depth() == 0 => return Err(cause(&error)),
                Err(error) => {
                    let path = error.path().map(Path::to_path_buf).unwrap_or_default();
                    let name = lossy(&relative(&path, folder));
                    if !is_passed_over(&name) {
                        listing.remark(&name, cause(&error));
                    }
                }
                Ok(entry) if entry.file_type().is_dir() => {
                    let name = entry.file_name().as_encoded_bytes();
                    if entry.depth() > 0 && matches!(name.first(), Some(b'_' | b'.')) {
                        listing.passed_over += u64::from(name != OWN.as_bytes());
                        entries.skip_current_dir();
                    }
                }
                Ok(entry) => listing.take(&entry, folder),
            }
        }
        Ok(listing)
    }

    fn take(&mut self, entry: &DirEntry, folder: &Path) {
        let path = relative(entry.path(), folder);
        let Some(key) = key(&path) else {
            let name = lossy(&path);
            if !is_passed_over(&name) {
                self.remark(&name, "the name is not UTF-8".to_owned());
            }
            return;
        };
        if is_unfinished(&key) {
            return;
        }
        match entry.metadata() {
            Ok(of) if of.is_file() => {
                let written = of.modified().ok();
                let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                self.add(Object {
                    key,
                    written_us: written.map_or(0, |since| {
                        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
                    }),
                    bytes: of.len(),
                });
            }
            _ if is_passed_over(&key) || is_of_failures(&key) => {}
            Ok(_) => self.remark(&key, "it is no file".to_owned()),
            Err(error) => self.remark(&key, cause(&error)),
        }
    }
}

fn relative(path: &Path, folder: &Path) -> PathBuf {
    path.strip_prefix(folder).unwrap_or(path).to_path_buf()
}

fn parts(path: &Path) -> impl Iterator<Item = &std::ffi::OsStr> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    })
}

fn key(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = parts(path).map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

fn lossy(path: &Path) -> String {
    let parts: Vec<_> = parts(path).map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn cause(error: &walkdir::Error) -> String {
    if error.loop_ancestor().is_some() {
        return "it is a link back to a folder that it lies in".to_owned();
    }
    match error.io_error() {
        Some(error) => error.to_string(),
        None => error.to_string(),
    }
}

impl Lake {
    /// What it has at this moment. Records that failed are left out, and hrload's own
    /// files. A bad name costs itself.
    ///
    /// # Errors
    /// The store cannot be listed; a folder, for one, that is not there any more.
    pub async fn list(&self) -> Result<Listing, StoreError> {
        let failed = |cause| self.because("listing", "the objects", cause);
        if let Some(folder) = self.folder.clone() {
            let listed = tokio::task::spawn_blocking(move || Listing::of_folder(&folder)).await;
            let listed = listed.unwrap_or_else(|panicked| Err(panicked.to_string()));
            return listed.map_err(failed);
        }
        let listed: Result<Vec<_>, _> = self.store.list(None).try_collect().await;
        let mut listing = Listing::default();
        for meta in listed.map_err(|error| failed(error.to_string()))? {
            listing.add(Object {
                key: meta.location.to_string(),
                written_us: u64::try_from(meta.last_modified.timestamp_micros()).unwrap_or(0),
                bytes: meta.size,
            });
        }
        Ok(listing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_passed_over_as_athena_does() {
        for (key, passed, failures, unfinished) in [
            ("2026/11/23/17/s-1-2026", false, false, false),
            ("_SUCCESS", true, false, false),
            ("2026/.DS_Store", true, false, false),
            (".git/config", true, false, false),
            ("_hrload/s.checkpoint.json", true, false, false),
            ("a_b/c.d", false, false, false),
            ("processing-failed/2026/x", false, true, false),
            ("2026/x.gz#1", false, false, true),
            ("2026/x#y", false, false, false),
            ("2026/x#", false, false, false),
        ] {
            let found = (is_passed_over(key), is_of_failures(key), is_unfinished(key));
            assert_eq!(found, (passed, failures, unfinished), "{key}");
        }
    }
}
