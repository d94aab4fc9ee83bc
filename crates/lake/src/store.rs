//! Where objects go: a folder, or a bucket of S3 or of what speaks like it.
//!
//! An object appears whole or not at all. In a folder it is written under
//! another name beside its own and renamed, so a killed process leaves at most
//! such a file (its name ends in `#` and a number). The `object_store` crate
//! does not sync it to the disk; it is synced here, with its folders, before
//! anything relies on it. In S3 a PUT is atomic.

use hrload_base::sync::locked;
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutResult,
    RetryConfig, UpdateVersion,
};

use hrload_base::files::is_not_offered;
use hrload_net::endpoint::{Endpoint, wrong_in_environment};

/// How often a write is tried before delivery ends. S3's own client tries
/// each a few times more.
const ATTEMPTS: u32 = 4;
/// Wait after the first failure; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// What `--lake` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder, made if it is not there.
    Folder(PathBuf),
    /// A bucket, and what its keys begin with.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The beginning of every key, without slashes at its ends; may be empty.
        prefix: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Folder(folder) => folder.display().fmt(f),
            Place::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// What cannot be a lake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a folder or s3://bucket/prefix, found {0:?}")]
pub struct PlaceError(String);

impl std::str::FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let wrong = || PlaceError(text.to_owned());
        match text.split_once("://") {
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err(wrong());
                }
                Ok(Place::S3 {
                    bucket: bucket.to_owned(),
                    prefix: prefix.trim_matches('/').to_owned(),
                })
            }
            Some(_) => Err(wrong()),
            None if text.is_empty() => Err(wrong()),
            None => Ok(Place::Folder(text.into())),
        }
    }
}

/// A write or a read that failed, and went on failing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{action} {key} in {place} failed: {cause}")]
pub struct StoreError {
    action: &'static str,
    key: String,
    place: String,
    cause: String,
}

/// An open lake.
#[derive(Debug, Clone)]
pub struct Lake {
    pub(super) store: Arc<dyn ObjectStore>,
    place: String,
    /// Where it is one.
    pub(super) folder: Option<PathBuf>,
    lacks: Arc<Mutex<Lacks>>,
}

/// What a folder's file system does not do, and delivery does without.
#[derive(Debug, Default)]
struct Lacks {
    all: BTreeSet<String>,
    untold: Vec<String>,
}

/// What an object was when it was last seen; `None`: not there.
pub(super) type Seen = Option<UpdateVersion>;

/// Held while a stream is delivered into a lake; nobody else can hold it. The
/// system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock(Option<HeldFile>);

/// The file that is locked, and where it lies.
#[derive(Debug)]
struct HeldFile {
    _file: File,
    path: PathBuf,
    gone: StoreError,
}

const REMOVED: &str = "the lake was removed or replaced while it was delivered into; what had \
     been written there is gone with it";
const TAKEN: &str = "another delivery of this stream writes there; let one of the two end";

/// Whether the bucket is of a server on this machine.
fn is_here(builder: &AmazonS3Builder) -> bool {
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
    let endpoint = endpoint.and_then(|url| url.parse::<Endpoint>().ok());
    endpoint.is_some_and(|endpoint| endpoint.is_loopback())
}

/// Whether there are keys, or somebody is named who gives some.
fn has_credentials(builder: &AmazonS3Builder) -> bool {
    [
        AmazonS3ConfigKey::AccessKeyId,
        AmazonS3ConfigKey::WebIdentityTokenFile,
        AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
        AmazonS3ConfigKey::ContainerCredentialsFullUri,
        AmazonS3ConfigKey::MetadataEndpoint,
    ]
    .iter()
    .any(|key| {
        builder
            .get_config_value(key)
            .is_some_and(|value| !value.is_empty())
    })
}

impl Lake {
    /// Opens it. A bucket's credentials and region come from the environment
    /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
    /// `AWS_REGION`), from a container or from the instance; for a server on this machine
    /// they are made up where none are named.
    ///
    /// # Errors
    /// The folder cannot be made, or the bucket's client not be configured.
    pub fn open(
        place: &Place,
        endpoint: Option<&str>,
        region: Option<&str>,
    ) -> Result<Self, StoreError> {
        match place {
            Place::Folder(folder) => {
                let name = place.to_string();
                let failed = |cause: String| StoreError {
                    action: "opening",
                    key: "the folder".to_owned(),
                    place: name.clone(),
                    cause,
                };
                std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
                let store = LocalFileSystem::new_with_prefix(folder)
                    .map_err(|error| failed(error.to_string()))?;
                Ok(Self {
                    store: Arc::new(store),
                    place: name,
                    folder: Some(folder.clone()),
                    lacks: Arc::default(),
                })
            }
            Place::S3 { bucket, prefix } => {
                let name = place.to_string();
                let failed = |cause: String| StoreError {
                    action: "opening",
                    key: "the bucket".to_owned(),
                    place: name.clone(),
                    cause,
                };
                if let Some(wrong) = wrong_in_environment() {
                    return Err(failed(wrong));
                }
                let mut builder = AmazonS3Builder::from_env()
                    .with_bucket_name(bucket)
                    .with_client_options(ClientOptions::new().with_allow_http(true))
                    .with_retry(RetryConfig {
                        max_retries: 3,
                        retry_timeout: Duration::from_secs(30),
                        ..RetryConfig::default()
                    });
                if let Some(endpoint) = endpoint {
                    builder = builder.with_endpoint(endpoint);
                }
                if let Some(region) = region {
                    builder = builder.with_region(region);
                }
                if is_here(&builder) && !has_credentials(&builder) {
                    // A server on this machine takes any, as `aws::connect` has it.
                    builder = builder
                        .with_access_key_id("hrload")
                        .with_secret_access_key("hrload");
                }
                let store = builder.build().map_err(|error| failed(error.to_string()))?;
                Ok(Self {
                    store: Arc::new(PrefixStore::new(store, prefix.as_str())),
                    place: name,
                    folder: None,
                    lacks: Arc::default(),
                })
            }
        }
    }

