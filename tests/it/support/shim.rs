//! What a machine may be like: a library put before a process, made with the C compiler
//! that links Rust as well.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::hrload;

/// The library, made in a folder.
pub(crate) fn shim(folder: &Path) -> PathBuf {
    let library = folder.join("shim.so");
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/support/shim.c"
        ))
        .status()
        .unwrap();
    assert!(made.success());
    library
}

/// Puts it before a process, told one thing of `shim.c`.
pub(crate) fn before(command: &mut Command, library: &Path, told: (&str, &str)) {
    command.env("LD_PRELOAD", library).env(told.0, told.1);
}

/// `hrload` on a machine whose wall clock is so many seconds ahead.
pub(crate) fn hrload_ahead(library: &Path, seconds: i64) -> Command {
    let mut command = hrload();
    before(
        &mut command,
        library,
        ("SHIM_CLOCK_S", &seconds.to_string()),
    );
    command
}
