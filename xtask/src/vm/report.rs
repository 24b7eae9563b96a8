//! Reports steps with their times: a line as each ends, a table or JSON at the end.

use std::time::Instant;

use anyhow::{Result, bail};

/// One finished step.
struct Step {
    name: String,
    seconds: f64,
    passed: bool,
    notes: Vec<String>,
}

/// All steps so far.
pub(super) struct Report {
    json: bool,
    started: Instant,
    steps: Vec<Step>,
}

impl Report {
    /// `json`: print JSON at the end; progress lines go to standard error either way.
    pub(super) fn new(json: bool) -> Self {
        Self { json, started: now(), steps: Vec::new() }
    }

    /// Runs a preparation: its time goes into the report, its error to the caller.
    pub(super) fn time<T>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<(T, Vec<String>)>,
    ) -> Result<T> {
        let start = now();
        let (value, notes) = work()?;
        self.add(name, start, true, notes);
        Ok(value)
    }

    /// Runs a step and returns whether it passed.
    pub(super) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<Vec<String>>) -> bool {
        let start = now();
        let (passed, notes) = match work() {
            Ok(notes) => (true, notes),
            Err(error) => (false, format!("{error:#}").lines().map(str::to_owned).collect()),
        };
        self.add(name, start, passed, notes);
        passed
    }

    fn add(&mut self, name: &str, start: Instant, passed: bool, notes: Vec<String>) {
        let step = Step { name: name.to_owned(), seconds: (now() - start).as_secs_f64(), passed, notes };
        eprintln!("{}", step.line());
        for note in &step.notes {
            eprintln!("                 {note}");
        }
        self.steps.push(step);
    }

    /// Prints the report; fails if a step failed or fewer than `wanted` ran after the preparations.
    pub(super) fn finish(self, wanted: usize) -> Result<()> {
        let prepared =
            self.steps.iter().filter(|step| matches!(step.name.as_str(), "image" | "payload" | "journal"));
        let ran = self.steps.len() - prepared.count();
        let failed: Vec<&str> =
            self.steps.iter().filter(|step| !step.passed).map(|step| step.name.as_str()).collect();
        let all = (now() - self.started).as_secs_f64();
        if self.json {
            println!("{:#}", self.to_json(all, ran == wanted && failed.is_empty()));
        } else {
            self.table(all);
        }
        if !failed.is_empty() {
            bail!("failed: {}; {} of {wanted} steps ran", failed.join(", "), ran);
        }
        if ran != wanted {
            bail!("{ran} of {wanted} steps ran");
        }
        Ok(())
    }

    fn table(&self, all: f64) {
        println!("\n| step | seconds | result | |\n| --- | ---: | --- | --- |");
        for step in &self.steps {
            let notes = if step.passed { step.notes.join("; ") } else { "see above".to_owned() };
            println!("| {} | {:.1} | {} | {notes} |", step.name, step.seconds, step.word());
        }
        println!("| all | {all:.1} | | |");
        let passed = self.steps.iter().filter(|step| step.passed).count();
        println!("\n{passed} passed, {} failed", self.steps.len() - passed);
    }

    fn to_json(&self, all: f64, passed: bool) -> serde_json::Value {
        let rounded = |seconds: f64| (seconds * 10.0).round() / 10.0;
        let steps = self.steps.iter().map(|step| {
            serde_json::json!({
                "step": step.name,
                "seconds": rounded(step.seconds),
                "passed": step.passed,
                "notes": step.notes,
            })
        });
        let steps: Vec<serde_json::Value> = steps.collect();
        serde_json::json!({ "passed": passed, "seconds": rounded(all), "steps": steps })
    }
}

impl Step {
    fn word(&self) -> &'static str {
        if self.passed { "ok" } else { "FAILED" }
    }

    fn line(&self) -> String {
        format!("{:<6} {:>7.1} s  {}", self.word(), self.seconds, self.name)
    }
}

#[expect(clippy::disallowed_methods, reason = "times the steps for people")]
fn now() -> Instant {
    Instant::now()
}
