//! Completions and manual pages, made from the command line's own description.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::Args;
use crate::exit::Exit;
use crate::say;

/// Pages that a reader of any of ours may want next.
const SEE_ALSO: &[(&str, u8)] = &[
    ("facelatch", 1),
    ("facelatch.toml", 5),
    ("facelatchd", 8),
    ("facelatch-door", 8),
    ("pam_facelatch", 8),
];

/// Prints the script that a shell wants.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    say::line(script(shell).trim_end())?;
    Ok(Exit::Done)
}

fn script(shell: clap_complete::Shell) -> String {
    // Into memory first: it panics where a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown(&Args::command()), "facelatch", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The command without its hidden parts, which some shells would offer.
fn shown(command: &Command) -> Command {
    // clap wants names for as long as the program runs, which prints them and ends.
    let named = |text: &str| -> &'static str { text.to_owned().leak() };
    let mut shown = Command::new(named(command.get_name()))
        .args(command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned())
        .subcommands(command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(self::shown));
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    match command.get_version() {
        Some(version) => shown.version(named(version)),
        None => shown,
    }
}

/// Writes `facelatch.1` and a page for each verb.
pub(crate) fn pages(folder: &Path) -> Result<Exit> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("folder {}: cannot be made", folder.display()))?;
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    page(command, folder).with_context(|| format!("folder {}: pages cannot be written", folder.display()))?;
    Ok(Exit::Done)
}

/// The page of a command, and those of its subcommands.
fn page(mut command: Command, folder: &Path) -> io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned() {
        page(verb, folder)?;
    }
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let exits = command.get_after_help().map(ToString::to_string);
    let has_verbs = command.has_subcommands();
    // Short, and with the values of the options that must be given.
    let usage = command.render_usage().to_string().replacen("Usage: ", "", 1);
    let man = Man::new(command.override_usage(usage))
        .title(name.to_uppercase())
        .source(concat!("facelatch ", env!("CARGO_PKG_VERSION")))
        .manual("User commands");
    let mut file = File::create(folder.join(format!("{name}.1")))?;
    man.render_title(&mut file)?;
    man.render_name_section(&mut file)?;
    man.render_synopsis_section(&mut file)?;
    man.render_options_section(&mut file)?;
    if has_verbs {
        man.render_subcommands_section(&mut file)?;
    }
    if let Some(exits) = exits {
        exit_status(&exits, &mut file)?;
    }
    see_also(&name, &mut file)
}

/// Lines such as "  0  done", below a headline.
fn exit_status(text: &str, page: &mut impl Write) -> io::Result<()> {
    writeln!(page, ".SH \"EXIT STATUS\"")?;
    for (code, meaning) in text.lines().filter_map(|line| line.trim_start().split_once("  ")) {
        writeln!(page, ".TP\n.B {code}\n{}", meaning.replace('-', "\\-"))?;
    }
    Ok(())
}

fn see_also(name: &str, page: &mut impl Write) -> io::Result<()> {
    let others: Vec<String> = SEE_ALSO
        .iter()
        .filter(|(other, _)| *other != name)
        .map(|(other, section)| format!(".BR {} ({section})", other.replace('-', "\\-")))
        .collect();
    writeln!(page, ".SH \"SEE ALSO\"\n{}", others.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages_of_all() -> Vec<(String, String)> {
        let folder = tempfile::tempdir().expect("a folder");
        pages(folder.path()).expect("written");
        let files =
            std::fs::read_dir(folder.path()).expect("listed").map(|entry| entry.expect("listed").path());
        files
            .map(|path| {
                let name = path.file_name().expect("named").to_string_lossy().into_owned();
                (name, std::fs::read_to_string(path).expect("text"))
            })
            .collect()
    }

    #[test]
    fn completions_offer_what_help_shows_and_nothing_else() {
        use clap_complete::Shell::{Bash, Fish, Zsh};

        for shell in [Bash, Zsh, Fish] {
            let script = script(shell);
            for wanted in ["enroll", "skip-enrolled", "face+pin", "version", "completions"] {
                assert!(script.contains(wanted), "{shell}: {wanted}");
            }
            for hidden in ["manual pages", "configuration is below", "--root", "facelatch__man"] {
                assert!(!script.contains(hidden), "{shell}: {hidden}");
            }
        }
    }

    #[test]
    fn each_page_has_its_sections_and_a_usage_with_values() {
        let pages = pages_of_all();
        assert!(pages.len() > 30, "{}", pages.len());
        for (name, text) in &pages {
            for section in ["NAME", "SYNOPSIS", "OPTIONS", "\"SEE ALSO\""] {
                assert_eq!(text.matches(&format!(".SH {section}\n")).count(), 1, "{name}: {section}");
            }
            assert!(!text.contains("EXTRA") && text.contains("\"facelatch "), "{name}");
        }
        let find = |wanted: &str| &pages.iter().find(|(name, _)| name == wanted).expect("a page").1;
        let backup = find("facelatch-backup.1").replace("\\-", "-");
        assert!(backup.contains("[OPTIONS] --to <FILE>"), "{backup}");
        let verify = find("facelatch-verify.1");
        assert!(verify.contains(".SH \"EXIT STATUS\"\n.TP\n.B 0\ndone"), "{verify}");
    }
}
