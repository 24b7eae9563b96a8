use super::*;
use crate::call::{Events, Status, Verify};

fn ask(text: &str) -> Result<Call, Fault> {
    Envelope::parse(text.as_bytes())?.call()
}

fn verify(parameters: &str) -> Result<Call, Fault> {
    ask(&format!(r#"{{"method":"io.facelatch.v1.Verify","parameters":{parameters}}}"#))
}

#[test]
fn a_verify_may_name_a_user_or_not() {
    let alice = |latch| Ok(Call::Verify(Verify { user: Some("alice".into()), latch, camera: None }));
    assert_eq!(verify(r#"{"user":"alice"}"#), alice(None));
    assert_eq!(verify(r#"{"user":"alice","latch":false}"#), alice(Some(false)));
    for nobody in ["{}", "null", r#"{"user":null}"#] {
        assert_eq!(
            verify(nobody),
            Ok(Call::Verify(Verify { user: None, latch: None, camera: None })),
            "{nobody}"
        );
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
    assert_eq!(ask(r#"{"method":"io.facelatch.v1.Status","more":true,"oneway":true}"#), invalid("oneway"));
}

#[test]
fn flags_and_parameters_may_be_null() {
    let status = r#"{"method":"io.facelatch.v1.Status","parameters":null,"more":null,"upgrade":null}"#;
    assert_eq!(ask(status), Ok(Call::Status(Status {})));
}

#[test]
fn unknown_methods_and_interfaces_are_named() {
    for method in ["io.facelatch.v1.Open", "org.varlink.service.Open", "open", ""] {
        let fault = Fault::MethodNotFound { method: method.into() };
        assert_eq!(ask(&format!(r#"{{"method":"{method}","parameters":{{}}}}"#)), Err(fault));
    }
    let fault = Fault::InterfaceNotFound { interface: "io.facelatch.v9".into() };
    assert_eq!(ask(r#"{"method":"io.facelatch.v9.Verify"}"#), Err(fault));
}

#[test]
fn what_is_no_call_is_said_to_be_none() {
    let deep = "[".repeat(50_000);
    for bad in ["", "{", "7", "null", "[]", "{}", r#"{"method":7}"#, "{\"method\":\"a\"}x", &deep, "\u{1}"] {
        assert!(matches!(Envelope::parse(bad.as_bytes()), Err(Fault::BadMessage { .. })), "{bad:.20}");
    }
    assert!(matches!(Envelope::parse(b"{\"method\":\"\xff\"}"), Err(Fault::BadMessage { .. })));
}

#[test]
fn events_come_as_a_stream_only() {
    assert_eq!(ask(r#"{"method":"io.facelatch.v1.Events"}"#), Err(Fault::ExpectedMore));
    assert_eq!(ask(r#"{"method":"io.facelatch.v1.Events","more":true}"#), Ok(Call::Events(Events {})));
}

#[test]
fn names_that_are_sent_back_are_short_and_printable() {
    let method = format!("io.facelatch.v1.\\u001b{}", "x".repeat(9999));
    let Err(Fault::MethodNotFound { method }) = ask(&format!(r#"{{"method":"{method}"}}"#)) else {
        panic!("the method does not exist");
    };
    assert!(method.len() <= 80 && !method.contains('\u{1b}'), "{method}");
}

#[test]
fn a_secret_is_not_shown() {
    let import = r#"{"method":"io.facelatch.v1.Import","parameters":{"identity":"AGE-SECRET-KEY-1"}}"#;
    let call = ask(import).expect("a call");
    assert!(!format!("{call:?}").contains("AGE"), "{call:?}");
}
