//! Secrets in memory: on a page of their own that is never swapped out, and a process that leaves no core dump.

use std::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// A value on pages of its own, kept out of swap as far as the system allows (`LimitMEMLOCK=`), wiped when dropped.
pub(super) struct Pinned<T: Zeroize + Default> {
    page: Box<Page<T>>,
    // Behind the page, so that it is unlocked only after it was wiped.
    _lock: Option<region::LockGuard>,
}

/// 16 KiB: at least a page on every kernel for the boards we know.
#[repr(align(16384))]
struct Page<T>(T);

impl<T: Zeroize + Default> Default for Pinned<T> {
    fn default() -> Self {
        // Locked while it holds nothing; secrets are then written in place.
        let page = Box::new(Page(T::default()));
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

/// No core dump of this process, and no look into its memory by others of the same user.
pub fn keep_private() {
    if let Err(error) = nix::sys::prctl::set_dumpable(false) {
        tracing::warn!("daemon: core dumps cannot be turned off ({error}); set LimitCORE=0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::seal::Key;

    #[test]
    fn a_secret_has_pages_of_its_own() {
        let mut key = Pinned::<Key>::default();
        *key = Key::from_bytes([9; 32]);
        assert_eq!(std::ptr::from_ref(&*key).addr() % 16384, 0);
        assert_eq!(size_of::<Page<Key>>() % 16384, 0);
        let locked = std::fs::read_to_string("/proc/self/status").expect("status");
        let locked = locked.lines().find_map(|l| l.strip_prefix("VmLck:")).expect("VmLck").trim();
        assert!(!locked.starts_with("0 "), "nothing is locked: {locked}");
    }

    #[test]
    fn a_private_process_leaves_no_core_dump() {
        keep_private();
        assert!(!nix::sys::prctl::get_dumpable().expect("known"));
    }
}