    /// Writes an object, whole. What is there under that key is replaced.
    ///
    /// # Errors
    /// It failed several times in a row.
    pub async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.put_as(key, &body, PutMode::Overwrite)
            .await
            .map(drop)
            .map_err(|error| self.failed("writing", key, &error))?;
        self.sync(key).await
    }

    /// Writes an object that nobody else may have written since it was `seen`.
    /// A folder knows no such condition: hold its [`Lock`].
    ///
    /// # Errors
    /// Somebody did, or writing failed several times in a row.
    pub(super) async fn put_over(
        &self,
        key: &str,
        body: Bytes,
        seen: &mut Seen,
    ) -> Result<(), StoreError> {
        if self.folder.is_some() {
            return self.put(key, body).await;
        }
        let mode = match &*seen {
            None => PutMode::Create,
            // A server that names no versions.
            Some(version) if version.e_tag.is_none() => PutMode::Overwrite,
            Some(version) => PutMode::Update(version.clone()),
        };
        let put = match self.put_as(key, &body, mode).await {
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                self.put_as(key, &body, PutMode::Overwrite).await
            }
            put => put,
        };
        match put {
            Ok(put) => {
                *seen = Some(UpdateVersion::from(put));
                Ok(())
            }
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => {
                // It may have been our own write, whose answer was lost.
                match self.get(key).await? {
                    Some((there, version)) if there == body => {
                        *seen = Some(version);
                        Ok(())
                    }
                    _ => Err(self.because("writing", key, TAKEN.to_owned())),
                }
            }
            Err(error) => Err(self.failed("writing", key, &error)),
        }
    }

    /// Keeps others from delivering the same stream into this folder. A bucket
    /// has no locks: there [`Lake::put_over`] tells.
    ///
    /// # Errors
    /// Another process holds it.
    pub(super) fn lock(&self, stream: &str) -> Result<Lock, StoreError> {
        let Some(folder) = &self.folder else {
            return Ok(Lock(None));
        };
        let key = format!("_hrload/{stream}.lock");
        let open = || {
            let path = folder.join(&key);
            std::fs::create_dir_all(folder.join("_hrload"))?;
            File::options().create(true).append(true).open(path)
        };
        let file = open().map_err(|error| self.because("writing", &key, error.to_string()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(self.because("locking", &key, TAKEN.to_owned()));
            }
            Err(TryLockError::Error(error)) if is_not_offered(&error) => self.lack(format!(
                "{} takes no locks ({error}): a second delivery of this stream into it would \
                 not be noticed",
                self.place
            )),
            Err(TryLockError::Error(error)) => {
                return Err(self.because("locking", &key, error.to_string()));
            }
        }
        Ok(Lock(Some(HeldFile {
            _file: file,
            path: folder.join(&key),
            gone: self.because("looking for", &key, REMOVED.to_owned()),
        })))
    }

    /// What it turned out not to do since this was asked last: each thing is told once.
    pub(super) fn lacks(&self) -> Vec<String> {
        let mut lacks = locked(&self.lacks);
        std::mem::take(&mut lacks.untold)
    }

    /// Notes something about it that is to be told once.
    pub(super) fn lack(&self, what: String) {
        let mut lacks = locked(&self.lacks);
        if lacks.all.insert(what.clone()) {
            lacks.untold.push(what);
        }
    }

    async fn put_as(
        &self,
        key: &str,
        body: &Bytes,
        mode: PutMode,
    ) -> object_store::Result<PutResult> {
        let path = Path::parse(key)?;
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let payload = PutPayload::from_bytes(body.clone());
            let options = PutOptions::from(mode.clone());
            match self.store.put_opts(&path, payload, options).await {
                Err(error) if attempt < ATTEMPTS && is_passing(&error) => {
                    tracing::debug!(key, attempt, %error, "writing an object again");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                    attempt += 1;
                }
                put => {
                    if put.is_ok() {
                        tracing::debug!(key, bytes = body.len(), "wrote an object");
                    }
                    return put;
                }
            }
        }
    }

    /// Has the system write a file, and the folders it is in, to the disk.
    async fn sync(&self, key: &str) -> Result<(), StoreError> {
        let Some(folder) = self.folder.clone() else {
            return Ok(());
        };
        let file = folder.join(key);
        let sync = move || {
            let folders = file
                .ancestors()
                .take_while(|path| path.starts_with(&folder));
            let mut lacks = None;
            for path in folders {
                match File::open(path)?.sync_all() {
                    Err(error) if is_not_offered(&error) => lacks = Some(error.to_string()),
                    synced => synced?,
                }
            }
            Ok(lacks)
        };
        let synced = tokio::task::spawn_blocking(sync).await;
        let lacks = synced
            .unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
            .map_err(|error| self.because("syncing", key, error.to_string()))?;
        if let Some(error) = lacks {
            self.lack(format!(
                "{} cannot be synced to its disk ({error}): what was written last may be lost \
                 in a power cut",
                self.place
            ));
        }
        Ok(())
    }

    /// Whether an object can have that name: `..`, say, is none's.
    pub(super) fn may_hold(&self, key: &str) -> bool {
        Path::parse(key).is_ok()
    }

    /// An object's bytes; `None` when there is no such object.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn get(
        &self,
        key: &str,
    ) -> Result<Option<(Bytes, UpdateVersion)>, StoreError> {
        let path = self.path("reading", key)?;
        let found = match self.store.get(&path).await {
            Ok(found) => {
                let version = UpdateVersion {
                    e_tag: found.meta.e_tag.clone(),
                    version: found.meta.version.clone(),
                };
                found.bytes().await.map(|bytes| (bytes, version))
            }
            Err(error) => Err(error),
        };
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("reading", key, &error)),
        }
    }

    /// A file of hrload's own as it lies there; `None` when there is none.
    ///
    /// # Errors
    /// It cannot be read.
    #[cfg(feature = "parquet")]
    pub async fn own(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.get(key).await?.map(|(bytes, _)| bytes))
    }

    /// Whether there is an object under that key.
    ///
    /// # Errors
    /// The store does not say.
    pub async fn has(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.size(key).await?.is_some())
    }

    /// How many bytes the object under that key has; `None` where there is none.
    ///
    /// # Errors
    /// The store does not say.
    pub async fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        let path = self.path("looking for", key)?;
        match self.store.head(&path).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("looking for", key, &error)),
        }
    }

    /// Its name, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    fn path(&self, action: &'static str, key: &str) -> Result<Path, StoreError> {
        Path::parse(key).map_err(|error| self.because(action, key, error.to_string()))
    }

    pub(super) fn failed(&self, action: &'static str, key: &str, error: &Error) -> StoreError {
        let said = error.to_string();
        // The instance is asked when nobody else gives credentials.
        if said.contains("169.254.169.254") {
            return self.because(
                action,
                key,
                format!(
                    "no credentials for the bucket: set AWS_ACCESS_KEY_ID and \
                     AWS_SECRET_ACCESS_KEY (`aws configure export-credentials --format env` \
                     prints a profile's); asked last was this machine's instance: {said}"
                ),
            );
        }
        self.because(action, key, said)
    }

    pub(super) fn because(&self, action: &'static str, key: &str, cause: String) -> StoreError {
        StoreError {
            action,
            key: key.to_owned(),
            place: self.place.clone(),
            cause,
        }
    }
}

