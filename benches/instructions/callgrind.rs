//! Counting under valgrind: which one there is, and what it says.
//!
//! The benchmark runs itself under callgrind, one process a function, and has
//! it collect within [`hrload_counted`] only, so that preparing and warming up
//! are left out. The environment is emptied, because its size moves the stack.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::functions::Function;

/// What a process run for counting is told, before the function's name.
pub(crate) const COUNT: &str = "--count";

/// What callgrind counted of one function.
pub(crate) struct Count {
    /// Instructions of one call.
    pub(crate) per_call: f64,
    /// Those of them in SHA-256. valgrind knows no SHA instructions, so that
    /// these are many more than a processor with them needs.
    pub(crate) sha_per_call: f64,
    /// Processor features that the counted code could ask for, in order.
    pub(crate) cpu_features: Vec<String>,
}

/// Where valgrind is, if it is.
pub(crate) fn find_valgrind() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("valgrind"))
        .find(|file| file.is_file())
}

/// Calls `run` so often. Its name is how callgrind knows what to collect.
#[inline(never)]
fn hrload_counted(run: &mut dyn FnMut(), calls: u32) {
    for _ in 0..calls {
        run();
    }
}

/// The counted process: warms up, calls, and says which features there are.
pub(crate) fn work(function: &Function) {
    let mut run = (function.prepare)();
    for _ in 0..function.calls {
        run();
    }
    hrload_counted(&mut *run, std::hint::black_box(function.calls));
    println!("{}", features().join(" "));
}

/// Features that the standard library, `memchr`, `base64-simd` or the C
/// library choose code by.
fn features() -> Vec<&'static str> {
    macro_rules! detected {
        ($is_detected:ident: $($feature:tt)*) => {
            [$(($feature, std::arch::$is_detected!($feature))),*]
        };
    }
    #[cfg(target_arch = "x86_64")]
    let known = detected!(is_x86_feature_detected: "avx" "avx2" "avx512f" "bmi1" "bmi2" "fma" "lzcnt" "pclmulqdq" "popcnt" "sha" "sse4.2" "ssse3");
    #[cfg(target_arch = "aarch64")]
    let known = detected!(is_aarch64_feature_detected: "aes" "crc" "lse" "neon" "sha2" "sve");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let known: [(&str, bool); 0] = [];
    let present = known.into_iter().filter(|(_, detected)| *detected);
    present.map(|(feature, _)| feature).collect()
}

/// Counts one function.
///
/// # Errors
/// valgrind could not be run or failed; with what it said.
pub(crate) fn count(valgrind: &Path, function: &Function) -> Result<Count, String> {
    let failed = |what: &str, cause: &str| {
        format!(
            "cannot count {:?}: {what}: {}",
            function.name,
            cause.trim_end()
        )
    };
    let this = std::env::current_exe().map_err(|e| failed("this program", &e.to_string()))?;
    let name = function.name.replace(|c: char| !c.is_alphanumeric(), "-");
    let profile = std::env::temp_dir().join(format!("hrload-{}-{name}", std::process::id()));
    let ended = Command::new(valgrind)
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        .args(["--compress-strings=no", "--compress-pos=no"])
        .arg("--toggle-collect=*hrload_counted*")
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(this)
        .args([COUNT, function.name])
        .env_clear()
        .output()
        .map_err(|e| failed("running valgrind", &e.to_string()))?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        return Err(failed(&format!("valgrind {}", ended.status), &said));
    }
    let read = std::fs::read(&profile).map_err(|e| failed("reading its profile", &e.to_string()));
    let _ = std::fs::remove_file(&profile);
    let (total, sha) = totals(&String::from_utf8_lossy(&read?));
    if total == 0 {
        return Err(failed(
            "nothing was collected",
            "is `hrload_counted` still a function of its own?",
        ));
    }
    Ok(Count {
        per_call: total as f64 / f64::from(function.calls),
        sha_per_call: sha as f64 / f64::from(function.calls),
        cpu_features: String::from_utf8_lossy(&ended.stdout)
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    })
}

/// All instructions in a profile, and those within functions of SHA-256.
///
/// The format: `fn=` names the function that the lines after it belong to,
/// each `line cost`; the line after `calls=` is the callee's and counts there
/// (<https://valgrind.org/docs/manual/cl-format.html>).
fn totals(profile: &str) -> (u64, u64) {
    let (mut total, mut sha) = (0, 0);
    let (mut in_sha, mut of_callee) = (false, false);
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            in_sha = name.contains("sha2") || name.contains("sha256");
        } else if line.starts_with("calls=") {
            of_callee = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit()) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok());
            if !std::mem::take(&mut of_callee) {
                let cost: u64 = cost.unwrap_or(0);
                total += cost;
                sha += if in_sha { cost } else { 0 };
            }
        }
    }
    (total, sha)
}
