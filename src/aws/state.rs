//! What `hrload setup` made, kept in a file, so that exactly that can be taken
//! away again: by another process, after a crash, days later.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{self, Busy, Held};

/// The version of the file that is written and read here.
pub const STATE_SCHEMA: &str = "hrload.state/1";

/// The content of a state file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// [`STATE_SCHEMA`].
    pub schema: String,
    /// Names this set-up; the value of the tag `hrload:run`.
    pub run: String,
    /// When it began: RFC 3339.
    pub started: String,
    /// When it may be cleaned up: RFC 3339; the value of the tag `hrload:expires`.
    pub expires: String,
    /// Region that its resources are in.
    pub region: String,
    /// DynamoDB's URL, where it is not AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamodb: Option<String>,
    /// Kinesis's URL, where it is neither AWS nor the same as DynamoDB's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinesis: Option<String>,
    /// Item layout that the table's key fits.
    #[serde(deserialize_with = "layout_name")]
    pub layout: String,
    /// The table.
    pub table: Resource,
    /// The stream.
    pub stream: Resource,
    /// The streaming destination between the two.
    pub destination: Progress,
}

/// A layout's name as it is now: before 0.2 the blog post's was `seed`.
fn layout_name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    Ok(if name == "seed" {
        "post".to_owned()
    } else {
        name
    })
}

/// A table or a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// What it was asked to hold, in words that two set-ups are compared by.
    pub capacity: String,
    /// How far it got.
    pub progress: Progress,
    /// Its ARN, once made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// What tells it from another of the same name, made later: a table's id, a
    /// stream's creation time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Its tags were there when it was made: from then on they must agree.
    #[serde(default)]
    pub tagged: bool,
}

impl Resource {
    /// One that is still to be made.
    #[must_use]
    pub fn planned(name: String, capacity: String) -> Self {
        Self {
            name,
            capacity,
            progress: Progress::Planned,
            arn: None,
            identity: None,
            tagged: false,
        }
    }
}

/// How far a step got. What begins is written down before it begins, so that a
/// crash leaves nothing that the file does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Not begun.
    Planned,
    /// The call was about to be made; it may or may not have been.
    Creating,
    /// There, and usable.
    Made,
    /// Being removed.
    Removing,
    /// Gone.
    Removed,
}

impl State {
    /// Reads what a state file holds.
    ///
    /// # Errors
    /// It is something else: what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let state: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if state.schema == STATE_SCHEMA {
            Ok(state)
        } else {
            Err(format!("it says {}", state.schema))
        }
    }

    /// Whether all of it can be used.
    #[must_use]
    pub fn complete(&self) -> bool {
        [self.table.progress, self.stream.progress, self.destination] == [Progress::Made; 3]
    }

    /// What another set-up asks for otherwise, in words; nothing if it is the same.
    #[must_use]
    pub fn differences(&self, asked: &Self) -> Vec<String> {
        let text = |url: &Option<String>| url.clone().unwrap_or_else(|| "AWS".to_owned());
        [
            ("region", self.region.clone(), asked.region.clone()),
            ("DynamoDB", text(&self.dynamodb), text(&asked.dynamodb)),
            ("Kinesis", text(&self.kinesis), text(&asked.kinesis)),
            ("layout", self.layout.clone(), asked.layout.clone()),
            ("table", self.table.name.clone(), asked.table.name.clone()),
            (
                "table's capacity",
                self.table.capacity.clone(),
                asked.table.capacity.clone(),
            ),
            (
                "stream",
                self.stream.name.clone(),
                asked.stream.name.clone(),
            ),
            (
                "stream's capacity",
                self.stream.capacity.clone(),
                asked.stream.capacity.clone(),
            ),
        ]
        .into_iter()
        .filter(|(_, is, wanted)| is != wanted)
        .map(|(what, is, wanted)| format!("{what}: is {is}, asked for {wanted}"))
        .collect()
    }
}

/// A state file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// There is none.
    #[error("there is no state file {}; `hrload setup` writes one, --state names another", .0.display())]
    Missing(PathBuf),
    /// The system does not let us.
    #[error("state file {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process makes or removes what it names.
    #[error("another hrload is at work on state file {}; let it come to its end first", .0.display())]
    Busy(PathBuf),
    /// It is something else.
    #[error("{} is not a state file of this version of hrload ({STATE_SCHEMA}): {problem}", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// Where the state is kept.
#[derive(Debug, Clone)]
pub struct StateFile(PathBuf);

impl StateFile {
    /// The file of this path.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Keeps other processes from making or removing what it names, for as long as what
    /// is returned lives. A file of the same name with `.lock` at its end tells them; one
    /// that a crash leaves behind holds nobody up.
    ///
    /// # Errors
    /// Another process holds it, or the file beside it cannot be made.
    pub fn hold(&self) -> Result<HeldState, StateError> {
        match files::hold(&self.0, Busy::Refuse) {
            Ok(held) => Ok(HeldState(held)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(StateError::Busy(self.0.clone()))
            }
            Err(error) => Err(self.io(error)),
        }
    }

    /// Its content; `None` if there is no such file.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub fn find(&self) -> Result<Option<State>, StateError> {
        let text = match files::read_text(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        let state = State::parse(&text).map_err(|problem| StateError::Foreign {
            path: self.0.clone(),
            problem,
        })?;
        Ok(Some(state))
    }

    /// Its content.
    ///
    /// # Errors
    /// There is none, it cannot be read, or it is something else.
    pub fn read(&self) -> Result<State, StateError> {
        self.find()?
            .ok_or_else(|| StateError::Missing(self.0.clone()))
    }

    /// Replaces its content as a whole: a crash leaves the old or the new one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, state: &State) -> Result<(), StateError> {
        let write = || -> io::Result<()> {
            let folder = match self.0.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, state)?;
            file.write_all(b"\n")?;
            files::sync(file.as_file())?;
            file.persist(&self.0)?;
            files::sync(&File::open(folder)?)
        };
        write().map_err(|error| self.io(error))
    }

    /// Removes it, once there is nothing left that it names.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self) -> Result<(), StateError> {
        fs::remove_file(&self.0).map_err(|error| self.io(error))
    }

    fn io(&self, source: io::Error) -> StateError {
        StateError::Io {
            path: self.0.clone(),
            source,
        }
    }
}

/// No other process works on the state file.
#[derive(Debug)]
pub struct HeldState(Held);

impl HeldState {
    /// What the file system cannot do of it, in words; `None` if it can.
    #[must_use]
    pub fn lacks(&self) -> Option<&str> {
        self.0.lacks()
    }
}
