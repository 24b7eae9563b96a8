//! Bills of materials (CycloneDX), one for each program and architecture: cargo-cyclonedx lists the crates, and the daemon's get
//! the networks.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Release, write as save};
use crate::run::{cargo_tool, command, read, root, succeed};
use crate::target::Target;

/// The version of cargo-cyclonedx.
const CARGO_CYCLONEDX: &str = "0.5.9";

/// Folders of the packages that are programs, and what each program's bill is called.
const PROGRAMS: &[(&str, &str)] =
    &[(".", "facelatchd"), ("cli", "facelatch"), ("door", "facelatch-door"), ("pam", "pam_facelatch")];

/// Writes `sbom/NAME_ARCH.cdx.json` for each program.
pub(super) fn write(release: &Release, targets: &[&Target]) -> Result<()> {
    let tool = cargo_tool("cargo-cyclonedx", CARGO_CYCLONEDX, &[])?;
    let bills = release.output.join("sbom");
    std::fs::create_dir_all(&bills)?;
    // It writes beside each Cargo.toml, so it gets a copy of the source.
    let made = read(command("mktemp", &["--directory", "--tmpdir", "facelatch-sbom.XXXXXX"]))?;
    let copy = Path::new(made.trim());
    let written = unpack(copy).and_then(|()| {
        targets.iter().try_for_each(|target| {
            list(&tool, release, target, copy)?;
            PROGRAMS.iter().try_for_each(|(folder, name)| {
                let bill = copy.join(folder).join("bill.json");
                let text = std::fs::read_to_string(&bill).with_context(|| bill.display().to_string())?;
                // The copy's folder has another name each time.
                let text = text.replace(made.trim(), "/facelatch");
                let text = if *folder == "." { with_networks(&text)? } else { text };
                save(&bills.join(format!("{name}_{}.cdx.json", target.debian)), &text)
            })
        })
    });
    std::fs::remove_dir_all(copy).with_context(|| copy.display().to_string())?;
    written
}

/// The source as it was committed, into the folder.
fn unpack(copy: &Path) -> Result<()> {
    let archive = copy.join("source.tar");
    let mut git = command("git", &["archive", "--output"]);
    git.arg(&archive).arg("HEAD");
    succeed(git)?;
    let mut tar = command("tar", &["--extract", "--file"]);
    tar.arg(&archive).arg("--directory").arg(copy);
    succeed(tar)
}

/// Has the bills written for what is linked on this target, and nothing that only builds it.
fn list(tool: &Path, release: &Release, target: &Target, copy: &Path) -> Result<()> {
    let tool = tool.to_str().context("the cache's path is not UTF-8")?;
    let words = ["--format", "json", "--spec-version", "1.5", "--target", target.triple, "--no-build-deps"];
    let mut cyclonedx = command(tool, &["cyclonedx", "--quiet", "--override-filename", "bill"]);
    cyclonedx.args(words).current_dir(copy).env("SOURCE_DATE_EPOCH", release.committed.to_string());
    succeed(cyclonedx)
}

/// The bill with the networks of models/MODELS.toml, which no Cargo.toml knows.
fn with_networks(bill: &str) -> Result<String> {
    let mut bill: Value = serde_json::from_str(bill)?;
    let components = bill["components"].as_array_mut().context("a bill without components")?;
    let path = root().join("models/MODELS.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    for (name, network) in text.parse::<toml::Table>().with_context(|| path.display().to_string())? {
        let field = |field: &str| {
            let value = network.get(field).and_then(toml::Value::as_str);
            value.with_context(|| format!("{}: {name} has no {field}", path.display()))
        };
        let hash = field("sha256")?;
        components.push(json!({
            "type": "machine-learning-model",
            "bom-ref": field("file")?,
            "name": name,
            "version": &hash[..hash.len().min(12)],
            "hashes": [{ "alg": "SHA-256", "content": hash }],
            "licenses": [{ "expression": field("licence")? }],
        }));
    }
    Ok(format!("{bill:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_bill_has_every_network_with_its_hash_and_licence() {
        let bill = with_networks(r#"{"bomFormat": "CycloneDX", "components": []}"#).expect("complete");
        let bill: Value = serde_json::from_str(&bill).expect("JSON");
        let networks = bill["components"].as_array().expect("a list");
        let files = std::fs::read_dir(root().join("models")).expect("there");
        let files: Vec<String> =
            files.map(|file| file.expect("read").file_name().to_string_lossy().into_owned()).collect();
        for file in files.iter().filter(|name| name.ends_with(".onnx")) {
            let network = networks.iter().find(|network| network["bom-ref"] == file.as_str());
            let network = network.unwrap_or_else(|| panic!("{file} is missing"));
            assert_eq!(network["hashes"][0]["content"].as_str().map(str::len), Some(64), "{file}");
        }
    }
}
