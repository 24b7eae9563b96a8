//! Who may import whom, and which crate is named where: ARCHITECTURE.md, "Rooms". Reads `src/` as text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A room (folder or file in `src/`) and the rooms it may import. A new room needs a row.
const ROOMS: &[(&str, &[&str])] = &[
    ("lib", &[]),
    ("clock", &[]),
    ("bounded", &[]),
    ("people", &["clock"]),
    ("camera", &["clock"]),
    ("model", &["bounded"]),
    ("detect", &["camera", "model"]),
    ("embed", &["camera", "detect", "model"]),
    ("head", &["bounded", "embed"]),
    ("judge", &["clock", "embed", "head", "people"]),
    ("latch", &["clock", "judge"]),
    ("store", &["clock", "embed", "people"]),
    ("pipeline", &["camera", "clock", "detect", "embed", "head", "judge", "model", "people", "store"]),
    ("config", &["bounded", "detect", "judge", "pipeline", "store"]),
    ("seam", &["camera", "clock", "latch", "store"]),
    ("rates", &["camera", "clock", "config", "detect", "embed", "head", "judge", "model", "pipeline"]),
    // Assembles everything, so it may import everything above.
    (
        "serve",
        &[
            "camera", "clock", "config", "detect", "head", "judge", "latch", "model", "people", "pipeline",
            "seam", "store",
        ],
    ),
    ("demo", &["camera", "clock", "config", "detect", "seam", "serve"]),
];

/// Programs (in `src/bin/`) and the rooms of the library they may import.
const BINS: &[(&str, &[&str])] = &[
    ("facelatch", &[]),
    ("facelatchd", &["demo", "serve"]),
    ("facelatch-rates", &["clock", "head", "rates"]),
];

/// A crate, or a part of `std`, and the only places in `src/` that may name it: prefixes of paths.
const NAMED_ONLY_IN: &[(&str, &[&str])] = &[
    ("tract_onnx", &["model"]),
    ("facelatch_fused", &["model"]),
    ("facelatch_kernels", &["head"]),
    ("sha2", &["bin/facelatch/doctor", "embed/template_key", "head/project", "model", "rates", "store/seal"]),
    ("chacha20poly1305", &["store/seal"]),
    ("hkdf", &["store/seal"]),
    ("hmac", &["store/seal"]),
    ("age", &["store/portable"]),
    ("region", &["store/memory"]),
    ("nokhwa", &["camera/device"]),
    ("v4l", &["camera/device"]),
    ("yuv", &["camera/decode"]),
    ("fast_image_resize", &["camera/scale"]),
    ("zune_jpeg", &["camera/decode"]),
    ("png", &["camera/decode", "demo"]),
    ("embedded_graphics", &["demo"]),
    ("npyz", &["rates/import"]),
    ("prost", &["model/siamese"]),
    ("zip", &["rates/import"]),
    ("sled", &["store/sled"]),
    ("tokio", &["serve", "demo"]),
    ("sd_notify", &["serve"]),
    ("facelatch_wire", &["detect/quality", "serve", "demo", "bin/facelatch"]),
    ("facelatch", &["bin"]),
    ("clap", &["serve", "demo", "bin"]),
    ("anyhow", &["serve", "demo", "bin"]),
    // detect, embed, judge and the formula do no I/O and write no log.
    ("tracing", &["camera", "latch", "pipeline", "serve", "store"]),
    ("std::fs", &["bounded", "camera", "demo", "rates", "serve", "store", "bin"]),
    ("std::net", &[]),
    ("std::process", &["bin", "camera/device/exec", "demo", "latch/hook", "serve"]),
];

#[test]
fn every_room_imports_only_what_its_row_allows() {
    let mut wrong = Vec::new();
    for file in files() {
        let bin = file.name.strip_prefix("bin/");
        let (table, head) = if bin.is_some() { (BINS, "facelatch") } else { (ROOMS, "crate") };
        let room = bin.unwrap_or(&file.name).split(['/', '.']).next().unwrap_or_default();
        let Some((_, allowed)) = table.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("src/{}: the room `{room}` has no row in tests/it/rooms.rs", file.name));
            continue;
        };
        let imports = file.paths.iter().filter_map(|path| path.strip_prefix(head)?.strip_prefix("::"));
        let imports = imports.map(|rest| rest.split("::").next().unwrap_or_default());
        for import in imports.filter(|name| *name != room && !allowed.contains(name)) {
            wrong.push(format!("src/{}: `{room}` may not import `{import}`", file.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_crate_is_named_only_where_its_row_allows() {
    let mut wrong = Vec::new();
    for file in files() {
        for (named, places) in NAMED_ONLY_IN {
            let inside = |path: &String| {
                path.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            if file.paths.iter().any(inside) && !places.iter().any(|place| file.name.starts_with(place)) {
                wrong.push(format!("src/{}: may not name `{named}`", file.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_sees_grouped_and_nested_imports_and_skips_comments() {
    let paths = paths_in(
        "use crate::{clock::Clock, a::{B, c}}; // crate::no\n::sled::x(m::sled::y);\n#[cfg(test)]\ncrate::z::t",
    );
    let wanted = ["::sled::x", "crate::a::B", "crate::a::c", "crate::clock::Clock", "m::sled::y"];
    assert_eq!(paths, wanted.map(|path| path.trim_start_matches("::").to_owned()).into());
}

/// A source file: its name below `src/` and every path with `::` in it, tests and comments left out.
struct Source {
    name: String,
    paths: BTreeSet<String>,
}

fn files() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found): (Vec<PathBuf>, Vec<Source>) = (vec![top.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("src can be listed") {
            let path = entry.expect("src can be listed").path();
            let name = path.strip_prefix(&top).expect("below src").display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).expect("source is UTF-8");
                found.push(Source { name, paths: paths_in(&text) });
            }
        }
    }
    assert!(found.len() > 15, "only {} files in src/: the test reads the wrong folder", found.len());
    found
}

/// Every path in the code above the tests, with braced groups expanded.
fn paths_in(text: &str) -> BTreeSet<String> {
    let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    let bare: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let (mut paths, mut groups, mut path) = (BTreeSet::new(), Vec::<String>::new(), String::new());
    for c in bare.join(" ").chars() {
        if c.is_alphanumeric() || c == '_' || c == ':' {
            path.push(c);
            continue;
        }
        let prefix = groups.last().cloned().unwrap_or_default();
        let whole = format!("{prefix}{path}");
        if c == '{' && path.ends_with("::") {
            groups.push(whole);
        } else if !path.is_empty() && whole.contains("::") {
            paths.insert(whole.trim_start_matches(':').to_owned());
        }
        match c {
            '{' if !path.ends_with("::") && !groups.is_empty() => groups.push(prefix),
            '}' => drop(groups.pop()),
            _ => {}
        }
        path.clear();
    }
    paths
}
