#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn every_embedded_profile_reads_and_says_what_it_is() {
    assert!(Profile::names().any(|name| name == Profile::DEFAULT));
    for name in Profile::names() {
        let profile = Profile::named(name).unwrap();
        assert_eq!(profile.name(), name);
        assert!(profile.summary().len() > 20, "{name}");
        assert!(profile.text().contains("Where the numbers come from") || name == "seed-parity");
        assert_eq!(Profile::parse(profile.text(), name).unwrap(), profile);
    }
}

#[test]
fn an_unknown_profile_suggests_the_nearest() {
    let error = Profile::named("comute").unwrap_err().to_string();
    assert!(error.contains("did you mean `commute`?"), "{error}");
    let error = Profile::named("zzz").unwrap_err();
    assert!(
        matches!(&error, ProfileError::Unknown { nearest: None, .. }),
        "{error}"
    );
}

#[test]
fn a_malformed_profile_is_refused_with_line_and_key() {
    let head = "name = \"x\"\nsummary = \"y\"\n[arrivals]\nprocess = \"steady\"\n";
    for (rest, parts) in [
        (
            "[cohort]\nworm = 1\n",
            &["line 6", "worm", "did you mean `worn`?"][..],
        ),
        (
            "[cohort]\nworn = 1.5\n",
            &["line 6", "cohort.worn", "0 to 1"],
        ),
        (
            "[cohort]\nworn = \"always\"\n",
            &["line 6", "cohort.worn", "by-hour"],
        ),
        (
            "[cohort]\ngaps = -1\n",
            &["line 6", "cohort.gaps", "0 to 1e9"],
        ),
        ("[cohort]\ngaps = \"many\"\n", &["line 6", "cohort.gaps"]),
        (
            "[day]\nfrom = \"25:00\"\n",
            &["line 6", "day.from", "HH:MM"],
        ),
        ("[day]\nfrom = \"10:00\n", &["line 6"]),
        (
            "[day]\ntime_zones = []\n",
            &["line 6", "day.time_zones", "1 to 64"],
        ),
        ("[sync]\n", &["line 5", "sync"]),
        (
            "[classes]\nfitbit=0\napple=0\ngarmin=0\nstrap=0\n",
            &["line 5", "classes", "nothing would be sent"],
        ),
        (
            "[readings]\nuniform_bpm = [90, 60]\n",
            &["line 6", "readings.uniform_bpm", "35 to 215"],
        ),
        ("every_s = 0\n", &["line 5", "arrivals.every_s", "above 0"]),
    ] {
        let error = Profile::parse(&format!("{head}{rest}"), "mine.toml").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("mine.toml"), "{text}");
        for part in parts {
            assert!(text.contains(part), "{rest:?}: `{part}` in: {text}");
        }
    }
    let error = Profile::parse("name = \"x\"\n", "mine.toml")
        .unwrap_err()
        .to_string();
    assert!(error.contains("summary"), "{error}");
    let error = Profile::parse(
        "name = \"x\"\nsummary=\"\"\n[arrivals]\nprocess = \"stedy\"",
        "m",
    );
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("line 4") && error.contains("did you mean `steady`?"),
        "{error}"
    );
}
