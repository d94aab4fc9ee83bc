//! Where objects go: a folder, or a bucket of S3 or of what speaks like it.
//!
//! An object appears whole or not at all. In a folder it is written under
//! another name beside its own and renamed, so a killed process leaves at most
//! such a file, which no listing shows; it is not synced to the disk, so a
//! power cut may take what the system had not written yet. In S3 a PUT is
//! atomic.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, PutPayload, RetryConfig};

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
#[derive(Debug, thiserror::Error)]
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
    store: Arc<dyn ObjectStore>,
    place: String,
}

impl Lake {
    /// Opens it. A bucket's credentials and region come from the environment
    /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
    /// `AWS_REGION`), from a container or from the instance.
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
                let name = folder.display().to_string();
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
                })
            }
            Place::S3 { bucket, prefix } => {
                let name = format!("s3://{bucket}/{prefix}");
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
                let store = builder.build().map_err(|error| StoreError {
                    action: "opening",
                    key: "the bucket".to_owned(),
                    place: name.clone(),
                    cause: error.to_string(),
                })?;
                Ok(Self {
                    store: Arc::new(PrefixStore::new(store, prefix.as_str())),
                    place: name,
                })
            }
        }
    }

    /// Writes an object, whole. What is there under that key is replaced.
    ///
    /// # Errors
    /// It failed several times in a row.
    pub async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        let path = self.path("writing", key)?;
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let payload = PutPayload::from_bytes(body.clone());
            match self.store.put(&path, payload).await {
                Ok(_) => return Ok(()),
                Err(error) if attempt >= ATTEMPTS => {
                    return Err(self.failed("writing", key, &error));
                }
                Err(_) => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                    attempt += 1;
                }
            }
        }
    }

    /// An object's bytes; `None` when there is no such object.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let path = self.path("reading", key)?;
        let found = match self.store.get(&path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match found {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("reading", key, &error)),
        }
    }

    /// Whether there is an object under that key.
    ///
    /// # Errors
    /// The store does not say.
    pub async fn has(&self, key: &str) -> Result<bool, StoreError> {
        let path = self.path("looking for", key)?;
        match self.store.head(&path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed("looking for", key, &error)),
        }
    }

    /// Its name, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    fn path(&self, action: &'static str, key: &str) -> Result<Path, StoreError> {
        Path::parse(key).map_err(|error| StoreError {
            action,
            key: key.to_owned(),
            place: self.place.clone(),
            cause: error.to_string(),
        })
    }

    fn failed(&self, action: &'static str, key: &str, error: &object_store::Error) -> StoreError {
        StoreError {
            action,
            key: key.to_owned(),
            place: self.place.clone(),
            cause: error.to_string(),
        }
    }
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
