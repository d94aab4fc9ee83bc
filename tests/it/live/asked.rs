//! What is asked on a terminal before anything is made on AWS.

use crate::live::terminal::Terminal;

const ON_AWS: &str = "--target aws --region eu-central-1 --devices 100 -d 10s";

/// Says no to what these words would do on AWS; what was written on the terminal.
#[track_caller]
fn declined(words: &str) -> String {
    let words = format!("{words} {ON_AWS}");
    let mut terminal = Terminal::run(&words, 100, 30);
    terminal.await_text("on AWS? [y/N]", 0);
    terminal.press("n\n");
    let ended = terminal.child.wait().unwrap();
    terminal.await_text("nothing was made and nothing was sent", 0);
    assert_eq!(ended.code(), Some(1));
    terminal.written()
}

#[test]
fn a_run_on_aws_says_what_it_costs_and_asks() {
    let written = declined("run -r 1000/s");
    assert!(written.contains("this run costs about 0.0"), "{written}");
    assert!(written.contains("if it runs to its end"), "{written}");
}

#[test]
fn a_sweep_on_aws_says_what_all_its_runs_cost_and_asks() {
    let written = declined("sweep --from 1k --to 4k --precision 50% --max-cost 0.0001");
    // 1k, 2k, 4k twice, and 2.83k between the last two.
    assert!(written.contains("this sweep costs about 0."), "{written}");
    assert!(
        written.contains(" USD in 5 runs if its limit lies"),
        "{written}"
    );
    assert!(written.contains("when 0.0001 USD are spent"), "{written}");
}

#[test]
fn a_comparison_on_aws_says_what_all_its_runs_cost_and_asks() {
    // On demand and provisioned, three times each: auto scaling is not for a run to say.
    let written = declined("modes -r 1000/s --repeat 3");
    assert!(
        written.contains("this comparison costs about 0."),
        "{written}"
    );
    assert!(written.contains(" USD in 6 runs (prices of "), "{written}");
}

#[test]
fn two_sides_on_aws_say_what_all_their_runs_cost_and_ask() {
    let written = declined("ab --base --batch=5 --rounds 4 -- -r 1000/s");
    assert!(
        written.contains("this comparison costs about 0."),
        "{written}"
    );
    assert!(written.contains(" USD in 8 runs (prices of "), "{written}");
}
