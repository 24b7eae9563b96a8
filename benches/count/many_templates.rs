//! Makes a store with made-up templates: `many_templates FOLDER TEMPLATES EMBEDDER_SHA256`. For measurements
//! (`cargo xtask footprint --templates N`).
#![allow(missing_docs)]

use std::path::Path;

use anyhow::{Context, Result};
use facelatch::clock::WallTime;
use facelatch::embed::{Embedding, KeyKind, TemplateKey, TemplateKeySpec};
use facelatch::head::project::SplitMix64;
use facelatch::people::{Account, UserName};
use facelatch::store::{KeySource, Template, TemplateStore, Vault, VaultOptions};

/// Values of an embedding of the shipped embedder.
const LENGTH: usize = 128;

/// Templates of each person, as an enrolment makes them.
const OF_EACH: usize = 5;

/// People in one change.
const LOT: usize = 1000;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count, sha256] = &words[..] else {
        anyhow::bail!("give FOLDER TEMPLATES EMBEDDER_SHA256");
    };
    let (folder, count) = (Path::new(folder), count.parse::<usize>().context("TEMPLATES is a number")?);
    let vault = Vault::open(&VaultOptions {
        folder,
        keys: KeySource::new(folder, Path::new(""), None),
        embedder_sha256: sha256,
        template_key: TemplateKeySpec { kind: KeyKind::Rotation, length: LENGTH },
        now: WallTime(0),
    })?;
    let key = vault.snapshot()?.template_key;
    let mut random = SplitMix64(1);
    let people: Vec<usize> = (0..count.div_ceil(OF_EACH)).collect();
    for lot in people.chunks(LOT) {
        let mut templates = Vec::with_capacity(OF_EACH * lot.len());
        for at in lot.iter().flat_map(|user| OF_EACH * user..count.min(OF_EACH * (user + 1))) {
            templates.push(made_up(&key, at, sha256, &mut random)?);
        }
        vault.add(&templates)?;
    }
    Ok(())
}

/// A face of the person that this template belongs to: random, so like nobody's.
fn made_up(key: &TemplateKey, at: usize, sha256: &str, random: &mut SplitMix64) -> Result<Template> {
    let values: Vec<f32> = (0..LENGTH).map(|_| random.uniform() as f32 - 0.5).collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    let face = Embedding::new(values.iter().map(|value| value / length).collect())?;
    Ok(Template {
        id: format!("{:032x}", u128::from(random.bits()) << 64 | u128::from(random.bits())),
        user: UserName::new(&format!("person{}", at / OF_EACH))?,
        label: String::new(),
        created_at: WallTime(1_700_000_000),
        account: Account::Door,
        allow_child: false,
        embedder_sha256: sha256.to_owned(),
        live: None,
        adapted: false,
        embedding: key.apply(&face),
    })
}
