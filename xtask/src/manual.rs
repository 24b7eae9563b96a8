//! Manual pages and completions for the packages: what the programs say of themselves, and `man/` as it is.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cross;
use crate::run::{command, read, root, succeed};
use crate::target::Target;

/// Shells, and the names that their scripts are looked for under.
const COMPLETIONS: &[(&str, &str)] =
    &[("bash", "facelatch"), ("zsh", "_facelatch"), ("fish", "facelatch.fish")];

/// Where `man/facelatch.toml.5` lists the keys.
const KEYS: &str = r#".\" KEYS"#;

/// Writes `manual/` beside the programs of a build for `target`, where Cargo.toml looks for it. That they can say
/// this much also shows that they start.
pub(crate) fn write(target: &Target, programs: &Path) -> Result<()> {
    let folder = programs.join("manual");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(folder.join("man"))?;
    // Has no page to write, but must start as well.
    let mut daemon = cross::program(target, &programs.join("facelatchd"))?;
    daemon.arg("--version");
    succeed(daemon)?;
    let client = || cross::program(target, &programs.join("facelatch"));
    let mut man = client()?;
    man.arg("man").arg(folder.join("man"));
    succeed(man)?;
    for (shell, name) in COMPLETIONS {
        let mut completions = client()?;
        completions.args(["completions", shell]);
        std::fs::write(folder.join(name), read(completions)?)?;
    }
    let keys = keys(&std::fs::read_to_string(root().join("config/facelatch.toml"))?)?;
    for page in std::fs::read_dir(root().join("man")).context("man/")? {
        let page = page?;
        let text = std::fs::read_to_string(page.path())?.replace(KEYS, keys.trim_end());
        std::fs::write(folder.join("man").join(page.file_name()), text)?;
    }
    // As Debian wants them, and without the time, so that the same page gives the same file.
    let mut gzip = command("gzip", &["--best", "--no-name"]);
    for page in std::fs::read_dir(folder.join("man"))? {
        gzip.arg(page?.path());
    }
    succeed(gzip)
}

/// The sections, keys, defaults and comments of the shipped configuration as parts of a manual page.
fn keys(config: &str) -> Result<String> {
    let mut page = String::new();
    for line in config.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (code, comment) = line.split_once(" #").unwrap_or((line, ""));
        let (code, comment) = (roff(code.trim()), roff(comment.trim()));
        if let Some((key, value)) = code.split_once(" = ") {
            writeln!(page, ".TP\n.BI {key} \" = {}\"\n{comment}", value.replace('"', "\\(dq"))?;
        } else {
            writeln!(page, ".SH {code}\n{comment}")?;
        }
    }
    // A key without a word of its own is explained by the one before it.
    Ok(page.replace("\n\n", "\n"))
}

/// Text that troff shows as it is.
fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace("'", "\\(aq")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_configuration_stands_in_its_page_with_its_default() {
        let page = keys("# Head\n[camera]  # eye\nwidth_px = 640   # wanted [1..=9]\nreplay = \"\"  # a-b\n")
            .expect("a page");
        let wanted = ".SH [camera]\neye\n.TP\n.BI width_px \" = 640\"\nwanted [1..=9]\n\
                      .TP\n.BI replay \" = \\(dq\\(dq\"\na\\-b\n";
        assert_eq!(page, wanted);
    }
}
