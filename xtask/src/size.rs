//! Limits the length of source files.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run;

/// Most lines in one .rs file.
const MAX_LINES: usize = 400;

/// Generated files, and files that are not ours.
const NOT_COUNTED: &[&str] = &["target", "v4l2-sys"];

/// Fails when a .rs file has more than [`MAX_LINES`] lines.
pub(crate) fn check() -> Result<()> {
    let mut long = Vec::new();
    walk(&run::root(), &mut long)?;
    long.sort();
    if long.is_empty() {
        return Ok(());
    }
    bail!("more than {MAX_LINES} lines; split them (move tests to x/tests.rs): {}", long.join(", "))
}

fn walk(folder: &Path, long: &mut Vec<String>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') || NOT_COUNTED.contains(&name) {
            continue;
        }
        if path.is_dir() {
            walk(&path, long)?;
        } else if name.ends_with(".rs") {
            let lines = std::fs::read_to_string(&path)?.lines().count();
            if lines > MAX_LINES {
                long.push(format!("{} ({lines})", path.strip_prefix(run::root())?.display()));
            }
        }
    }
    Ok(())
}
