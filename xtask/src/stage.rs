//! Lays out what the packages hold, a folder each, for the recipes in `packaging/`. The list is that of the Debian packages
//! (`[package.metadata.deb]` in Cargo.toml), but for what only Debian has.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run::{command, metadata, ours, root, succeed};
use crate::target::Target;
use crate::{deb, manual};

/// Debian alone looks here.
const DEBIAN_ONLY: &[&str] = &["usr/share/pam-configs/"];

/// Where the login module goes: to the folder of libraries.
const MODULES: &str = "usr/lib/security/";

/// Completions for zsh, in Debian and elsewhere.
const ZSH: (&str, &str) = ("usr/share/zsh/vendor-completions/", "usr/share/zsh/site-functions/");

/// `FOLDER [--profile PROFILE] [--libdir DIR] [--no-build]`
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    folder: PathBuf,
    profile: String,
    /// Where this distribution keeps libraries: usr/lib, usr/lib64.
    libraries: String,
    build: bool,
}

/// A file of a package, as Cargo.toml names it.
#[derive(Debug, PartialEq, Eq)]
struct Asset {
    from: String,
    to: String,
    mode: u32,
}

/// Builds, and fills FOLDER/PACKAGE/ for each package.
pub(crate) fn main(words: &[String]) -> Result<()> {
    let wanted = wanted(words)?;
    let host = Target::host()?;
    let programs = host.folder(if wanted.profile == "dev" { "debug" } else { &wanted.profile });
    if wanted.build {
        for (package, _) in deb::PROGRAMS {
            succeed(command(
                "cargo",
                &["build", "--locked", "--profile", &wanted.profile, "--package", package],
            ))?;
        }
    }
    manual::write(host, &programs)?;
    for (package, assets) in packages()? {
        let folder = wanted.folder.join(package);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        for asset in assets {
            put(&asset, &programs, &folder, &wanted.libraries)?;
        }
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let to = format!("usr/share/licenses/{}/", folder.file_name().unwrap_or_default().display());
            put(&Asset { from: licence.to_owned(), to, mode: 0o644 }, &programs, &folder, &wanted.libraries)?;
        }
    }
    Ok(())
}

fn wanted(words: &[String]) -> Result<Wanted> {
    let (mut folder, mut profile, mut libraries, mut build) =
        (None, "dist".to_owned(), "usr/lib".to_owned(), true);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match (word.as_str(), folder.is_some()) {
            ("--profile", _) => profile.clone_from(words.next().context("--profile needs a name")?),
            ("--libdir", _) => {
                libraries = words.next().context("--libdir needs a folder")?.trim_matches('/').to_owned()
            }
            ("--no-build", _) => build = false,
            (path, false) if !path.starts_with('-') => folder = Some(PathBuf::from(path)),
            _ => bail!("unknown argument {word}; use FOLDER [--profile PROFILE] [--libdir DIR] [--no-build]"),
        }
    }
    Ok(Wanted { folder: folder.context("name a folder")?, profile, libraries, build })
}

/// The packages with their files.
fn packages() -> Result<Vec<(String, Vec<Asset>)>> {
    let metadata = metadata()?;
    let deb = &ours(&metadata)?["metadata"]["deb"];
    let mut packages = vec![("facelatch".to_owned(), assets(&deb["assets"])?)];
    for (name, variant) in deb["variants"].as_object().context("no variants in [package.metadata.deb]")? {
        packages.push((name.clone(), assets(&variant["assets"])?));
    }
    Ok(packages)
}

fn assets(list: &Value) -> Result<Vec<Asset>> {
    let asset = |entry: &Value| {
        let word = |at: usize| entry[at].as_str().map(str::to_owned);
        let mode = u32::from_str_radix(&word(2)?, 8).ok()?;
        Some(Asset { from: word(0)?, to: word(1)?, mode })
    };
    let list = list.as_array().context("no assets in [package.metadata.deb]")?;
    list.iter().map(|entry| asset(entry).with_context(|| format!("asset {entry}"))).collect()
}

/// Where it goes below the root of the system; `None` for what only Debian has.
fn place(to: &str, libraries: &str) -> Option<String> {
    if DEBIAN_ONLY.iter().any(|folder| to.starts_with(folder)) {
        return None;
    }
    if let Some(name) = to.strip_prefix(MODULES) {
        return Some(format!("{libraries}/security/{name}"));
    }
    Some(to.strip_prefix(ZSH.0).map_or_else(|| to.to_owned(), |name| format!("{}{name}", ZSH.1)))
}

