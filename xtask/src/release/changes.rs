//! Release notes: the part of CHANGELOG.md about one version.

use anyhow::{Context, Result};

use crate::run::root;

/// The notes of `version`.
pub(super) fn of(version: &str) -> Result<String> {
    let path = root().join("CHANGELOG.md");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let part = part(&text, version).with_context(|| format!("CHANGELOG.md has no `## ` about {version}"))?;
    Ok(format!("# facelatch {version}\n{part}"))
}

/// What stands below the heading that names the version, up to the next of the same level.
fn part<'a>(text: &'a str, version: &str) -> Option<&'a str> {
    let sections = text.split("\n## ").skip(1);
    let mut named = sections.filter(|section| {
        let heading = section.lines().next().unwrap_or_default();
        heading.split(|c: char| c.is_whitespace() || "()[]".contains(c)).any(|word| word == version)
    });
    named.next().and_then(|section| section.split_once('\n')).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_its_own_part_whether_released_or_not() {
        let text =
            "# Changelog\n\n## Unreleased (0.2.0)\n\n- new\n\n### More\n\n## 0.1.0 (2026-11-26)\n\n- old\n";
        assert_eq!(part(text, "0.2.0"), Some("\n- new\n\n### More\n"));
        assert_eq!(part(text, "0.1.0"), Some("\n- old\n"));
        assert_eq!(part(text, "0.1"), None);
        let version = crate::deb::version().expect("named");
        assert!(of(&version).is_ok_and(|notes| notes.lines().count() > 3));
    }
}
