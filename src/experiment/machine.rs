//! What is known of the machine and the process that a run happens on.

use std::collections::BTreeMap;
use std::fs;

use crate::report::Environment;
use crate::workload::Fleet;

/// The value of a `Name:   123 kB` line, in bytes, as Linux's /proc writes it.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let number: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(number * 1024)
}

/// The most memory this process has held, in bytes; `None` where the system
/// does not say.
#[must_use]
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The machine's memory, in bytes.
fn memory_bytes() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")
}

/// Finds out whether a fleet of this many devices fits into this machine's memory: one
/// that does not would be ended by the system, without a word.
///
/// # Errors
/// What it would take and what there is, with what to do.
pub(crate) fn holds(devices: u32) -> Result<(), String> {
    match memory_bytes() {
        Some(there) => fits(devices, there),
        None => Ok(()),
    }
}

fn fits(devices: u32, there: u64) -> Result<(), String> {
    let needed = Fleet::bytes(devices);
    if needed <= there {
        return Ok(());
    }
    let gb = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    Err(format!(
        "--devices {devices} takes {} of memory and this machine has {}: give at most {}",
        gb(needed),
        gb(there),
        there / Fleet::bytes(1),
    ))
}

/// The processor's name.
fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Cores that this process may use.
#[must_use]
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The system's name and version, as it calls itself.
fn system() -> String {
    let kernel = rustix::system::uname();
    let kernel = format!(
        "{} {}",
        kernel.sysname().to_string_lossy(),
        kernel.release().to_string_lossy()
    );
    let name = fs::read_to_string("/etc/os-release").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("PRETTY_NAME="))?;
        Some(line.split_once('=')?.1.trim_matches('"').to_owned())
    });
    match name {
        Some(name) => format!("{name}, {kernel}"),
        None => kernel,
    }
}

/// Versions and machine, for the result file.
pub(super) fn environment() -> Environment {
    let libraries: BTreeMap<String, String> = env!("HRLOAD_LIBRARIES")
        .split(',')
        .filter_map(|library| library.split_once('='))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect();
    Environment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("HRLOAD_COMMIT").map(str::to_owned),
        build: if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        }
        .to_owned(),
        rustc: option_env!("HRLOAD_RUSTC").map(str::to_owned),
        os: system(),
        arch: std::env::consts::ARCH.to_owned(),
        cpu: processor(),
        cpus: cores() as u32,
        memory_bytes: memory_bytes(),
        libraries,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_fleet_that_memory_cannot_hold_is_refused() {
        assert_eq!(fits(1_000_000, Fleet::bytes(1_000_000)), Ok(()));
        let refused = fits(u32::MAX, 24_000_000_000).unwrap_err();
        assert!(
            refused.contains("machine has 24.0 GB: give at most "),
            "{refused}"
        );
        let most = refused.rsplit(' ').next().unwrap().parse::<u32>().unwrap();
        assert_eq!(fits(most, 24_000_000_000), Ok(()));
    }

    #[test]
    fn proc_files_are_read_by_name() {
        let status = "Name:\thrload\nVmPeak:\t  200 kB\nVmHWM:\t   123 kB\n";
        assert_eq!(kilobytes(status, "VmHWM:"), Some(123 * 1024));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
    }
}
