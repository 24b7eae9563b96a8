//! Declares the methods of an interface: their types, and the enum of all calls.

macro_rules! methods {
    ($d:tt $($interface:literal: {
        $(
            $(#[doc = $doc:expr])*
            $name:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)* }
            $(only $only:ident)? -> $reply:ident $({ $($reply_fields:tt)* })?;
        )*
    })*) => {$($(
        message! {
            $(#[doc = $doc])*
            $name { $($(#[$meta])* $field: $type,)* }
        }

        $(message! {
            #[doc = concat!("Reply of [`", stringify!($name), "`].")]
            $reply { $($reply_fields)* }
        })?

        impl Method for $name {
            const NAME: &'static str = concat!($interface, ".", stringify!($name));
            const ONLY_MORE: bool = { const FLAGS: &[&str] = &[$(stringify!($only))?]; !FLAGS.is_empty() };
            type Reply = $reply;
        }
    )*)*
        /// A checked call: its values have the right types; whether they make sense is the method's business.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(missing_docs, reason = "each type has its own")]
        pub enum Call {
            $($($name($name),)*)*
        }

        impl Call {
            /// The call of this method.
            pub(crate) fn read(method: &str, mut given: Parameters, more: bool) -> Result<Self, Fault> {
                $($(if method == $name::NAME {
                    if $name::ONLY_MORE && !more {
                        return Err(Fault::ExpectedMore);
                    }
                    let call = $name { $($field: given.take(stringify!($field))?,)* };
                    given.end()?;
                    return Ok(Self::$name(call));
                })*)*
                match method.rsplit_once('.') {
                    Some((interface, _)) if ![$($interface),*].contains(&interface) => {
                        Err(Fault::InterfaceNotFound { interface: printable(interface) })
                    }
                    _ => Err(Fault::MethodNotFound { method: printable(method) }),
                }
            }
        }

        /// `dispatch!(call, request => expression)`: the expression with `request` as the type of the call's own method.
        #[macro_export]
        macro_rules! dispatch {
            ($d call:expr, $d request:ident => $d handled:expr) => {
                match $d call {
                    $($($crate::Call::$name($d request) => $d handled,)*)*
                }
            };
        }

        /// Interface, description, parameters and reply of each method.
        #[cfg(test)]
        pub(crate) fn described() -> Vec<crate::idl::MethodText> {
            use crate::idl::{Fields, MethodText};
            vec![$($(MethodText {
                interface: $interface,
                name: stringify!($name),
                doc: $name::DOC,
                parameters: $name::fields(),
                reply: $reply::fields(),
            },)*)*]
        }
    };
}

pub(crate) use methods;
