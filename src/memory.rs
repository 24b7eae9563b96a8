//! Secrets in memory: keys on locked pages of their own, and a process that leaves no core dump and, as a service, nothing
//! in swap.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc::{MCL_ONFAULT, rlim_t};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use zeroize::Zeroize;

/// Set once [`keep_private`] has locked everything.
static ALL_LOCKED: AtomicBool = AtomicBool::new(false);

/// A value on pages of its own, kept out of swap if the system allows it (`LimitMEMLOCK=`), wiped when dropped.
pub(crate) struct Pinned<T: Zeroize + Default> {
    page: Box<Page<T>>,
    // After the page, so that it is unlocked only once it is wiped.
    _lock: Option<region::LockGuard>,
}

/// 16 KiB: at least one page on every kernel for supported boards.
#[repr(align(16384))]
struct Page<T>(T);

impl<T: Zeroize + Default> Default for Pinned<T> {
    fn default() -> Self {
        // Locked while it holds nothing; secrets are then written in place.
        let page = Box::new(Page(T::default()));
        if ALL_LOCKED.load(Ordering::Relaxed) {
            // Dropping a lock of its own would unlock these pages.
            return Self { page, _lock: None };
        }
        let lock = region::lock(std::ptr::from_ref(&*page), size_of::<Page<T>>());
        if let Err(error) = &lock {
            tracing::warn!("store: keys may be swapped out ({error}); raise LimitMEMLOCK=, or turn swap off");
        }
        Self { page, _lock: lock.ok() }
    }
}

impl<T: Zeroize + Default> Deref for Pinned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.page.0
    }
}

impl<T: Zeroize + Default> DerefMut for Pinned<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.page.0
    }
}

impl<T: Zeroize + Default> Drop for Pinned<T> {
    fn drop(&mut self) {
        self.page.0.zeroize();
    }
}

/// Prevents core dumps of this process and reads of its memory by the same user's other processes; if the unit allows it,
/// keeps all its memory out of swap.
pub fn keep_private() {
    if let Err(error) = nix::sys::prctl::set_dumpable(false) {
        tracing::warn!("daemon: core dumps cannot be turned off ({error}); set LimitCORE=0");
    }
    let limit = getrlimit(Resource::RLIMIT_MEMLOCK);
    if let Err(error) = limit.and_then(|(limit, _)| lock_all(limit)) {
        tracing::warn!("daemon: templates may be swapped out ({error}); turn swap off");
    }
}

/// Takes the program's code out of memory once everything is loaded: most of it will not run again, and the rest comes back as it
/// runs. Otherwise it would stay, locked, for as long as the daemon runs.
pub(crate) fn forget_loading() {
    if let Err(error) = facelatch_kernels::forget_code(ALL_LOCKED.load(Ordering::Relaxed)) {
        tracing::warn!("daemon: {error}");
    }
}

/// Locks all memory of this process, present and future, and says whether it did. Not under a limit: every allocation
/// would fail once it is reached.
fn lock_all(limit: rlim_t) -> nix::Result<bool> {
    if limit != RLIM_INFINITY {
        return Ok(false);
    }
    // Each page when it is first used, so that reserved address space takes no memory.
    let on_fault = MlockAllFlags::from_bits_retain(MCL_ONFAULT);
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_fault)?;
    ALL_LOCKED.store(true, Ordering::Relaxed);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use nix::sys::resource::setrlimit;

    use super::*;

    #[test]
    fn a_secret_has_pages_of_its_own() {
        let mut key = Pinned::<[u8; 32]>::default();
        *key = [9; 32];
        assert_eq!(std::ptr::from_ref(&*key).addr() % 16384, 0);
        assert_eq!(size_of::<Page<[u8; 32]>>() % 16384, 0);
        assert!(of_status("VmLck") > 0, "nothing is locked");
    }

    /// kB of this process.
    fn of_status(key: &str) -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("status");
        let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("named");
        line.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("a number")
    }

    /// In a process of its own, which stays locked: with the limit of a service, and with that of a shell.
    #[test]
    fn all_memory_is_locked_where_there_is_no_limit_and_none_under_one() {
        const LIMIT: &str = "FACELATCH_TEST_MEMLOCK";
        if let Ok(limit) = std::env::var(LIMIT) {
            let limit = if limit == "none" { RLIM_INFINITY } else { 1 << 20 };
            let lifted = setrlimit(Resource::RLIMIT_MEMLOCK, limit, limit).is_ok();
            match lock_all(limit) {
                // Neither root nor without a limit, and so the kernel refuses what the service may do.
                Err(_) if !lifted => return,
                locked => assert_eq!(locked, Ok(limit == RLIM_INFINITY)),
            }
            let later = vec![1_u8; 8 << 20];
            assert_eq!(of_status("VmLck") > (8 << 10), limit == RLIM_INFINITY, "{}", later.len());
            return;
        }
        let this = std::env::current_exe().expect("we run");
        for limit in ["none", "1 MB"] {
            let mut again = std::process::Command::new(&this);
            again.args([
                "--exact",
                "memory::tests::all_memory_is_locked_where_there_is_no_limit_and_none_under_one",
            ]);
            let said = again.env(LIMIT, limit).output().expect("starts").stdout;
            let said = String::from_utf8_lossy(&said);
            assert!(said.contains("1 passed"), "{limit}: {said}");
        }
    }

    #[test]
    fn a_private_process_leaves_no_core_dump() {
        keep_private();
        assert!(!nix::sys::prctl::get_dumpable().expect("known"));
    }
}
