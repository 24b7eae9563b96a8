//! Who may import whom, and which crate is named where: ARCHITECTURE.md, "Rooms".

use std::collections::BTreeSet;
use std::path::Path;

use self::source::{Named, Sources, names, sources};

mod source;

/// A room (folder or file in `src/`) and the rooms it may import. A new room needs a row here and in ARCHITECTURE.md.
const ROOMS: &[(&str, &[&str])] = &[
    ("lib", &[]),
    ("bounded", &[]),
    ("clock", &[]),
    ("memory", &[]),
    ("config", &["bounded"]),
    ("people", &["clock"]),
    ("camera", &["clock"]),
    ("model", &["bounded"]),
    ("detect", &["camera", "clock", "config", "model"]),
    ("embed", &["camera", "detect", "model"]),
    ("head", &["bounded", "embed"]),
    ("judge", &["clock", "config", "embed", "head", "people"]),
    ("latch", &["clock", "judge"]),
    ("store", &["clock", "embed", "memory", "people"]),
    (
        "pipeline",
        &["camera", "clock", "config", "detect", "embed", "head", "judge", "model", "people", "store"],
    ),
    ("seam", &["camera", "clock", "latch", "store"]),
    // Puts everything together, so it may import everything before it.
    (
        "serve",
        &[
            "camera", "clock", "config", "detect", "head", "judge", "latch", "memory", "people", "pipeline",
            "seam", "store",
        ],
    ),
    ("main", &["serve"]),
];

/// A crate, or a part of `std`, and the only modules in `src/` that may name it, with those below them.
const NAMED_ONLY_IN: &[(&str, &[&str])] = &[
    ("age", &["store/portable"]),
    ("anyhow", &["serve"]),
    ("argon2", &["store/pins"]),
    ("chacha20poly1305", &["store/seal"]),
    ("clap", &["main", "serve"]),
    ("facelatch_fused", &["model"]),
    ("facelatch_kernels", &["camera/decode/jpeg", "head", "memory"]),
    ("facelatch_wire", &["detect/quality", "serve"]),
    ("fast_image_resize", &["camera/scale"]),
    ("hkdf", &["store/seal"]),
    ("hmac", &["store/seal"]),
    ("jiff", &["clock"]),
    ("nokhwa", &["camera/device/nokhwa_capture"]),
    ("png", &["camera/decode/picture"]),
    ("region", &["memory"]),
    ("sd_notify", &["serve"]),
    ("sha2", &["embed/template_key", "head/project", "model", "store/seal"]),
    ("sled", &["store/sled"]),
    ("std::fs", &["bounded", "camera", "clock", "serve", "store"]),
    ("std::net", &[]),
    ("std::process", &["camera/device/exec", "latch/hook", "main", "serve"]),
    ("tokio", &["serve"]),
    // detect, embed, judge and the formula do no I/O and write no log.
    ("tracing", &["camera", "latch", "memory", "serve", "store"]),
    ("tract_onnx", &["model"]),
    ("v4l", &["camera/device/v4l_capture"]),
    ("yuv", &["camera/decode"]),
    ("zune_jpeg", &["camera/decode"]),
];

/// A workspace member and which of our own crates it may depend on.
const MEMBERS: &[(&str, &[&str])] = &[
    ("cli", &["facelatch-setup", "facelatch-wire"]),
    ("demo", &["facelatch", "facelatch-lab", "facelatch-wire"]),
    ("door", &["facelatch-setup", "facelatch-wire"]),
    ("fused", &["facelatch-kernels"]),
    ("kernels", &[]),
    ("lab", &[]),
    ("pam", &["facelatch-wire"]),
    ("rates", &["facelatch", "facelatch-door", "facelatch-lab", "facelatch-wire"]),
    ("setup", &["facelatch-wire"]),
    ("testkit", &["facelatch", "facelatch-wire"]),
    ("v4l2-sys", &[]),
    ("wire", &[]),
    ("xtask", &[]),
];

#[test]
fn every_room_and_crate_is_named_only_where_its_row_allows() {
    let sources = sources();
    assert!(sources.len() > 60, "only {} files in src/: the test reads the wrong folder", sources.len());
    assert_eq!(breaches(&sources), [""; 0]);
}

