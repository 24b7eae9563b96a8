//! Checks the documents: links between files must resolve, and the programs must print the messages that
//! docs/troubleshooting.md quotes.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run::{command, read, root};

/// The page that quotes what the programs print.
const QUOTING: &str = "docs/troubleshooting.md";

/// Fails with one line for each link to a missing file and each quoted message no program prints.
pub(crate) fn check() -> Result<()> {
    let mut wrong = Vec::new();
    for name in tracked("*.md")? {
        let text = load(&name)?;
        let folder = root().join(&name).parent().map(Path::to_owned).unwrap_or_default();
        let missing = links(&text).into_iter().filter(|link| !folder.join(link).exists());
        wrong.extend(missing.map(|link| format!("{name}: no file {link}")));
    }
    let mut source = String::new();
    for name in tracked("*.rs")? {
        source += &flat(&load(&name)?);
    }
    let absent = quotes(&load(QUOTING)?).into_iter().filter(|quote| !source.contains(quote.as_str()));
    wrong.extend(absent.map(|quote| format!("{QUOTING}: no program prints {quote:?}")));
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("\n")) }
}

/// Names of the files tracked by git, relative to the root.
fn tracked(pattern: &str) -> Result<Vec<String>> {
    Ok(read(command("git", &["ls-files", pattern]))?.lines().map(str::to_owned).collect())
}

fn load(name: &str) -> Result<String> {
    std::fs::read_to_string(root().join(name)).with_context(|| name.to_owned())
}

/// Targets of links outside code blocks that point to local files, without their `#` parts.
pub(crate) fn links(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| !line.starts_with("    "));
    lines
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|link| !link.is_empty() && !link.contains("://"))
        .collect()
}

/// Double-quoted texts in the first column of each table; `...` stands for a variable part.
fn quotes(text: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    cells
        .flat_map(|cell| cell.split('"').skip(1).step_by(2))
        .flat_map(|quote| quote.split("..."))
        .map(|part| part.trim_matches([' ', ':']).to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// Joins messages that source code breaks with `\` and indentation.
fn flat(source: &str) -> String {
    let mut flat = String::with_capacity(source.len());
    for line in source.lines().map(str::trim_start) {
        match line.strip_suffix('\\') {
            Some(start) => flat += start,
            None => {
                flat += line;
                flat.push('\n');
            }
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_are_found_and_others_are_not() {
        let text =
            "[a](a.md) and [b](../b.md#part)\n    [code](c.md)\n[web](https://example.org), [here](#part)";
        assert_eq!(Vec::from_iter(links(text)), ["../b.md", "a.md"]);
    }

    #[test]
    fn quotes_are_taken_from_the_first_column_without_variable_parts() {
        let text = "| you see | cause |\n| \"file ...: is gone\", exit 1 | \"no\" |\n\"nor this\"";
        assert_eq!(Vec::from_iter(quotes(text)), ["file", "is gone"]);
    }

    #[test]
    fn a_broken_message_is_one_line() {
        assert_eq!(flat("    \"one \\\n     two\"\n"), "\"one two\"\n");
    }
}
