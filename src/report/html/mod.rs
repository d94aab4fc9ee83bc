//! A page.
use super::{ReportError, RunResult};
pub(super) fn page(_: &[RunResult]) -> Result<String, ReportError> {
    Ok(String::new())
}
