//! `facelatch models add`, `list` and `remove`: networks of others, which the owner fetches themselves.
//!
//! A file is taken only if its SHA-256 is known. It is converted to an ONNX file in a folder of the owner's own, whose
//! MODELS.toml the daemon reads after the package's.

mod folder;
mod known;
mod minifasnetv2;
mod network;
mod onnx;
mod pickle;
mod protobuf;
mod torch;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use crate::exit::Exit;
use crate::say::{self, Daemon};
use folder::{Entry, Folder, sha256};
use known::{KNOWN, Known};
use network::SIDE_PX;

/// Where models of one's own are.
#[derive(Debug, clap::Args)]
pub(crate) struct OwnFolder {
    /// The folder, which is `models.own_folder` of the daemon
    #[arg(long = "folder", value_name = "DIR", default_value = "/usr/local/share/facelatch/models")]
    pub(crate) path: PathBuf,
}

/// Longest file that is read.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Converts a file that is known and adds it to the folder.
pub(crate) fn add(to: &Daemon, file: &Path, folder: &Path, float: bool) -> Result<Exit> {
    let name = convert(&KNOWN, file, folder, float)?;
    if to.json {
        say::json(&serde_json::json!({ "added": name, "folder": folder }))?;
    } else {
        say::line(format!(
            "{name} added to {}; to use it, set `attack.model = \"{name}\"` and run `systemctl restart facelatchd`",
            folder.display()
        ))?;
    }
    Ok(Exit::Done)
}

/// The name of the model that was added.
fn convert<'a>(known: &'a [Known], file: &Path, folder: &Path, float: bool) -> Result<&'a str> {
    let bytes = folder::read(file, MAX_FILE_BYTES)?
        .with_context(|| format!("{}: cannot be read: no such file", file.display()))?;
    let sum = sha256(&bytes);
    let Some(known) = known.iter().find(|known| known.sha256 == sum) else {
        let all: Vec<String> = known.iter().map(Known::words).collect();
        bail!("{}: its sha256 is {sum}, which is not that of {}", file.display(), all.join(" or "));
    };
    let layers = torch::read(&bytes)
        .and_then(|tensors| network::layers(&tensors))
        .map_err(|why| anyhow!("{}: {why}", file.display()))?;
    let model = onnx::write(&layers, if float { None } else { Some(known.scales) });
    let entry = Entry {
        kind: "attack",
        file: format!("{}.onnx", known.name),
        sha256: sha256(&model),
        bytes: model.len(),
        licence: known.licence,
        source: known.source,
        source_path: known.path,
        source_sha256: sum,
        form: if float { "f32" } else { "int8 QDQ: u8 activations, s8 weights per channel" },
        input_shape: [1, 3, SIDE_PX, SIDE_PX],
        colour: "BGR",
        outputs: [network::OUTPUT],
        live: network::LIVE,
        operating_points: if float { known.float_points } else { known.points },
    };
    Folder(folder).add(known.name, &entry, &model)?;
    Ok(known.name)
}

/// The models in the folder, a line each. Ends with 4 if a file is not what was added.
pub(crate) fn list(to: &Daemon, folder: &Path) -> Result<Exit> {
    let models = Folder(folder).models()?;
    for model in &models {
        if to.json {
            say::json(model)?;
        } else {
            let state =
                model.fault.as_ref().map_or("intact".to_owned(), |why| format!("{why}; add it again"));
            say::line(format!("{}  {}  {}  {state}", model.name, model.kind, model.source))?;
        }
    }
    if models.is_empty() && !to.json {
        let all: Vec<String> = KNOWN.iter().map(Known::words).collect();
        say::line(format!("none in {}; `facelatch models add` knows {}", folder.display(), all.join(", ")))?;
    }
    Ok(if models.iter().all(|model| model.fault.is_none()) { Exit::Done } else { Exit::Unavailable })
}

/// Takes a model away again.
pub(crate) fn remove(to: &Daemon, name: &str, folder: &Path) -> Result<Exit> {
    Folder(folder).remove(name)?;
    if to.json {
        say::json(&serde_json::json!({ "removed": name, "folder": folder }))?;
    } else {
        say::line(format!("{name} removed; the daemon does not start while `attack.model` names it"))?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
