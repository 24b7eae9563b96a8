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
    // The comment at the top of the file belongs to no key.
    for paragraph in config.split("\n\n").filter(|paragraph| !paragraph.lines().all(is_comment)) {
        let (text, code): (Vec<&str>, Vec<&str>) = paragraph.lines().partition(|line| is_comment(line));
        let code = roff(code.first().context("a key or a section")?);
        match code.split_once(" = ") {
            Some((key, value)) => writeln!(page, ".TP\n.BI {key} \" = {}\"", value.replace('"', "\\(dq"))?,
            None => writeln!(page, ".SH {code}")?,
        }
        for line in text.iter().map(|line| line.trim_start_matches('#')) {
            // Ranges and choices have a line each; the rest flows.
            if line.starts_with("   ") || line.starts_with(" Range: ") {
                writeln!(page, ".br")?;
            }
            writeln!(page, "{}", roff(line.trim()))?;
        }
    }
    Ok(page)
}

fn is_comment(line: &str) -> bool {
    line.starts_with('#')
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
        let config = "# Head\n# of the file.\n\n# Eye.\n[camera]\n\n# Frame width\n# to ask for.\n# Range: 1 to 9 pixels\n\
                      width_px = 640\n\n# What.\n#   \"a-b\": this\nreplay = \"\"\n";
        let page = keys(config).expect("a page");
        let wanted = ".SH [camera]\nEye.\n.TP\n.BI width_px \" = 640\"\nFrame width\nto ask for.\n.br\n\
                      Range: 1 to 9 pixels\n.TP\n.BI replay \" = \\(dq\\(dq\"\nWhat.\n.br\n\"a\\-b\": this\n";
        assert_eq!(page, wanted);
    }
}
