//! Table, stream and destination that outlive a run: made, and taken away
//! again, step by step beside a state file.

use std::time::Duration;

use super::destination::ensure_destination;
use super::ownership::{self, Found};
use super::patience::Patience;
use super::provision::{self, Asked, create_stream, create_table, unless_there};
use super::state::{Progress, Resource, State, StateError, StateFile};
use super::{Connection, ProvisionError, Provisioned, Wanted};

/// A set-up or tear-down that came to no end.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A call failed.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// The state could not be kept; without it nothing is made.
    #[error(transparent)]
    State(#[from] StateError),
    /// It was there before.
    #[error("{0} exists already, and this set-up did not make it; choose another name")]
    Exists(String),
    /// The state file names it, but it is not what was made.
    #[error("{what} was left alone: {why}; remove it by hand if it is yours, then the state file")]
    NotOurs {
        /// Table or stream.
        what: String,
        /// How that was seen.
        why: String,
    },
    /// It still expires when it did.
    #[error("{what} could not be tagged with when it expires: the tag says {says}")]
    NotTagged {
        /// Table or stream.
        what: String,
        /// What the tag says now.
        says: String,
    },
    /// It vanished.
    #[error("{0} was made by this set-up but is gone; run `hrload teardown` and set up again")]
    Gone(String),
}

/// Finds what goes by the name that the state has.
async fn find(
    connection: &Connection,
    state: &State,
    which: Which,
) -> Result<Option<Found>, ProvisionError> {
    match which {
        Which::Stream => ownership::find_stream(connection, &state.stream.name).await,
        Which::Table => ownership::find_table(connection, &state.table.name).await,
    }
}

async fn tags(
    connection: &Connection,
    state: &State,
    which: Which,
    found: &Found,
) -> Result<Option<ownership::Tags>, ProvisionError> {
    match which {
        Which::Stream => ownership::stream_tags(connection, &state.stream.name).await,
        Which::Table => ownership::table_tags(connection, &found.arn).await,
    }
}

/// Why what is there is not what the state means; `None` if it is.
async fn disagreement(
    connection: &Connection,
    state: &State,
    which: Which,
    found: &Found,
) -> Result<Option<String>, ProvisionError> {
    let tags = tags(connection, state, which, found).await?;
    let kept = which.kept(state);
    Ok(ownership::disagreement(
        kept,
        &state.run,
        found,
        tags.as_ref(),
    ))
}

/// Refuses a table, and the stream if it is to be used, that are not those that were set
/// up: another of the same name may be anybody's, and one that is gone would be made anew.
///
/// # Errors
/// One of them is gone or another, or a call failed.
pub async fn check_made(
    connection: &Connection,
    state: &State,
    with_stream: bool,
) -> Result<(), SetupError> {
    for which in [Which::Stream, Which::Table] {
        if which == Which::Stream && !with_stream {
            continue;
        }
        let what = which.label(state);
        match find(connection, state, which).await? {
            Some(found) if found.status != "DELETING" => {
                if let Some(why) = disagreement(connection, state, which, &found).await? {
                    return Err(SetupError::NotOurs { what, why });
                }
            }
            _ => return Err(SetupError::Gone(what)),
        }
    }
    Ok(())
}

/// Has both expire when the state says, which was changed since they were made.
///
/// # Errors
/// One of them is gone, its tag is as it was, or a call failed.
pub async fn prolong(connection: &Connection, state: &State) -> Result<(), SetupError> {
    for which in [Which::Stream, Which::Table] {
        let what = which.label(state);
        let Some(found) = find(connection, state, which).await? else {
            return Err(SetupError::Gone(what));
        };
        let wanted = state.expires.as_str();
        let tag = [(ownership::EXPIRES, wanted)];
        match which {
            Which::Stream => {
                ownership::tag_stream(connection, &state.stream.name, &tag).await;
            }
            Which::Table => ownership::tag_table(connection, &found.arn, &tag).await,
        }
        // A service without tags has none to be removed by either.
        let tags = tags(connection, state, which, &found).await?;
        let says = tags.and_then(|tags| tags.get(ownership::EXPIRES).cloned());
        if let Some(says) = says.filter(|says| says != wanted) {
            return Err(SetupError::NotTagged { what, says });
        }
    }
    Ok(())
}

/// Which of the two, for the code they share.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Stream,
    Table,
}

impl Which {
    fn kept(self, state: &State) -> &Resource {
        match self {
            Self::Stream => &state.stream,
            Self::Table => &state.table,
        }
    }

