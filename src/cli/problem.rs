//! Exit codes, and errors on their way to the terminal.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use crate::endpoint::redact;
use crate::experiment::RunError;
use crate::report::{Word, WriteError};

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All was well.
    Held,
    /// It could not be done.
    Failed,
    /// The command line asked for something that makes no sense.
    Usage,
    /// A run came out so.
    Run(Word),
    /// What was asked for was not found to hold.
    Missed,
    /// A comparison found something worse.
    Regressed,
    /// Stopped by a signal.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Held => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Missed => 3,
            Exit::Regressed => 4,
            Exit::Interrupted => 130,
            Exit::Run(word) => word.exit_code(),
        })
    }
}

/// An error, told once.
#[derive(Debug)]
pub(crate) struct Problem {
    exit: Exit,
    message: String,
}

impl Problem {
    /// Wrong use: exit code 2.
    pub(crate) fn usage(error: impl Into<Box<dyn Error>>) -> Self {
        Self {
            exit: Exit::Usage,
            message: with_causes(error.into().as_ref()),
        }
    }

    /// Right use that failed: exit code 1.
    pub(crate) fn failed(error: impl Into<Box<dyn Error>>) -> Self {
        Self {
            exit: Exit::Failed,
            message: with_causes(error.into().as_ref()),
        }
    }

    /// A comparison that came to a bad end: exit code 4.
    pub(crate) fn regressed(error: impl Into<Box<dyn Error>>) -> Self {
        Self {
            exit: Exit::Regressed,
            message: with_causes(error.into().as_ref()),
        }
    }

    /// Standard output took no more: exit code 1, or nothing to tell where its reader left.
    pub(crate) fn of_stdout(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::from(error),
            _ => Self::failed(format!("cannot write to standard output: {error}")),
        }
    }

    /// A signal came before there was a result: exit code 130.
    pub(crate) fn interrupted(message: &str) -> Self {
        Self {
            exit: Exit::Interrupted,
            message: message.to_owned(),
        }
    }

    /// The same with a sentence about what follows from it.
    pub(crate) fn and(mut self, consequence: &str) -> Self {
        self.message.push_str("\n  ");
        self.message.push_str(consequence);
        self
    }

    /// Prints it to standard error.
    pub(crate) fn report(self) -> Exit {
        if !self.message.is_empty() {
            let style = anstyle::AnsiColor::Red.on_default().bold();
            // Names and values in it may come from a file.
            let message = crate::report::lines(&self.message);
            say!("{style}error:{style:#} {message}");
        }
        self.exit
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        if error.is_closed_pipe() {
            return Self::from(io::Error::from(io::ErrorKind::BrokenPipe));
        }
        Self::failed(error)
    }
}

/// What went wrong with the outputs of a command, each of which is tried whatever became
/// of the others.
#[derive(Debug, Default)]
pub(crate) struct Outputs(Vec<Problem>);

impl Outputs {
    /// Notes how one went.
    pub(crate) fn note<E: Into<Problem>>(&mut self, done: Result<(), E>) {
        self.0.extend(done.map_err(Into::into).err());
    }

    /// Whether any went wrong that is worth words: a reader that went away is not.
    pub(crate) fn any_failed(&self) -> bool {
        self.0.iter().any(|problem| problem.exit != Exit::Held)
    }

    /// All is tried: tells of each that went wrong.
    ///
    /// # Errors
    /// The last of them.
    pub(crate) fn end(self) -> Result<(), Problem> {
        let mut problems = self.0;
        problems.sort_by_key(|problem| problem.exit != Exit::Held);
        let Some(last) = problems.pop() else {
            return Ok(());
        };
        for problem in problems {
            problem.report();
        }
        Err(last)
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Impossible(_) => Self::usage(error),
            RunError::Stopped => Self::interrupted(&error.to_string()),
            _ => Self::failed(error),
        }
    }
}

/// Failing to print: a reader that went away (`hrload show x | head`) ends the
/// process quietly, as it would any other Unix program.
impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self {
                exit: Exit::Held,
                message: String::new(),
            }
        } else {
            Self::failed(error)
        }
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let text = deeper.to_string();
        // Many libraries repeat their cause in their own text.
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = deeper.source();
    }
    redact(&message)
}
