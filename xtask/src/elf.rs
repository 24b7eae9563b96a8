//! Checks what a program needs from the machine it is installed on: C library symbols and shared libraries.

use std::path::Path;

use anyhow::{Context, Result, bail};
use object::elf;
use object::read::elf::{FileHeader, Sym};
use object::{Endianness, FileKind};

/// The C library of Raspberry Pi OS bookworm; packages depend on this one.
const NEWEST_GLIBC: (u32, u32) = (2, 36);

/// Libraries that the packages depend on: glibc's own and gcc's unwinder.
const LIBRARIES: &[&str] = &["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux"];

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Libraries by name.
    pub(crate) libraries: Vec<String>,
    /// The newest glibc version any symbol needs.
    pub(crate) glibc: (u32, u32),
    /// A symbol that needs this version.
    pub(crate) symbol: String,
}

/// Fails when the program would not start on bookworm with what the packages depend on.
pub(crate) fn check(path: &Path) -> Result<Needs> {
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| name.to_string())?;
    let needs = needs(&bytes).with_context(|| name.to_string())?;
    if needs.glibc > NEWEST_GLIBC {
        let ((major, minor), (most, newest)) = (needs.glibc, NEWEST_GLIBC);
        bail!(
            "{name}: {} is of glibc {major}.{minor}, newer than {most}.{newest} of bookworm; build it on bookworm, \
             or in a bookworm container or folder (docs/cross.md, \"On bookworm\")",
            needs.symbol
        );
    }
    let known = |library: &String| LIBRARIES.iter().any(|prefix| library.starts_with(prefix));
    match needs.libraries.iter().find(|library| !known(library)) {
        Some(other) => bail!("{name} needs {other}, which the packages do not depend on"),
        None => Ok(needs),
    }
}

fn needs(bytes: &[u8]) -> Result<Needs> {
    match FileKind::parse(bytes)? {
        FileKind::Elf32 => read(elf::FileHeader32::<Endianness>::parse(bytes)?, bytes),
        FileKind::Elf64 => read(elf::FileHeader64::<Endianness>::parse(bytes)?, bytes),
        other => bail!("is not a Linux program but {other:?}"),
    }
}

fn read<H: FileHeader<Endian = Endianness>>(header: &H, bytes: &[u8]) -> Result<Needs> {
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let symbols = sections.symbols(endian, bytes, elf::SHT_DYNSYM)?;
    let versions = sections.versions(endian, bytes)?.context("no symbol versions found")?;
    let mut needs = Needs { libraries: Vec::new(), glibc: (0, 0), symbol: String::new() };
    for (index, symbol) in symbols.enumerate() {
        let Some(version) = versions.version(versions.version_index(endian, index))? else { continue };
        let glibc = std::str::from_utf8(version.name())?.strip_prefix("GLIBC_").and_then(number);
        if let Some(glibc) = glibc.filter(|glibc| *glibc > needs.glibc) {
            needs.glibc = glibc;
            needs.symbol = String::from_utf8_lossy(symbol.name(endian, symbols.strings())?).into_owned();
        }
    }
    let dynamic = sections.dynamic_table(endian, bytes)?;
    for entry in dynamic.iter().filter(|entry| entry.tag == elf::DT_NEEDED) {
        let library = dynamic.string(entry)?;
        needs.libraries.push(String::from_utf8_lossy(library).into_owned());
    }
    Ok(needs)
}

/// "2.17" and "2.3.4" to their first two numbers.
fn number(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_program_needs_a_c_library_of_a_known_version() {
        let needs = check(&std::env::current_exe().expect("we run")).expect("built here");
        assert!(needs.libraries.iter().any(|library| library == "libc.so.6"), "{needs:?}");
        assert!(needs.glibc >= (2, 17) && !needs.symbol.is_empty(), "{needs:?}");
        assert_eq!((number("2.3.4"), number("PRIVATE")), (Some((2, 3)), None));
    }

    #[test]
    fn text_is_not_a_program() {
        let error = check(&crate::run::root().join("README.md")).expect_err("a text").to_string();
        assert!(error.contains("README.md"), "{error}");
    }
}
