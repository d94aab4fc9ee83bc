//! Why a set-up step failed, in words that say what to do.

use std::any::Any;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::advice::with_advice;
use super::answer::unnamed;
use super::patience::PATIENCE;
use crate::trouble::words;

/// A set-up step that failed.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The service refused, or could not be reached.
    #[error("{doing}: {}", with_advice(message))]
    Service {
        /// What was being done.
        doing: String,
        /// The exception's name, if the service answered.
        code: Option<String>,
        /// What the service or the connection said.
        message: String,
    },
    /// It did not become usable in time.
    #[error("{what} is still {status} after {}s", PATIENCE.as_secs())]
    TooSlow {
        /// Table, stream or destination.
        what: String,
        /// Its last status.
        status: String,
    },
    /// The table exists, and no waiting makes it usable.
    #[error(
        "table {table} is {status}: restore it, give its key back, or name another with --table"
    )]
    Unusable {
        /// Table name.
        table: String,
        /// Its status.
        status: String,
    },
    /// Somebody else is to fill the stream, and the table's changes go there already.
    #[error(
        "the changes of table {table} go to stream {stream} already: what is put there besides \
         would be there twice; name another stream, or leave out --via put-records"
    )]
    Doubled {
        /// Table name.
        table: String,
        /// Stream name.
        stream: String,
    },
    /// The table exists and does not fit.
    #[error(
        "table {table} has the key {found}, but this layout writes {wanted}; \
         name another table with --table, or choose the layout it was made for"
    )]
    OtherKey {
        /// Table name.
        table: String,
        /// Its key.
        found: String,
        /// The layout's key.
        wanted: String,
    },
}

impl ProvisionError {
    /// Whether a permission was missing, which is found before anything is done.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self, Self::Service { code: Some(code), .. } if code == "AccessDeniedException")
    }
}

pub(super) fn service<E, R>(
    doing: impl Into<String>,
) -> impl FnOnce(SdkError<E, R>) -> ProvisionError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    let doing = doing.into();
    move |error| {
        let message = match error.as_service_error() {
            Some(refusal) => match (refusal.code(), refusal.message()) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                (Some(code), None) => code.to_owned(),
                _ => nameless(&error),
            },
            None => words(&error),
        };
        let code = error.as_service_error().and_then(|refusal| refusal.code());
        ProvisionError::Service {
            code: code.map(str::to_owned),
            doing,
            message,
        }
    }
}

/// An error without a name: the SDK has no more of it than the answer itself.
fn nameless<E, R>(error: &SdkError<E, R>) -> String
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let answer = error
        .raw_response()
        .and_then(|raw| (raw as &dyn Any).downcast_ref::<HttpResponse>());
    match answer {
        Some(http) => unnamed(
            http.status().as_u16(),
            http.body().bytes().unwrap_or_default(),
        ),
        None => words(error),
    }
}
