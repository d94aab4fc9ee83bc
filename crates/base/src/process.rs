//! What this process and its threads have used, and may use.

use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// CPU time (user and system) that the calling thread has used, in microseconds.
#[must_use]
pub fn thread_cpu_us() -> u64 {
    used_us(ClockId::ThreadCPUTime)
}

/// CPU time (user and system) that this process has used, in microseconds.
#[must_use]
pub fn process_cpu_us() -> u64 {
    used_us(ClockId::ProcessCPUTime)
}

fn used_us(clock: ClockId) -> u64 {
    let used = clock_gettime(clock);
    used.tv_sec as u64 * 1_000_000 + used.tv_nsec as u64 / 1_000
}

/// Raises the limit on open files to what the system allows this process.
///
/// Shells commonly start with 256 or 1,024, which a thousand connections and as
/// many shards do not fit into. Failing leaves things as they were: connecting or
/// accepting says if that is too few.
pub fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
