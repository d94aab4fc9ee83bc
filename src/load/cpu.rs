//! What the calling thread has cost.

use rustix::time::{ClockId, clock_gettime};

/// CPU time (user and system) that the calling thread has used, in microseconds.
#[must_use]
pub fn thread_cpu_us() -> u64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    used.tv_sec as u64 * 1_000_000 + used.tv_nsec as u64 / 1_000
}