impl Lock {
    /// Looks whether what is locked is still there: writing into a folder that somebody
    /// removed makes it anew, without what was in it.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn is_held(&self) -> Result<(), StoreError> {
        match &self.0 {
            Some(held) if matches!(held.path.try_exists(), Ok(false)) => Err(held.gone.clone()),
            _ => Ok(()),
        }
    }
}

/// Whether another attempt may end otherwise.
fn is_passing(error: &Error) -> bool {
    !matches!(
        error,
        Error::NotFound { .. }
            | Error::InvalidPath { .. }
            | Error::AlreadyExists { .. }
            | Error::Precondition { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. }
            | Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lake_is_a_folder_or_a_bucket() {
        let s3 = |bucket: &str, prefix: &str| {
            Ok(Place::S3 {
                bucket: bucket.into(),
                prefix: prefix.into(),
            })
        };
        for (text, expected) in [
            ("./lake", Ok(Place::Folder("./lake".into()))),
            ("s3://b", s3("b", "")),
            ("s3://b/heart/rate/", s3("b", "heart/rate")),
            ("s3:///x", Err(PlaceError("s3:///x".into()))),
            ("gs://b", Err(PlaceError("gs://b".into()))),
            ("", Err(PlaceError(String::new()))),
        ] {
            assert_eq!(text.parse::<Place>(), expected);
        }
    }
}
