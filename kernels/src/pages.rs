//! Pages of the program's own code in memory. Nothing to do with arithmetic; it is here because it takes unsafe code.

use std::ffi::c_void;
use std::io;
use std::ops::Range;

use nix::libc::{MADV_DONTNEED, MLOCK_ONFAULT, madvise, mlock2, munlock};

/// Takes the code of this program out of memory; what is run again comes back from the page cache, page by page. For after a
/// start, much of whose code is not run again. With `locked` what comes back is locked, as `mlockall` would have it.
///
/// # Errors
/// What failed first, and what that means. The other ranges are taken out all the same.
pub fn forget_code(locked: bool) -> io::Result<()> {
    let (link, maps) = ("/proc/self/exe", "/proc/self/smaps");
    let program = std::fs::read_link(link).map_err(|e| stays(link, &e))?;
    let maps = std::fs::read_to_string(maps).map_err(|e| stays(maps, &e))?;
    let ranges = unchanged_code(&maps, &program.to_string_lossy());
    // All of them, whichever fails.
    let done: Vec<_> = ranges.iter().map(|range| forget(range, locked)).collect();
    done.into_iter().collect()
}

fn forget(range: &Range<usize>, locked: bool) -> io::Result<()> {
    let (start, length) = (std::ptr::without_provenance_mut::<c_void>(range.start), range.len());
    // SAFETY: a lock says nothing of what is in memory.
    if locked && unsafe { munlock(start, length) } != 0 {
        return Err(stays("munlock", &io::Error::last_os_error()));
    }
    // SAFETY: a private mapping of the program's file without a page of its own in memory or swap, so nobody has changed it, and
    // nobody can now: it cannot be written to, and nothing here makes code writable. Whoever runs or reads it next finds the
    // same bytes, read from the file again.
    let taken_out = match unsafe { madvise(start, length, MADV_DONTNEED) } {
        0 => Ok(()),
        _ => Err(stays("madvise", &io::Error::last_os_error())),
    };
    // SAFETY: as for `munlock`.
    let is_locked = !locked || unsafe { mlock2(start, length, MLOCK_ONFAULT) } == 0;
    let error = |e: io::Error| {
        io::Error::new(e.kind(), format!("the program's code is not locked in memory any more (mlock2: {e})"))
    };
    taken_out.and(if is_locked { Ok(()) } else { Err(error(io::Error::last_os_error())) })
}

fn stays(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("code that only a start needs stays in memory ({what}: {error})"))
}

/// Where code of this program is that is as in its file, by lines of proc_pid_smaps(5): nobody can write there, and nobody has,
/// before it became code (relocations in it, a personality that makes data executable).
fn unchanged_code(maps: &str, program: &str) -> Vec<Range<usize>> {
    let (mut found, mut range, mut without) = (Vec::new(), None, 0);
    for line in maps.lines() {
        let value = line.split_once(':').filter(|(key, _)| !key.contains(' '));
        match value.map(|(key, value)| (key, value.trim())) {
            None => (range, without) = (code(line, program), 0),
            Some(("Anonymous" | "Swap", "0 kB")) => without += 1,
            Some(_) => {}
        }
        // Both are none, which takes both lines.
        if without == 2 {
            found.extend(range.take());
        }
    }
    found
}

/// The range, if this first line of a mapping is about code of this program.
fn code(line: &str, program: &str) -> Option<Range<usize>> {
    let (range, rest) = line.split_once(' ')?;
    if !rest.starts_with("r-xp ") || !rest.ends_with(&format!(" {program}")) {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_the_program_that_nobody_changed_is_taken_out() {
        let found = |mode: &str, path: &str, anonymous: u32, swap: u32| {
            let other = "4000-5000 r--p 00004000 fe:00 12     /bin/x\nAnonymous:     0 kB\nSwap:     0 kB\n";
            let first = format!("1000-3000 {mode} 00001000 fe:00 12     {path}\nSize:     8 kB\n");
            let rest = format!("Anonymous:     {anonymous} kB\nSwap:     {swap} kB\nVmFlags: rd ex\n");
            unchanged_code(&[other, &first, &rest, other].concat(), "/bin/x")
        };
        assert_eq!(found("r-xp", "/bin/x", 0, 0).first(), Some(&(0x1000..0x3000)));
        assert!(found("r-xp", "/bin/x", 4, 0).is_empty() && found("r-xp", "/bin/x", 0, 4).is_empty());
        for (mode, path) in
            [("rw-p", "/bin/x"), ("r--p", "/bin/x"), ("rwxp", "/bin/x"), ("r-xp", "/lib/y"), ("r-xp", "")]
        {
            assert!(found(mode, path, 0, 0).is_empty(), "{mode} {path}");
        }
        assert!(unchanged_code("1000-3000 r-xp 00001000 fe:00 12     /bin/x\n", "/bin/x").is_empty());
    }

    #[test]
    fn code_comes_back_when_it_is_run() {
        let sorted = || {
            let hex = |n: u32| format!("{:x}", n.wrapping_mul(2_654_435_761));
            let mut text: Vec<String> = (0..100).map(hex).collect();
            text.sort();
            text
        };
        let before = sorted();
        forget_code(false).expect("taken out");
        assert_eq!(sorted(), before);
    }
}