#[test]
fn no_row_allows_what_nobody_uses() {
    let names = names(&sources());
    let mut unused = Vec::new();
    for (room, allowed) in ROOMS {
        let used = |import: &str| {
            names.iter().any(|named| named.room() == *room && import_of(named) == Some(import))
        };
        unused
            .extend(allowed.iter().filter(|import| !used(import)).map(|import| format!("{room}: {import}")));
    }
    for (thing, places) in NAMED_ONLY_IN {
        let used = |place: &str| names.iter().any(|named| is_named(named, thing) && is_inside(named, place));
        unused.extend(places.iter().filter(|place| !used(place)).map(|place| format!("{thing}: {place}")));
    }
    assert_eq!(unused, [""; 0]);
}

#[test]
fn a_forbidden_import_is_refused_however_it_is_written() {
    let planted = [
        ("camera/device.rs", "use crate::serve::peer::Role;", "`camera` may not import `serve`"),
        ("camera/device.rs", "use super::super::serve::peer::Role;", "`camera` may not import `serve`"),
        ("camera/device.rs", "use self::super::super::serve;", "`camera` may not import `serve`"),
        ("judge/mod.rs", "use super::serve::peer::Role;", "`judge` may not import `serve`"),
        ("judge/mod.rs", "use {crate::{clock, store::{self, Template}}};", "`judge` may not import `store`"),
        ("judge/mod.rs", "use crate::store as kept;", "`judge` may not import `store`"),
        ("judge/mod.rs", "use crate::store::*;", "`judge` may not import `store`"),
        ("judge/mod.rs", "use crate::*;", "`judge` may not import the whole crate"),
        ("judge/mod.rs", "use super::*;", "`judge` may not import the whole crate"),
        ("judge/mod.rs", "use crate::{self as all};", "`judge` may not import the whole crate"),
        ("judge/mod.rs", "extern crate self as all;", "`judge` may not import the whole crate"),
        ("judge/mod.rs", "fn f() { let _ = crate::store::open(); }", "`judge` may not import `store`"),
        ("judge/mod.rs", "fn f(_: &dyn super::store::TemplateStore) {}", "`judge` may not import `store`"),
        (
            "judge/mod.rs",
            "fn f(x: u8) { match x { crate::store::X => {} _ => {} } }",
            "may not import `store`",
        ),
        ("judge/mod.rs", "fn f() { mod x { use super::super::store; } }", "`judge` may not import `store`"),
        ("judge/mod.rs", "mod x { use super::super::store; }", "`judge` may not import `store`"),
        ("judge/mod.rs", "fn f() { println!(\"{}\", crate::store::X); }", "`judge` may not import `store`"),
        ("judge/mod.rs", "macro_rules! m { () => { use $crate::{store::X}; } }", "may not import `store`"),
        ("judge/mod.rs", "#[derive(crate::store::D)] struct X;", "`judge` may not import `store`"),
        ("judge/mod.rs", "#[serde(with = \"crate::store::x\")] struct X;", "`judge` may not import `store`"),
        ("judge/mod.rs", "pub use crate::store::Template;", "`judge` may not import `store`"),
        ("lib.rs", "pub use camera::Frame;", "`lib` may not import `camera`"),
        ("main.rs", "use facelatch::store;", "`main` may not import `store`"),
        ("camera/device.rs", "use sled::Db;", "crate::camera::device may not name `sled`"),
        ("camera/device.rs", "extern crate sled as x;", "crate::camera::device may not name `sled`"),
        ("camera/device.rs", "use ::tokio::net::UnixStream;", "crate::camera::device may not name `tokio`"),
        ("camera/decode.rs", "use tract_onnx as t;", "crate::camera::decode may not name `tract_onnx`"),
        ("judge/mod.rs", "use std::{fs, io};", "crate::judge may not name `std::fs`"),
        ("judge/mod.rs", "use std as s;", "crate::judge may not name `std::fs`"),
        ("judge/mod.rs", "use std::*;", "crate::judge may not name `std::net`"),
        ("judge/mod.rs", "fn f() { tracing::info!(\"x\"); }", "crate::judge may not name `tracing`"),
    ];
    let real = sources();
    for (file, line, wanted) in planted {
        // It stands below the tests of the file.
        let mut sources = real.clone();
        let text = sources.get_mut(file).expect("a real file");
        text.push_str(&format!("\n#[cfg(test)]\nmod planted_tests;\n{line}\n"));
        let wrong = breaches(&sources);
        assert!(wrong.iter().any(|found| found.contains(wanted)), "{file}: {line}: {wrong:?}");
    }
}

