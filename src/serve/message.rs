//! Bytes from a client to a checked [`Request`], or to the [`Fault`] it gets. Pure; fuzzed.

use facelatch_wire::{Fault, INTERFACE};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Varlink's own interface, which every service answers.
const VARLINK: &str = "org.varlink.service";

/// A Varlink call, not yet looked into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Full name of the method.
    pub method: String,
    /// What it is asked with.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// The caller takes several replies.
    #[serde(default)]
    pub more: bool,
    /// The caller takes none.
    #[serde(default)]
    pub oneway: bool,
}

/// What can be asked. Values have the right type; whether they make sense is checked by the method.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the interface file describes methods and parameters")]
pub enum Request {
    GetInfo,
    GetInterfaceDescription { interface: String },
    Status,
    Enroll { user: String, label: Option<String>, templates: Option<u64> },
    Verify { user: Option<String>, latch: Option<bool> },
    Identify,
    List { user: Option<String> },
    Remove { user: String, id: Option<String> },
    Reset { user: Option<String> },
    Events,
    Export { recipient: Option<String>, user: Option<String> },
    Upload { data: String },
    Import { identity: Secret, skip_enrolled: bool },
    Renew { store_key: bool },
    CheckAudit,
}

/// A text that is wiped when dropped and shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub zeroize::Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The call in one message, its NUL taken off.
///
/// # Errors
/// [`Fault::BadMessage`] for what is no call; [`Fault::InvalidParameter`] for flags that make no sense.
pub fn envelope(bytes: &[u8]) -> Result<Envelope, Fault> {
    let bad = |why: String| Fault::BadMessage { message: format!("message: {why}; send one Varlink call") };
    let mut call = match serde_json::from_slice(bytes) {
        Ok(Value::Object(call)) => call,
        Ok(_) => return Err(bad("not an object".to_owned())),
        Err(e) => return Err(bad(format!("not JSON ({e})"))),
    };
    let Some(Value::String(method)) = call.remove("method") else {
        return Err(bad("without a method".to_owned()));
    };
    if method.is_empty() {
        // The gate itself uses this name, for what it has to say to the methods.
        return Err(Fault::MethodNotFound { method });
    }
    let parameters = match call.remove("parameters") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(parameters)) => parameters,
        Some(_) => return Err(invalid("parameters")),
    };
    let mut flag = |name: &str| match call.remove(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(set)) => Ok(set),
        Some(_) => Err(invalid(name)),
    };
    let (more, oneway) = (flag("more")?, flag("oneway")?);
    if flag("upgrade")? {
        return Err(invalid("upgrade"));
    }
    if more && oneway {
        return Err(invalid("oneway"));
    }
    Ok(Envelope { method, parameters, more, oneway })
}

/// What the call asks for.
///
/// # Errors
/// Varlink's own faults, for an unknown method and for parameters that are unknown, missing or ill-typed.
pub fn request(call: &Envelope) -> Result<Request, Fault> {
    let mut given = Parameters(call.parameters.clone());
    let unknown = || Fault::MethodNotFound { method: shown(&call.method) };
    let (interface, method) = call.method.rsplit_once('.').ok_or_else(unknown)?;
    let request = match (interface, method) {
        (VARLINK, "GetInfo") => Request::GetInfo,
        (VARLINK, "GetInterfaceDescription") => {
            Request::GetInterfaceDescription { interface: given.text("interface")? }
        }
        (INTERFACE, "Status") => Request::Status,
        (INTERFACE, "Enroll") => Request::Enroll {
            user: given.text("user")?,
            label: given.optional_text("label")?,
            templates: given.optional_count("templates")?,
        },
        (INTERFACE, "Verify") => {
            Request::Verify { user: given.optional_text("user")?, latch: given.optional_flag("latch")? }
        }
        (INTERFACE, "Identify") => Request::Identify,
        (INTERFACE, "List") => Request::List { user: given.optional_text("user")? },
        (INTERFACE, "Remove") => {
            Request::Remove { user: given.text("user")?, id: given.optional_text("id")? }
        }
        (INTERFACE, "Reset") => Request::Reset { user: given.optional_text("user")? },
        (INTERFACE, "Events") if call.more => Request::Events,
        (INTERFACE, "Export") if call.more => Request::Export {
            recipient: given.optional_text("recipient")?,
            user: given.optional_text("user")?,
        },
        (INTERFACE, "Events" | "Export") => return Err(Fault::ExpectedMore),
        (INTERFACE, "Upload") => Request::Upload { data: given.text("data")? },
        (INTERFACE, "Import") => Request::Import {
            identity: Secret(given.text("identity")?.into()),
            skip_enrolled: given.optional_flag("skip_enrolled")?.unwrap_or_default(),
        },
        (INTERFACE, "Renew") => {
            Request::Renew { store_key: given.optional_flag("store_key")?.unwrap_or_default() }
        }
        (INTERFACE, "CheckAudit") => Request::CheckAudit,
        (VARLINK | INTERFACE, _) => return Err(unknown()),
        _ => return Err(Fault::InterfaceNotFound { interface: shown(interface) }),
    };
    given.nothing_left()?;
    Ok(request)
}

