//! The licence texts of all that is linked into the programs, as their authors wrote them: most ask that their text goes along.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::notices::Linked;
use crate::run::{command, read, root};

/// How the names of such files begin.
const NAMES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"];

const HEAD: &str = "Licences of facelatch's programs, written by `cargo xtask release`.

facelatch itself is under MIT or Apache-2.0, as you like. The networks in /usr/share/facelatch/models have terms of
their own, in MODELS.toml beside them. Below are the texts that came with each crate that is linked into a program; Rust's
standard library is under MIT or Apache-2.0 as well.
";

const LINE: &str =
    "================================================================================================";

/// All texts, each once, with the crates that came with it.
pub(super) fn text(linked: &BTreeSet<Linked>) -> Result<String> {
    let sources =
        read(command("cargo", &["metadata", "--locked", "--format-version", "1", "--all-features"]))?;
    let sources: Value = serde_json::from_str(&sources)?;
    let packages = sources["packages"].as_array().context("`cargo metadata` lists no packages")?;
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut bare = Vec::new();
    for Linked { name, version, licence, .. } in linked {
        let found = packages
            .iter()
            .find(|package| package["name"] == name.as_str() && package["version"] == version.as_str());
        let manifest = found.and_then(|package| package["manifest_path"].as_str());
        let folder = manifest.and_then(|path| Path::new(path).parent());
        let found = files(folder.with_context(|| format!("`cargo metadata` does not know {name}"))?)?;
        if found.is_empty() {
            bare.push(format!("{name} {version}: {licence}"));
        }
        for text in found {
            texts.entry(text).or_default().push(format!("{name} {version}"));
        }
    }
    let mut all = HEAD.to_owned();
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        let own = std::fs::read_to_string(root().join(name)).with_context(|| name.to_owned())?;
        texts.entry(tidy(&own)).or_default().insert(0, "facelatch".to_owned());
    }
    // Those of facelatch first, then by the first crate.
    let mut texts: Vec<_> = texts.into_iter().map(|(text, crates)| (crates, text)).collect();
    texts.sort_by(|a, b| (a.0[0] != "facelatch", &a.0).cmp(&(b.0[0] != "facelatch", &b.0)));
    for (crates, text) in texts {
        all += &format!("\n{LINE}\n{}\n{LINE}\n\n{text}\n", crates.join(", "));
    }
    all += &format!("\n{LINE}\nWithout a text of their own\n{LINE}\n\n{}\n", bare.join("\n"));
    Ok(all)
}

/// The texts in a crate's folder.
fn files(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if NAMES.iter().any(|start| name.starts_with(start)) && entry.file_type()?.is_file() {
            let bytes = std::fs::read(entry.path())?;
            texts.push(tidy(&String::from_utf8_lossy(&bytes)));
        }
    }
    texts.sort();
    Ok(texts)
}

/// Without what differs between copies of one text: ends of lines, and empty lines around it.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_of_the_notices_is_named_with_its_texts() {
        let linked = crate::notices::linked().expect("listed");
        let text = text(&linked).expect("all crates are unpacked");
        for Linked { name, version, .. } in &linked {
            assert!(text.contains(&format!("{name} {version}")), "{name} {version}");
        }
        assert!(text.find("Copyright (c) 2026").is_some_and(|at| at < 20_000), "ours comes first");
        assert_eq!(tidy("\r\n a \r\nb\n\n"), " a\nb");
    }
}