#[test]
fn tests_comments_and_modules_of_a_crates_name_pass() {
    let planted = [
        ("judge/mod.rs", "// crate::store::X\n/// crate::store::X\nconst T: &str = \"crate::store::X\";"),
        (
            "judge/mod.rs",
            "#[cfg(test)]\nuse crate::store;\n#[cfg(any(test, fuzzing))]\nfn f() { sled::x(); }",
        ),
        ("judge/mod.rs", "mod sled {}\nuse self::sled as s;\nfn f() { sled::x(); }"),
        ("camera/device.rs", "use super::super::clock::Clock as C;"),
    ];
    for (file, line) in planted {
        let mut sources = sources();
        sources.get_mut(file).expect("a real file").push_str(&format!("\n{line}\n"));
        assert_eq!(breaches(&sources), [""; 0], "{file}: {line}");
    }
}

/// The columns "may import" and "names alone".
#[test]
fn the_table_in_architecture_md_is_the_checked_one() {
    let text = text("ARCHITECTURE.md");
    let lines = text.lines().skip_while(|line| !line.starts_with("| room |")).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        [cells[1], cells[3], cells[4]].map(str::to_owned)
    });
    let wanted = ROOMS.iter().map(|(room, imports)| {
        let is_inside = |place: &&str| place.split('/').next() == Some(room);
        let is_alone = |places: &[&str]| !places.is_empty() && places.iter().all(is_inside);
        let alone = NAMED_ONLY_IN.iter().filter(|(_, places)| is_alone(places));
        let alone: Vec<String> = alone.map(|(name, _)| name.replace('_', "-")).collect();
        [format!("`{room}`"), imports.join(", "), alone.join(", ")]
    });
    assert_eq!(rows.collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
}

#[test]
fn each_member_depends_on_the_crates_of_its_row() {
    let root: toml::Table = text("Cargo.toml").parse().expect("TOML");
    let members = root["workspace"]["members"].as_array().expect("a list");
    let members: Vec<&str> = members.iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(members, MEMBERS.iter().map(|(member, _)| *member).collect::<Vec<_>>());
    for (member, wanted) in MEMBERS {
        let manifest: toml::Table = text(&format!("{member}/Cargo.toml")).parse().expect("TOML");
        let targets = manifest.get("target").and_then(toml::Value::as_table);
        let targets = targets.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
        let kinds = ["dependencies", "build-dependencies"];
        let tables = targets.chain([&manifest]).flat_map(|table| kinds.map(|kind| table.get(kind)));
        let found = tables
            .flatten()
            .filter_map(toml::Value::as_table)
            .flatten()
            .map(|(name, value)| value.get("package").and_then(toml::Value::as_str).unwrap_or(name));
        let ours: BTreeSet<&str> = found.filter(|name| name.starts_with("facelatch")).collect();
        assert_eq!(ours, wanted.iter().copied().collect(), "{member}/Cargo.toml");
    }
}

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).expect("a file of this repository")
}

/// What the sources name against the tables, one sentence each.
fn breaches(sources: &Sources) -> Vec<String> {
    let mut wrong = BTreeSet::new();
    for named in names(sources) {
        let (room, module) = (named.room(), named.module.join("::"));
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.insert(format!("{module}: the room `{room}` has no row in tests/it/rooms.rs"));
            continue;
        };
        if named.path == ["crate"] && named.whole {
            wrong.insert(format!("{module}: `{room}` may not import the whole crate"));
        }
        if let Some(import) = import_of(&named).filter(|name| *name != room && !allowed.contains(name)) {
            wrong.insert(format!("{module}: `{room}` may not import `{import}`"));
        }
        for (thing, places) in NAMED_ONLY_IN {
            if is_named(&named, thing) && !places.iter().any(|place| is_inside(&named, place)) {
                wrong.insert(format!("{module} may not name `{thing}`"));
            }
        }
    }
    wrong.into_iter().collect()
}

/// The room that the path leads to.
fn import_of(named: &Named) -> Option<&str> {
    let [root, room, ..] = named.path.as_slice() else { return None };
    (root == "crate").then_some(room)
}

/// Whether the path leads to the crate or into it, or opens up what holds it.
fn is_named(named: &Named, thing: &str) -> bool {
    let thing: Vec<&str> = thing.split("::").collect();
    let common = named.path.iter().zip(&thing).take_while(|(a, b)| a == b).count();
    common == thing.len() || (named.whole && common > 0 && common == named.path.len())
}

fn is_inside(named: &Named, place: &str) -> bool {
    named.place().strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
