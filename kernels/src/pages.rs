//! Pages of the program's own code in memory. Nothing to do with arithmetic; it is here because it takes unsafe code.

use std::ffi::{c_int, c_void};
use std::io;
use std::ops::Range;

/// The same number on every architecture that Rust's `std` and facelatch run on.
const MADV_DONTNEED: c_int = 4;

/// Each page once it is used.
const MLOCK_ONFAULT: c_int = 1;

// SAFETY: as the manual pages of madvise(2), munlock(2) and mlock2(2) declare them.
unsafe extern "C" {
    fn madvise(start: *mut c_void, length: usize, advice: c_int) -> c_int;
    fn munlock(start: *const c_void, length: usize) -> c_int;
    fn mlock2(start: *const c_void, length: usize, flags: c_int) -> c_int;
}

/// Takes the code of this program out of memory; what is run again comes back from the page cache, page by page. For after a
/// start, much of whose code is not run again. With `locked` what comes back is locked, as `mlockall` would have it.
///
/// # Errors
/// Those of `/proc` and the kernel. Code that could not be taken out stays.
pub fn forget_code(locked: bool) -> io::Result<()> {
    let program = std::fs::read_link("/proc/self/exe")?;
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    for range in maps.lines().filter_map(|line| code(line, &program.to_string_lossy())) {
        let (start, length) = (std::ptr::without_provenance_mut::<c_void>(range.start), range.len());
        // SAFETY: a private mapping of the program's file that cannot be written to, so nobody has changed it: whoever runs or
        // reads it next finds the same bytes, read from the file again. Locks say nothing of what is in memory.
        let done = unsafe {
            (!locked || munlock(start, length) == 0)
                && madvise(start, length, MADV_DONTNEED) == 0
                && (!locked || mlock2(start, length, MLOCK_ONFAULT) == 0)
        };
        if !done {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Where code of this program is, if this line of proc_pid_maps(5) is about that: nobody can write there.
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
    fn only_code_of_the_program_is_taken_out() {
        let line = |mode: &str, path: &str| format!("1000-3000 {mode} 00001000 fe:00 12     {path}");
        assert_eq!(code(&line("r-xp", "/bin/x"), "/bin/x"), Some(0x1000..0x3000));
        for (mode, path) in
            [("rw-p", "/bin/x"), ("r--p", "/bin/x"), ("rwxp", "/bin/x"), ("r-xp", "/lib/y"), ("r-xp", "")]
        {
            assert_eq!(code(&line(mode, path), "/bin/x"), None, "{mode} {path}");
        }
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
