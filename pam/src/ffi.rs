//! The symbols that PAM looks for, and every unsafe line of this module.
//!
//! Own declarations rather than a binding crate: those link `-lpam`, so that each target's libpam would be needed to
//! build, and one turns a panic into an abort, the other into `PAM_ABORT`. The symbols below are resolved when the
//! module is loaded, by the libpam that loads it.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use facelatch_wire::DEFAULT_SOCKET;
use nix::libc;

use crate::code::Code;
use crate::host::{Host, Level};
use crate::options::Options;
use crate::{Machine, authenticate, means_yes};

/// PAM's own state; never looked into.
#[repr(C)]
pub(crate) struct PamHandle {
    _opaque: [u8; 0],
}

// Numbers of Linux-PAM: _pam_types.h.
const PAM_SUCCESS: c_int = 0;
const PAM_SERVICE: c_int = 1;
const PAM_TTY: c_int = 3;
const PAM_RHOST: c_int = 4;
const PAM_AUTHTOK: c_int = 6;
const PAM_PROMPT_ECHO_OFF: c_int = 1;
const PAM_TEXT_INFO: c_int = 4;
const PAM_SILENT: c_int = 0x8000;

unsafe extern "C" {
    fn pam_get_user(pamh: *mut PamHandle, user: *mut *const c_char, prompt: *const c_char) -> c_int;
    fn pam_get_item(pamh: *const PamHandle, item: c_int, value: *mut *const c_void) -> c_int;
    fn pam_prompt(
        pamh: *mut PamHandle,
        style: c_int,
        response: *mut *mut c_char,
        format: *const c_char,
        ...
    ) -> c_int;
    fn pam_syslog(pamh: *const PamHandle, priority: c_int, format: *const c_char, ...);
}

/// What `pam_authenticate(3)` calls.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn pam_sm_authenticate(
    pamh: *mut PamHandle,
    flags: c_int,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let application = Application(pamh);
    let code = guarded(&application, || {
        let words = words(argc, argv);
        let (mut options, complaints) = Options::parse(words.iter().map(String::as_str));
        complaints.iter().for_each(|complaint| application.log(Level::Warning, complaint));
        options.quiet |= flags & PAM_SILENT != 0;
        authenticate(&application, &options, &Machine::here(), Path::new(DEFAULT_SOCKET))
    });
    code as c_int
}

/// No-op: face auth establishes no credentials.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn pam_sm_setcred(
    _: *mut PamHandle,
    _: c_int,
    _: c_int,
    _: *const *const c_char,
) -> c_int {
    Code::Success as c_int
}

macro_rules! not_ours {
    ($($symbol:ident)*) => {$(
        /// No-op: not the business of face auth.
        #[unsafe(no_mangle)]
        pub(crate) extern "C" fn $symbol(_: *mut PamHandle, _: c_int, _: c_int, _: *const *const c_char) -> c_int {
            Code::Ignore as c_int
        }
    )*};
}

not_ours! { pam_sm_acct_mgmt pam_sm_open_session pam_sm_close_session pam_sm_chauthtok }

/// Runs `act`; a panic ends here, as a line in the log that the person does not see.
fn guarded(application: &Application, act: impl FnOnce() -> Code) -> Code {
    static STORY: Mutex<String> = Mutex::new(String::new());
    // This module's own copy of std: the application's hook, if it is written in Rust, stays as it is.
    set_hook(Box::new(|panic| *STORY.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string()));
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| {
        let story = STORY.lock().unwrap_or_else(PoisonError::into_inner).replace('\n', " ");
        application.log(Level::Warning, &format!("{story}; please report it"));
        Code::Ignore
    })
}

/// The module's options, as far as they are UTF-8.
fn words(argc: c_int, argv: *const *const c_char) -> Vec<String> {
    if argv.is_null() {
        return Vec::new();
    }
    let count = usize::try_from(argc).unwrap_or(0);
    // SAFETY: PAM passes `argc` pointers at `argv`, which live as long as this call.
    let words = unsafe { std::slice::from_raw_parts(argv, count) };
    words.iter().filter_map(|word| text(*word)).collect()
}

