//! Types of settings that are numbers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A number that has a range in the table.
pub(super) trait Number {
    /// What the ends of its range are written as.
    type Plain: PartialOrd + std::fmt::Debug;

    /// The number.
    fn plain(self) -> Self::Plain;
}

macro_rules! plain {
    ($($kind:ty)+) => {
        $(impl Number for $kind {
            type Plain = Self;

            fn plain(self) -> Self {
                self
            }
        })+
    };
}

plain!(u32 f32);

/// A time in a file, and the [`Duration`] that it is in the program.
macro_rules! times {
    ($($(#[$doc:meta])* $kind:ident = $from:ident;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $kind(pub u64);

            impl $kind {
                /// The same time for the program.
                pub const fn duration(self) -> Duration {
                    Duration::$from(self.0)
                }
            }

            impl Number for $kind {
                type Plain = u64;

                fn plain(self) -> u64 {
                    self.0
                }
            }
        )+
    };
}

times! {
    /// A number of milliseconds.
    Millis = from_millis;
    /// A number of seconds.
    Seconds = from_secs;
}