struct Parameters(Map<String, Value>);

impl Parameters {
    fn text(&mut self, name: &str) -> Result<String, Fault> {
        self.optional_text(name)?.ok_or_else(|| invalid(name))
    }

    fn optional_text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(name)),
        }
    }

    fn optional_count(&mut self, name: &str) -> Result<Option<u64>, Fault> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| invalid(name)),
        }
    }

    fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or_else(|| invalid(name)),
        }
    }

    fn nothing_left(self) -> Result<(), Fault> {
        self.0.keys().next().map_or(Ok(()), |name| Err(invalid(name)))
    }
}

fn invalid(parameter: &str) -> Fault {
    Fault::InvalidParameter { parameter: shown(parameter) }
}

/// A name from outside as it may be sent back: short, without control characters.
fn shown(name: &str) -> String {
    name.chars().take(80).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> Result<Request, Fault> {
        request(&envelope(text.as_bytes())?)
    }

    fn verify(parameters: &str) -> Result<Request, Fault> {
        ask(&format!(r#"{{"method":"io.facelatch.v1.Verify","parameters":{parameters}}}"#))
    }

    #[test]
    fn a_verify_may_name_a_user_or_not() {
        let alice = |latch| Ok(Request::Verify { user: Some("alice".into()), latch });
        assert_eq!(verify(r#"{"user":"alice"}"#), alice(None));
        assert_eq!(verify(r#"{"user":"alice","latch":false}"#), alice(Some(false)));
        for nobody in ["{}", "null", r#"{"user":null}"#] {
            assert_eq!(verify(nobody), Ok(Request::Verify { user: None, latch: None }), "{nobody}");
        }
    }

    #[test]
    fn a_parameter_that_is_unknown_missing_or_ill_typed_is_named() {
        let invalid = |name: &str| Err(Fault::InvalidParameter { parameter: name.into() });
        assert_eq!(verify(r#"{"user":7}"#), invalid("user"));
        assert_eq!(verify(r#"{"latch":0}"#), invalid("latch"));
        assert_eq!(verify(r#"{"usr":"alice"}"#), invalid("usr"));
        assert_eq!(verify("[]"), invalid("parameters"));
        assert_eq!(ask(r#"{"method":"io.facelatch.v1.Remove"}"#), invalid("user"));
        let negative = r#"{"method":"io.facelatch.v1.Enroll","parameters":{"user":"a","templates":-1}}"#;
        assert_eq!(ask(negative), invalid("templates"));
        assert_eq!(ask(r#"{"method":"io.facelatch.v1.Status","upgrade":true}"#), invalid("upgrade"));
        assert_eq!(ask(r#"{"method":"io.facelatch.v1.Status","more":1}"#), invalid("more"));
    }

    #[test]
    fn unknown_methods_and_interfaces_are_named() {
        for method in ["io.facelatch.v1.Open", "org.varlink.service.Open", "open"] {
            let fault = Fault::MethodNotFound { method: method.into() };
            assert_eq!(ask(&format!(r#"{{"method":"{method}","parameters":{{}}}}"#)), Err(fault));
        }
        let fault = Fault::InterfaceNotFound { interface: "io.facelatch.v9".into() };
        assert_eq!(ask(r#"{"method":"io.facelatch.v9.Verify"}"#), Err(fault));
    }

    #[test]
    fn what_is_no_call_is_said_to_be_none() {
        let deep = "[".repeat(50_000);
        for bad in
            ["", "{", "7", "null", "[]", "{}", r#"{"method":7}"#, "{\"method\":\"a\"}x", &deep, "\u{1}"]
        {
            assert!(matches!(envelope(bad.as_bytes()), Err(Fault::BadMessage { .. })), "{bad:.20}");
        }
        assert!(matches!(envelope(b"{\"method\":\"\xff\"}"), Err(Fault::BadMessage { .. })));
    }

    #[test]
    fn events_come_as_a_stream_only() {
        assert_eq!(ask(r#"{"method":"io.facelatch.v1.Events"}"#), Err(Fault::ExpectedMore));
        assert_eq!(ask(r#"{"method":"io.facelatch.v1.Events","more":true}"#), Ok(Request::Events));
    }

    #[test]
    fn names_that_are_sent_back_are_short_and_printable() {
        let method = format!("io.facelatch.v1.\\u001b{}", "x".repeat(9999));
        let Err(Fault::MethodNotFound { method }) = ask(&format!(r#"{{"method":"{method}"}}"#)) else {
            panic!("the method does not exist");
        };
        assert!(method.len() <= 80 && !method.contains('\u{1b}'), "{method}");
    }
}