fn put(asset: &Asset, programs: &Path, folder: &Path, libraries: &str) -> Result<()> {
    let Some(to) = place(&asset.to, libraries) else { return Ok(()) };
    for from in sources(&asset.from, programs)? {
        let name = from.file_name().unwrap_or_default();
        let to = if to.ends_with('/') { folder.join(&to).join(name) } else { folder.join(&to) };
        fs::create_dir_all(to.parent().unwrap_or(folder))?;
        fs::copy(&from, &to).with_context(|| format!("{} to {}", from.display(), to.display()))?;
        fs::set_permissions(&to, PermissionsExt::from_mode(asset.mode))?;
    }
    Ok(())
}

/// The files of a pattern, in order; only its last part may hold a `*`.
fn sources(pattern: &str, programs: &Path) -> Result<Vec<PathBuf>> {
    let path = match pattern.strip_prefix("target/release/") {
        Some(built) => programs.join(built),
        None => root().join(pattern),
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((start, end)) = name.split_once('*') else { return Ok(vec![path]) };
    let parent = path.parent().unwrap_or(Path::new("/"));
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).with_context(|| parent.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name();
        let fits = name.to_str().is_some_and(|name| name.starts_with(start) && name.ends_with(end));
        if fits && entry.path().is_file() {
            found.push(entry.path());
        }
    }
    if found.is_empty() {
        bail!("{pattern}: there is no such file");
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Component;

    use super::*;
    use crate::docs;

    #[test]
    fn every_file_of_the_packages_is_there_or_is_built() {
        let packages = packages().expect("listed");
        let names: Vec<&str> = packages.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"facelatch") && names.contains(&"libpam-facelatch"), "{names:?}");
        for asset in packages.iter().flat_map(|(_, assets)| assets) {
            if !asset.from.starts_with("target/") {
                let found = sources(&asset.from, Path::new("/nonexistent")).expect("files");
                assert!(found.iter().all(|file| file.is_file()), "{asset:?}");
            }
        }
    }

    /// Where the documents go.
    const DOCUMENTS: &str = "usr/share/doc/";

    #[test]
    fn no_link_of_an_installed_page_is_dead() {
        let mut installed = BTreeMap::new();
        for asset in packages().expect("listed").iter().flat_map(|(_, assets)| assets) {
            for from in sources(&asset.from, Path::new("/nonexistent")).unwrap_or_default() {
                let name = from.file_name().unwrap_or_default();
                installed.insert(Path::new(&asset.to).join(name), from);
            }
        }
        let pages = installed
            .iter()
            .filter(|(to, _)| to.starts_with(DOCUMENTS) && to.extension().is_some_and(|is| is == "md"));
        let mut links = 0;
        for (page, from) in pages {
            let text = fs::read_to_string(from).expect("a page");
            for link in docs::links(&text) {
                let wanted = plain(&page.parent().unwrap_or(Path::new("")).join(link));
                assert!(installed.keys().any(|to| to.starts_with(&wanted)), "{}: no {link}", page.display());
                links += 1;
            }
        }
        assert!(links > 100, "only {links}");
    }

    /// Without `..`.
    fn plain(path: &Path) -> PathBuf {
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => {
                    plain.pop();
                }
                part => plain.push(part),
            }
        }
        plain
    }

    #[test]
    fn what_only_debian_has_stays_out_and_modules_go_where_the_distribution_looks() {
        assert_eq!(place("usr/share/pam-configs/facelatch", "usr/lib"), None);
        let module = place("usr/lib/security/pam_facelatch.so", "usr/lib64");
        assert_eq!(module.as_deref(), Some("usr/lib64/security/pam_facelatch.so"));
        let zsh = place("usr/share/zsh/vendor-completions/", "usr/lib");
        assert_eq!(zsh.as_deref(), Some("usr/share/zsh/site-functions/"));
        assert_eq!(place("usr/bin/", "usr/lib").as_deref(), Some("usr/bin/"));
    }

    #[test]
    fn arguments_are_a_folder_and_options() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let full =
            wanted(&words("root --profile release --libdir /usr/lib64 --no-build")).expect("understood");
        let (folder, profile, libraries) = ("root".into(), "release".to_owned(), "usr/lib64".to_owned());
        assert_eq!(full, Wanted { folder, profile, libraries, build: false });
        for bad in ["", "--profile", "a b", "a --target x"] {
            assert!(wanted(&words(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_recipe_takes_every_package_from_the_stage() {
        for recipe in ["packaging/aur/PKGBUILD", "packaging/rpm/facelatch.spec", "packaging/nix/package.nix"]
        {
            let text = fs::read_to_string(root().join(recipe)).expect(recipe);
            assert!(text.contains("cargo xtask stage"), "{recipe}");
            let version = env!("CARGO_PKG_VERSION");
            assert!(text.contains(version), "{recipe} is not of version {version}");
            for (package, _) in packages().expect("listed") {
                assert!(text.contains(&package), "{recipe} lacks {package}");
            }
        }
    }
}
