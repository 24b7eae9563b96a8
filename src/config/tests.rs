use super::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("facelatch.toml"), text).map_err(|e| e.to_string())
}

#[test]
fn shipped_file_equals_the_defaults_and_leaves_no_field_out() {
    let text = include_str!("../../config/facelatch.toml");
    assert_eq!(parse(text), Ok(Config::default()));
    let typed: toml::Table = toml::from_str(text).expect("TOML");
    let known = toml::Table::try_from(Config::default()).expect("table");
    for (section, fields) in &known {
        let shipped = typed[section].as_table().expect("section");
        let missing: Vec<_> =
            fields.as_table().expect("section").keys().filter(|k| !shipped.contains_key(*k)).collect();
        assert!(missing.is_empty(), "[{section}] of the shipped file leaves out {missing:?}");
    }
}

#[test]
fn ranges_in_the_shipped_file_are_those_that_are_checked() {
    let text = include_str!("../../config/facelatch.toml");
    let mut section = "";
    let mut seen = 0;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.split(']').next().unwrap_or_default();
        }
        let Some((low, high)) =
            line.rsplit_once('[').and_then(|(_, r)| r.trim_end().strip_suffix(']')?.split_once("..="))
        else {
            continue;
        };
        let key = line.split('=').next().unwrap_or_default().trim();
        // The other of two that must be in order, out of the way.
        let other = match key {
            "min_light" => "max_light = 255.0",
            "max_light" => "min_light = 0.0",
            _ => "",
        };
        let with = |value: String| parse(&format!("[{section}]\n{key} = {value}\n{other}\n"));
        let beyond = |value: &str, by: f64| match value.parse::<i64>() {
            Ok(whole) => (whole + by.signum() as i64).to_string(),
            Err(_) => format!("{:?}", value.parse::<f64>().expect("number") + by),
        };
        assert!(with(low.to_owned()).is_ok(), "{section}.{key} = {low}");
        assert!(with(high.to_owned()).is_ok(), "{section}.{key} = {high}");
        assert!(with(beyond(low, -0.001)).is_err(), "{section}.{key} below {low}");
        assert!(with(beyond(high, 0.001)).is_err(), "{section}.{key} above {high}");
        seen += 1;
    }
    assert_eq!(seen, 25, "every range of the file was tried");
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let why = parse("[quality]\nmin_light = 230.0\n").expect_err("above max_light");
    assert!(
        why.contains("quality.min_light = 230.0")
            && why.contains("at most quality.max_light, which is 225.0"),
        "{why}"
    );
    assert!(parse("[quality]\nmin_light = 200.0\nmax_light = 100.0\n").is_err());
    let why =
        parse("[lockout]\nfirst_wait_s = 600\nlongest_wait_s = 300\n").expect_err("longer than the longest");
    assert!(
        why.contains("lockout.first_wait_s = 600") && why.contains("lockout.longest_wait_s, which is 300"),
        "{why}"
    );
}

#[test]
fn fewer_frames_or_templates_than_the_shipped_heads_were_fitted_for_are_noted() {
    let notes = |text: &str| parse(text).expect("allowed").notes();
    assert_eq!(notes(""), [""; 0]);
    assert_eq!(notes("[decision]\nframes = 4\ntemplates = 9\n"), [""; 0]);
    assert!(notes("[decision]\nframes = 1\n")[0].contains("decision.frames = 1, decision.templates = 5"));
    assert_eq!(notes("[decision]\ntemplates = 4\n").len(), 1);
    assert_eq!(notes("[decision]\nframes = 1\n[models]\nhead = \"/own.head.toml\"\n"), [""; 0]);
}

#[test]
fn a_typo_gets_a_suggestion() {
    let error = parse("[decision]\nframse = 3\n").expect_err("typo");
    assert!(error.ends_with("unknown key `decision.framse`; did you mean `decision.frames`?"), "{error}");
    assert!(parse("[desicion]\n").expect_err("typo").contains("did you mean `decision`?"));
    assert!(parse("[x]\n").expect_err("unknown").contains("known are camera"));
}

#[test]
fn wrong_types_and_half_files_name_the_line() {
    assert!(parse("[decision]\nframes = \"3\"\n").expect_err("type").contains("line 2"));
    assert!(parse("[decision\n").expect_err("half").contains("line 1"));
    assert!(parse("[quality]\nmin_light = nan\n").is_err());
}

#[test]
fn a_hook_must_be_an_absolute_path() {
    assert!(
        parse("[latch]\nkind = \"hook\"\nhook = \"door.sh\"\n").expect_err("relative").contains("absolute")
    );
    assert!(parse("[latch]\nkind = \"hook\"\nhook = \"/usr/bin/door\"\n").is_ok());
}
