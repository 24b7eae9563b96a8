//! What both ends send: structs of named fields, and the daemon's side of reading a call.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Call, Fault};

/// Declares structs that travel as JSON objects; the comment of each is its description in the interface file.
macro_rules! message {
    ($($(#[doc = $doc:expr])* $name:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[$meta])* pub $field: $type,)*
        }

        #[cfg(test)]
        impl crate::idl::Described for $name {
            fn varlink() -> String {
                stringify!($name).to_owned()
            }
        }

        #[cfg(test)]
        impl crate::idl::Fields for $name {
            const DOC: &'static [&'static str] = &[$($doc),*];

            fn fields() -> Vec<(&'static str, String)> {
                vec![$((stringify!($field), <$type as crate::idl::Described>::varlink())),*]
            }
        }
    )*};
}

pub(crate) use message;

/// A Varlink call as it arrives: the method's parameters are not looked into yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// Full name of the method.
    pub method: String,
    /// Its parameters.
    pub parameters: Map<String, Value>,
    /// The caller takes several replies.
    pub more: bool,
    /// The caller takes none.
    pub oneway: bool,
}

impl Envelope {
    /// Reads one message, its NUL taken off.
    ///
    /// # Errors
    /// [`Fault::BadMessage`] if it is no call; [`Fault::InvalidParameter`] if its flags make no sense.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let bad =
            |why: String| Fault::BadMessage { message: format!("message: {why}; send one Varlink call") };
        let mut call = match serde_json::from_slice(bytes) {
            Ok(Value::Object(call)) => call,
            Ok(_) => return Err(bad("not an object".to_owned())),
            Err(e) => return Err(bad(format!("not JSON ({e})"))),
        };
        let Some(Value::String(method)) = call.remove("method") else {
            return Err(bad("without a method".to_owned()));
        };
        let parameters: Option<Map<String, Value>> = take(&mut call, "parameters")?;
        let mut flag = |name| take::<Option<bool>>(&mut call, name).map(Option::unwrap_or_default);
        let (more, oneway) = (flag("more")?, flag("oneway")?);
        if flag("upgrade")? {
            return Err(invalid("upgrade"));
        }
        if more && oneway {
            return Err(invalid("oneway"));
        }
        Ok(Self { method, parameters: parameters.unwrap_or_default(), more, oneway })
    }

    /// What is asked for.
    ///
    /// # Errors
    /// Varlink's own faults: an unknown method, or a parameter that is unknown, missing or of another type.
    pub fn call(self) -> Result<Call, Fault> {
        Call::read(&self.method, Parameters(self.parameters), self.more)
    }
}

/// The parameters of a call, taken out one by one.
pub(crate) struct Parameters(Map<String, Value>);

impl Parameters {
    /// The value of one parameter; an absent one reads as null.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Fault> {
        take(&mut self.0, name)
    }

    /// Refuses what the method does not know.
    pub(crate) fn end(self) -> Result<(), Fault> {
        self.0.keys().next().map_or(Ok(()), |name| Err(invalid(name)))
    }
}

fn take<T: DeserializeOwned>(from: &mut Map<String, Value>, name: &str) -> Result<T, Fault> {
    serde_json::from_value(from.remove(name).unwrap_or_default()).map_err(|_| invalid(name))
}

fn invalid(parameter: &str) -> Fault {
    Fault::InvalidParameter { parameter: printable(parameter) }
}

/// A name from a caller as it may be sent back: short, without control characters.
pub fn printable(name: &str) -> String {
    name.chars().take(80).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests;
