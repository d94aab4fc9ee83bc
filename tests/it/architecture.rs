//! Who depends on whom, as `docs/architecture.md` says it.

use std::process::Command;

/// All packages that a crate is built of, its own dependencies and theirs.
fn built_of(package: &str) -> Vec<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p}", "--package", package])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let told = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "{package}: {told}");
    let names = String::from_utf8(tree.stdout).expect("names are text");
    let names = names.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn pure_crates_know_no_runtime_and_no_network() {
    for (package, ours) in [
        ("hrload-workload", &[][..]),
        ("hrload-capacity", &[]),
        ("hrload-stats", &[]),
        ("hrload-codec", &["hrload-capacity", "hrload-workload"]),
        ("hrload-measure", &["hrload-workload"]),
    ] {
        let packages = built_of(package);
        assert!(packages.iter().any(|of| of == package), "{packages:?}");
        for of in packages.iter().filter(|of| *of != package) {
            let runtime = ["tokio", "mio", "hyper", "rustix", "socket2"].contains(&of.as_str());
            let aws = of.starts_with("aws-");
            assert!(!runtime && !aws, "{package} is built of {of}");
            let known = !of.starts_with("hrload") || ours.contains(&of.as_str());
            assert!(known, "{package} knows {of}");
        }
    }
}

#[test]
fn the_embedded_services_need_nothing_of_aws_but_its_framing() {
    for of in built_of("hrload-local") {
        let allowed = ["aws-smithy-eventstream", "aws-smithy-types"].contains(&of.as_str());
        assert!(!of.starts_with("aws-") || allowed, "{of}");
    }
}