    fn label(self, state: &State) -> String {
        let name = &self.kept(state).name;
        match self {
            Self::Stream => format!("stream {name}"),
            Self::Table => format!("table {name}"),
        }
    }
}

/// How long what may have been made a moment ago is looked for. DescribeTable is
/// eventually consistent: "Wait for a few seconds, and then try the DescribeTable request
/// again" (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html>).
const UNSEEN: Duration = Duration::from_secs(5);

/// One set-up in the making or being removed.
struct Site<'a> {
    connection: &'a Connection,
    file: &'a StateFile,
    state: &'a mut State,
    tell: &'a mut dyn FnMut(&str),
}

impl Site<'_> {
    fn resource(&mut self, which: Which) -> &mut Resource {
        match which {
            Which::Stream => &mut self.state.stream,
            Which::Table => &mut self.state.table,
        }
    }

    fn note(&mut self, which: Which, progress: Progress) -> Result<(), StateError> {
        self.resource(which).progress = progress;
        self.file.write(self.state)
    }

    async fn find(&self, which: Which) -> Result<Option<Found>, ProvisionError> {
        find(self.connection, self.state, which).await
    }

    async fn tags(
        &self,
        which: Which,
        found: &Found,
    ) -> Result<Option<ownership::Tags>, ProvisionError> {
        tags(self.connection, self.state, which, found).await
    }

    async fn disagreement(
        &self,
        which: Which,
        found: &Found,
    ) -> Result<Option<String>, ProvisionError> {
        disagreement(self.connection, self.state, which, found).await
    }

    /// Makes it, or goes on where a set-up before this one was cut off.
    async fn raise(&mut self, which: Which, wanted: &Wanted) -> Result<(), SetupError> {
        let what = which.label(self.state);
        let mut patience = Patience::new();
        let mut asked = false;
        loop {
            let progress = self.resource(which).progress;
            let status = match self.find(which).await? {
                None if progress == Progress::Made => return Err(SetupError::Gone(what)),
                None if asked => "missing".to_owned(),
                None => {
                    (self.tell)(&format!("creating {what}"));
                    self.note(which, Progress::Creating)?;
                    // Whose one of that name is, is looked at.
                    let created = self.create(which, wanted).await;
                    if created.as_ref().is_err_and(ProvisionError::is_denied) {
                        // Nobody needs to look for it.
                        self.note(which, Progress::Planned)?;
                    }
                    asked = matches!(created?, Asked::Made);
                    continue;
                }
                Some(_) if progress == Progress::Planned => return Err(SetupError::Exists(what)),
                Some(found) => {
                    // What was asked for a moment ago may not show its tags yet.
                    if !asked && let Some(why) = self.disagreement(which, &found).await? {
                        return Err(SetupError::NotOurs { what, why });
                    }
                    if matches!(found.status.as_str(), "ACTIVE" | "UPDATING") {
                        if progress != Progress::Made {
                            self.settle(which, found).await?;
                        }
                        (self.tell)(&format!("{what} is there"));
                        return Ok(());
                    }
                    found.status
                }
            };
            patience.wait(&what, &status).await?;
        }
    }

    async fn create(&self, which: Which, wanted: &Wanted) -> Result<Asked, ProvisionError> {
        let owner = wanted.owner.as_ref();
        unless_there(match (which, &wanted.stream) {
            (Which::Stream, Some(stream)) => create_stream(self.connection, stream, owner).await,
            (Which::Stream, None) => Ok(()),
            (Which::Table, _) => create_table(self.connection, wanted).await,
        })
    }

    /// Notes what tells it from others, now that it can be used.
    async fn settle(&mut self, which: Which, found: Found) -> Result<(), SetupError> {
        let run = self.state.run.clone();
        let has_ours = |tags: Option<ownership::Tags>| {
            tags.is_some_and(|tags| tags.get(ownership::RUN) == Some(&run))
        };
        let mut tagged = has_ours(self.tags(which, &found).await?);
        if !tagged {
            let tags = [
                (ownership::RUN, run.as_str()),
                (ownership::EXPIRES, self.state.expires.as_str()),
            ];
            match which {
                Which::Stream => {
                    ownership::tag_stream(self.connection, &self.state.stream.name, &tags).await;
                }
                Which::Table => ownership::tag_table(self.connection, &found.arn, &tags).await,
            }
            tagged = has_ours(self.tags(which, &found).await?);
        }
        let resource = self.resource(which);
        resource.arn = Some(found.arn);
        resource.identity = found.identity;
        resource.tagged = tagged;
        Ok(self.note(which, Progress::Made)?)
    }

    async fn link(&mut self) -> Result<(), SetupError> {
        (self.tell)("enabling the streaming destination");
        if self.state.destination != Progress::Made {
            self.state.destination = Progress::Creating;
            self.file.write(self.state)?;
        }
        let arn = self.state.stream.arn.clone().unwrap_or_default();
        let table = &self.state.table.name;
        let mut made = Provisioned::default();
        ensure_destination(self.connection, table, &arn, &mut made).await?;
        self.state.destination = Progress::Made;
        Ok(self.file.write(self.state)?)
    }

    /// Removes it if it is what the state file means.
    async fn raze(&mut self, which: Which) -> Result<(), SetupError> {
        let what = which.label(self.state);
        let mut patience = Patience::new();
        let (mut asked, mut told) = (false, false);
        if matches!(
            self.resource(which).progress,
            Progress::Planned | Progress::Removed
        ) {
            return Ok(());
        }
        loop {
            let Some(found) = self.find(which).await? else {
                // A creation whose answer never came: both services may take a moment to
                // show what they have made.
                let unsure = self.resource(which).progress == Progress::Creating;
                if unsure && patience.waited() < UNSEEN {
                    if !told {
                        (self.tell)(&format!("looking whether {what} was made all the same"));
                        told = true;
                    }
                    patience.wait(&what, "not to be seen").await?;
                    continue;
                }
                self.note(which, Progress::Removed)?;
                (self.tell)(&format!("{what} is gone"));
                return Ok(());
            };
            let status = found.status.clone();
            // What changes cannot be deleted; tags of what is going are no more.
            if status == "ACTIVE" && !asked {
                if let Some(why) = self.disagreement(which, &found).await? {
                    return Err(SetupError::NotOurs { what, why });
                }
                (self.tell)(&format!("removing {what}"));
                self.note(which, Progress::Removing)?;
                delete(self.connection, which == Which::Table, &self.name(which)).await?;
                asked = true;
            }
            patience.wait(&what, &status).await?;
        }
    }

    fn name(&mut self, which: Which) -> String {
        self.resource(which).name.clone()
    }

    async fn raze_all(&mut self) -> Result<(), SetupError> {
        // The destination goes with its table. One that stays does not keep the
        // other: both are tried, and the first failure is told.
        let table = self.raze(Which::Table).await;
        if table.is_ok() {
            self.state.destination = Progress::Removed;
        }
        let stream = self.raze(Which::Stream).await;
        table.and(stream)
    }
}