/// A copy of a C string; `None` for null and for what is not UTF-8.
fn text(chars: *const c_char) -> Option<String> {
    if chars.is_null() {
        return None;
    }
    // SAFETY: not null, and all that PAM hands out ends with NUL and outlives this copy.
    unsafe { CStr::from_ptr(chars) }.to_str().ok().map(str::to_owned)
}

/// A C string; what follows a NUL is cut off.
fn c_text(text: &str) -> CString {
    CString::new(text.split('\0').next().unwrap_or_default()).unwrap_or_default()
}

/// The program that called us.
struct Application(*mut PamHandle);

impl Application {
    fn item(&self, item: c_int) -> Option<String> {
        let mut value = ptr::null();
        // SAFETY: the handle is PAM's, valid during its call; the items asked for are C strings or null.
        let code = unsafe { pam_get_item(self.0, item, &raw mut value) };
        if code != PAM_SUCCESS || value.is_null() {
            return None;
        }
        // SAFETY: not null, and PAM's own C string. What is not UTF-8 must still count as something: as a host, as far away.
        Some(unsafe { CStr::from_ptr(value.cast()) }.to_string_lossy().into_owned())
    }
}

impl Host for Application {
    fn user(&self) -> Option<String> {
        let mut user = ptr::null();
        // SAFETY: the handle is PAM's, valid during its call; null asks for PAM's own prompt.
        let code = unsafe { pam_get_user(self.0, &raw mut user, ptr::null()) };
        text(user).filter(|user| code == PAM_SUCCESS && !user.is_empty())
    }

    fn service(&self) -> Option<String> {
        self.item(PAM_SERVICE)
    }

    fn remote_host(&self) -> Option<String> {
        self.item(PAM_RHOST)
    }

    fn terminal(&self) -> Option<String> {
        self.item(PAM_TTY)
    }

    fn has_password(&self) -> bool {
        let mut value = ptr::null();
        // SAFETY: as in `item`.
        let code = unsafe { pam_get_item(self.0, PAM_AUTHTOK, &raw mut value) };
        // SAFETY: not null, and PAM's own C string, of which the first byte is there. No copy is made of it.
        code == PAM_SUCCESS && !value.is_null() && unsafe { *value.cast::<c_char>() } != 0
    }

    fn tell(&self, line: &str) {
        let line = c_text(line);
        // SAFETY: handle as above; one `%s`, one C string; no response is wanted, so null is allowed.
        unsafe { pam_prompt(self.0, PAM_TEXT_INFO, ptr::null_mut(), c"%s".as_ptr(), line.as_ptr()) };
    }

    fn agrees(&self, question: &str) -> bool {
        let (question, mut response) = (c_text(question), ptr::null_mut());
        // SAFETY: handle as above; one `%s`, one C string; the response is null or a C string that is ours now.
        let code = unsafe {
            pam_prompt(self.0, PAM_PROMPT_ECHO_OFF, &raw mut response, c"%s".as_ptr(), question.as_ptr())
        };
        if response.is_null() {
            return false;
        }
        // SAFETY: not null, ends with NUL, and is not freed before it was looked at. No copy is made of it.
        let answer = unsafe { CStr::from_ptr(response) };
        let agreed = code == PAM_SUCCESS && answer.to_str().is_ok_and(means_yes);
        // SAFETY: a C string from malloc, not used after this.
        unsafe {
            libc::explicit_bzero(response.cast(), libc::strlen(response));
            libc::free(response.cast());
        }
        agreed
    }

    fn log(&self, level: Level, line: &str) {
        let (line, priority) = (
            c_text(line),
            match level {
                Level::Warning => libc::LOG_WARNING,
                Level::Notice => libc::LOG_NOTICE,
                Level::Info => libc::LOG_INFO,
            },
        );
        // SAFETY: handle as above; one `%s`, one C string.
        unsafe { pam_syslog(self.0, priority, c"%s".as_ptr(), line.as_ptr()) };
    }
}
