//! What set-ups left behind after their expiry, found by tag.

use std::fmt;

use jiff::Timestamp;

use super::error::service;
use super::ownership::{self, EXPIRES, RUN};
use super::setup::delete;
use super::{Connection, ProvisionError};

/// A table or a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A table.
    Table,
    /// A stream.
    Stream,
}

/// One thing left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The set-up that made it.
    pub run: String,
    /// When it expired, or will.
    pub expires: Timestamp,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Table => "table",
            Kind::Stream => "stream",
        };
        write!(f, "{kind} {} of {}", self.name, self.run)
    }
}

/// The account's tables and streams in this region that a set-up made and that
/// expired before `now`. What has no such tags is never in the list.
///
/// # Errors
/// A call failed.
pub async fn leftovers(
    connection: &Connection,
    now: Timestamp,
) -> Result<Vec<Leftover>, ProvisionError> {
    let mut found = Vec::new();
    for name in tables(connection).await? {
        found.extend(look(connection, Kind::Table, &name, now).await?);
    }
    for name in streams(connection).await? {
        found.extend(look(connection, Kind::Stream, &name, now).await?);
    }
    Ok(found)
}

/// Removes one of [`leftovers`], if its tags still say the same.
///
/// # Errors
/// A call failed.
pub async fn remove(connection: &Connection, leftover: &Leftover) -> Result<bool, ProvisionError> {
    let Leftover { kind, name, .. } = leftover;
    let still = look(connection, *kind, name, Timestamp::MAX).await?;
    if still.as_ref() != Some(leftover) {
        return Ok(false);
    }
    delete(connection, *kind == Kind::Table, name).await?;
    Ok(true)
}

async fn tables(connection: &Connection) -> Result<Vec<String>, ProvisionError> {
    let mut names: Vec<String> = Vec::new();
    let mut last = None;
    loop {
        let page = connection
            .dynamodb
            .list_tables()
            .set_exclusive_start_table_name(last)
            .send()
            .await
            .map_err(service("listing tables"))?;
        names.extend_from_slice(page.table_names());
        last = page.last_evaluated_table_name().map(str::to_owned);
        if last.is_none() {
            return Ok(names);
        }
    }
}

async fn streams(connection: &Connection) -> Result<Vec<String>, ProvisionError> {
    let mut names: Vec<String> = Vec::new();
    loop {
        let page = connection
            .kinesis
            .list_streams()
            .set_exclusive_start_stream_name(names.last().cloned())
            .send()
            .await
            .map_err(service("listing streams"))?;
        let before = names.len();
        names.extend_from_slice(page.stream_names());
        if !page.has_more_streams() || names.len() == before {
            return Ok(names);
        }
    }
}

/// The leftover of this name, if it is one at `now`. One that vanishes meanwhile,
/// or is on its way out, is none.
async fn look(
    connection: &Connection,
    kind: Kind,
    name: &str,
    now: Timestamp,
) -> Result<Option<Leftover>, ProvisionError> {
    let found = match kind {
        Kind::Table => ownership::find_table(connection, name).await?,
        Kind::Stream => ownership::find_stream(connection, name).await?,
    };
    let Some(found) = found.filter(|found| found.status != "DELETING") else {
        return Ok(None);
    };
    let tags = match kind {
        Kind::Table => ownership::table_tags(connection, &found.arn).await?,
        Kind::Stream => ownership::stream_tags(connection, name).await?,
    };
    let Some(tags) = tags else {
        return Err(ProvisionError::Service {
            doing: format!("reading the tags of {name}"),
            code: None,
            message: "the server does not know this call, so what has expired cannot be told"
                .to_owned(),
        });
    };
    let expires = tags.get(EXPIRES).and_then(|text| text.parse().ok());
    let leftover = tags
        .get(RUN)
        .zip(expires)
        .map(|(run, expires): (_, Timestamp)| Leftover {
            kind,
            name: name.to_owned(),
            run: run.clone(),
            expires,
        });
    Ok(leftover.filter(|leftover| leftover.expires < now))
}