/// Asks for a table or a stream to be deleted.
pub(super) async fn delete(
    connection: &Connection,
    table: bool,
    name: &str,
) -> Result<(), ProvisionError> {
    let made = if table {
        Provisioned {
            table: name.to_owned(),
            table_created: true,
            ..Provisioned::default()
        }
    } else {
        Provisioned {
            stream: Some((name.to_owned(), String::new())),
            stream_created: true,
            ..Provisioned::default()
        }
    };
    provision::tear_down(connection, &made).await
}

/// Makes what `state` plans, sized as `wanted` says, and waits until all of it
/// can be used. The file is written before and after each step; `tell` hears of
/// each. A state that a set-up before this one left half-made is gone on with,
/// and a complete one is looked at.
///
/// Nothing is rolled back here: the caller, who knows whether this was the first
/// attempt, calls [`take_down`].
///
/// # Errors
/// A call failed, the state could not be kept, or something of that name is
/// there that this set-up did not make.
pub async fn set_up(
    connection: &Connection,
    wanted: &Wanted,
    file: &StateFile,
    state: &mut State,
    tell: &mut dyn FnMut(&str),
) -> Result<(), SetupError> {
    let mut site = Site {
        connection,
        file,
        state,
        tell,
    };
    site.raise(Which::Stream, wanted).await?;
    site.raise(Which::Table, wanted).await?;
    site.link().await
}

/// Removes what `state` names, waits until it is gone, and then removes the
/// file. Cut off, it can be called again.
///
/// # Errors
/// A call failed, or a resource of that name is not the one that was made: it is
/// left alone, and the file stays.
pub async fn take_down(
    connection: &Connection,
    file: &StateFile,
    state: &mut State,
    tell: &mut dyn FnMut(&str),
) -> Result<(), SetupError> {
    let mut site = Site {
        connection,
        file,
        state,
        tell,
    };
    site.raze_all().await?;
    Ok(file.remove()?)
}
