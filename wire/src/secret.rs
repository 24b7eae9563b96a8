//! A text that nobody else should read.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// A text that is not shown when the call is printed, and is wiped on drop.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
impl crate::idl::Described for Secret {
    fn varlink() -> String {
        "string".to_owned()
    }
}
