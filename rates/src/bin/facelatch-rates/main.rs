//! `facelatch-rates`: error rates and heads from labelled pictures.
#![forbid(unsafe_code)]

mod ablate;
mod adapt;
mod args;
mod attack;
mod change;
mod children;
mod chips;
mod fit;
mod groups;
mod held;
mod import;
mod lab;
mod lfw;
mod live;
mod measure;
mod search;
mod stress;
mod turns;
mod variants;
mod walkup;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let outcome = match args::Args::parse().verb {
        args::Verb::Change(change) => change::run(&change),
        args::Verb::Children(children) => children::run(&children),
        args::Verb::Chips(chips) => chips::run(&chips),
        args::Verb::Fit(fit) => fit::run(&fit),
        args::Verb::Adapt(adapt) => adapt::run(&adapt),
        args::Verb::Ablate(ablate) => ablate::run(&ablate),
        args::Verb::Attack(attack) => attack::run(&attack),
        args::Verb::Groups(groups) => groups::run(&groups),
        args::Verb::Import(import) => import::run(&import),
        args::Verb::Lab(lab) => lab::run(&lab),
        args::Verb::Lfw(lfw) => lfw::run(&lfw),
        args::Verb::Live(live) => live::run(&live),
        args::Verb::Measure(measure) => measure::run(&measure),
        args::Verb::Search(search) => search::run(&search),
        args::Verb::Stress(stress) => stress::run(&stress),
        args::Verb::Threshold(threshold) => held::run(&threshold),
        args::Verb::Turns(turns) => turns::run(&turns),
        args::Verb::Variants(variants) => variants::run(&variants),
        args::Verb::Walkup(walkup) => walkup::run(&walkup),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("facelatch-rates: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints to standard output; a closed pipe is an error, not a panic.
fn say(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    Ok(writeln!(std::io::stdout(), "{}", text.trim_end())?)
}
