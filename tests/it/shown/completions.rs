//! Completion scripts in the shells that they are for.

use std::path::Path;
use std::process::Command;

use super::{printed, program};

/// A line up to where Tab is pressed, and names that are offered.
const CASES: [(&str, &[&str]); 9] = [
    ("hrload --profile s", &["steady", "sync-aligned"]),
    ("hrload run --profile s", &["steady", "sync-aligned"]),
    ("hrload plan --profile com", &["commute"]),
    ("hrload profiles show mar", &["marathon"]),
    ("hrload run --layout t", &["timeseries"]),
    ("hrload run --mode p", &["provisioned"]),
    ("hrload sweep --client d", &["direct"]),
    (
        "hrload run --region eu-c",
        &["eu-central-1", "eu-central-2"],
    ),
    ("hrload trend --figure e2e.p9", &["e2e.p99"]),
];

fn script(folder: &Path, shell: &str) -> String {
    printed(folder, &["completions", shell])
}

#[test]
fn bash_offers_the_names_that_options_know() {
    let Some(mut bash) = program("bash") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script"), script(folder.path(), "bash")).unwrap();
    let mut lines = "source ./script\n".to_owned();
    for (line, _) in CASES {
        let words: Vec<&str> = line.split(' ').collect();
        let (at, word, before) = (
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        lines += &format!(
            "COMP_WORDS=({line}); COMP_CWORD={at}; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}\n\
             COMPREPLY=(); _hrload hrload '{word}' '{before}'; echo \"${{COMPREPLY[*]}}\"\n"
        );
    }
    // What no name fits is completed as a file.
    lines += "complete -p hrload\n";
    let output = bash
        .current_dir(folder.path())
        .args(["--norc", "-c", &lines])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<&str> = text.lines().collect();
    assert_eq!(answers.len(), CASES.len() + 1, "{text}{said}");
    for ((line, names), answer) in CASES.iter().zip(&answers) {
        let offered: Vec<&str> = answer.split(' ').collect();
        assert!(
            names.iter().all(|name| offered.contains(name)),
            "{line}: {answer}{said}"
        );
    }
    assert!(answers[CASES.len()].contains("-o default"), "{text}");
}

#[test]
fn fish_offers_the_names_and_files_beside_them() {
    let Some(mut fish) = program("fish") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script"), script(folder.path(), "fish")).unwrap();
    std::fs::write(folder.path().join("some.toml"), "").unwrap();
    let asked = CASES.map(|(line, _)| format!("echo '>'; complete -C '{line}'"));
    let lines = format!("source ./script; {}", asked.join("; "));
    let output = fish
        .current_dir(folder.path())
        .args(["-N", "-c", &lines])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<&str> = text.split(">\n").skip(1).collect();
    assert_eq!(answers.len(), CASES.len(), "{text}{said}");
    for ((line, names), answer) in CASES.iter().zip(&answers) {
        let offered: Vec<&str> = answer
            .lines()
            .filter_map(|of| of.split('\t').next())
            .collect();
        assert!(
            names.iter().all(|name| offered.contains(name)),
            "{line}: {answer}{said}"
        );
    }
    assert!(answers[0].contains("some.toml"), "{text}");
}

/// A shell of its own in a terminal, in which Tab is pressed.
const IN_A_TERMINAL: &str = r#"
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PROMPT='> '; stty columns 300; fpath=($PWD \$fpath); autoload -Uz compinit; compinit -D -u; echo BE''GUN"
zpty -r z read '*BEGUN*'
for line in "$@"; do
    zpty -n -w z "$line"$'\t\t'
    # What is offered ends with the line once more.
    zpty -r z read "*$line*$line*"
    zpty -n -w z $'\x15'"echo AN''SWERED"$'\n'
    zpty -r z more '*ANSWERED*'
    print -r -- ">$line"
    print -r -- "$read$more"
done
"#;

#[test]
fn zsh_offers_the_names_and_files_beside_them() {
    if program("zsh").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("_hrload"), script(folder.path(), "zsh")).unwrap();
    std::fs::write(folder.path().join("some.toml"), "").unwrap();
    // Where one name alone fits, it stands on the line at once.
    let several = CASES.iter().filter(|(_, names)| names.len() > 1);
    let several: Vec<_> = several.collect();
    let lines = several.iter().map(|(line, _)| *line);
    // What never comes ends the wait for it.
    let output = Command::new("timeout")
        .current_dir(folder.path())
        .args(["60", "zsh", "-f", "-c", IN_A_TERMINAL, "zsh"])
        .args(lines)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for (line, names) in several {
        let from = text.find(&format!("\n>{line}\n")).map(|at| &text[at..]);
        let from = from
            .or_else(|| text.strip_prefix('>'))
            .unwrap_or_else(|| panic!("{text}{said}"));
        assert!(
            names.iter().all(|name| from.contains(name)),
            "{line}: {text}{said}"
        );
    }
    assert!(text.contains("some.toml"), "{text}{said}");
}
