//! The interface as other programs see it: introspection, the frozen interface file, `varlinkctl`.

use std::process::Command;

use facelatch_wire::{IDL, INTERFACE};
use serde_json::{Value, json};

use facelatch_testkit::stage::ALICE;
use facelatch_testkit::world::World;

fn call(world: &World, method: &str, parameters: Value) -> Value {
    let mut client = world.client();
    let mut bytes = json!({ "method": method, "parameters": parameters }).to_string().into_bytes();
    bytes.push(0);
    client.send(&bytes).expect("sent");
    serde_json::from_slice(&client.receive_bytes().expect("reply")).expect("JSON")
}

#[test]
fn introspection_returns_the_frozen_interface_file() {
    let world = World::new();
    let describe = "org.varlink.service.GetInterfaceDescription";
    let reply = call(&world, describe, json!({ "interface": INTERFACE }));
    assert_eq!(reply["parameters"]["description"], IDL);
    let reply = call(&world, describe, json!({ "interface": "org.varlink.service" }));
    let text = reply["parameters"]["description"].as_str().expect("text");
    assert!(text.contains("method GetInfo() ->"), "{text}");
    let reply = call(&world, describe, json!({ "interface": "no.such" }));
    assert_eq!(reply["error"], "org.varlink.service.InterfaceNotFound");
    let reply = call(&world, "org.varlink.service.GetInfo", json!({}));
    assert_eq!(reply["parameters"]["interfaces"], json!(["org.varlink.service", INTERFACE]));
    assert_eq!(reply["parameters"]["version"], env!("CARGO_PKG_VERSION"));
}

/// The part of the file that describes one method or type, up to the next empty line.
fn described(what: &str) -> &'static str {
    let start =
        IDL.find(&format!("\n{what}")).unwrap_or_else(|| panic!("{what} is not in the interface file"));
    IDL[start + 1..].split("\n\n").next().unwrap_or_default()
}

fn assert_described(what: &str, reply: &Value) {
    let text = described(what);
    for field in reply.as_object().expect("object").keys() {
        assert!(text.contains(&format!("{field}: ")), "{what} replies with {field}, which is not described");
    }
}

#[test]
fn every_reply_field_is_in_the_file() {
    let world = World::new().knows_alice();
    world.stage.shows(ALICE);
    let name = |method: &str| format!("{INTERFACE}.{method}");
    for (method, parameters) in [
        ("Status", json!({})),
        ("Verify", json!({ "user": "alice" })),
        ("Identify", json!({})),
        ("Explain", json!({})),
        ("List", json!({})),
        ("Enroll", json!({ "user": "bob", "templates": 1 })),
        ("Remove", json!({ "user": "bob" })),
        ("Reset", json!({})),
        ("Renew", json!({})),
    ] {
        let reply = call(&world, &name(method), parameters);
        assert!(reply.get("error").is_none(), "{method}: {reply}");
        assert_described(&format!("method {method}("), &reply["parameters"]);
        let parts = [
            ("camera", "Camera"),
            ("store", "Store"),
            ("ms", "Milliseconds"),
            ("face", "Face"),
            ("attempt", "Judging"),
            ("explanation", "Explanation"),
        ];
        for (field, kind) in parts {
            // The `face` of Status is a switch.
            if let Some(part) = reply["parameters"].get(field).filter(|part| part.is_object()) {
                assert_described(&format!("type {kind} ("), part);
                if let Some(decision) = part.get("decision") {
                    assert_described("type Decision (", decision);
                    assert_described("type ComparedPerson (", &decision["people"][0]);
                }
            }
        }
    }
}

#[test]
fn every_error_is_in_the_file() {
    let source = include_str!("../../wire/src/fault.rs");
    let own = source.lines().filter_map(|line| line.split_once("= \"io.facelatch.v1."));
    let names: Vec<&str> = own.filter_map(|(_, rest)| rest.split('"').next()).collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        described(&format!("error {name} ("));
    }
}

/// Output of `varlinkctl`; `None` if it is not installed (systemd before 255).
fn varlinkctl(args: &[&str]) -> Option<(bool, String)> {
    let output = Command::new("varlinkctl").args(args).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

#[test]
fn varlinkctl_can_talk_to_the_daemon() {
    if varlinkctl(&["--version"]).is_none() {
        eprintln!("skipped: varlinkctl is not on PATH");
        return;
    }
    let world = World::new().knows_alice();
    world.stage.shows(ALICE);
    let socket = world.socket.to_str().expect("text");
    let run = |args: &[&str]| varlinkctl(args).expect("it is installed");
    let (ok, text) = run(&["info", socket]);
    assert!(ok && text.contains("facelatchd") && text.contains(INTERFACE), "{text}");
    let (ok, text) = run(&["introspect", socket, INTERFACE]);
    assert!(ok && text.contains("method Verify") && text.contains("error TooLong"), "{text}");
    let verify = format!("{INTERFACE}.Verify");
    let (ok, text) = run(&["call", socket, &verify, r#"{"user":"alice"}"#]);
    assert!(ok && text.contains("match"), "{text}");
    let (ok, text) = run(&["call", "--more", socket, &verify, r#"{"user":"alice"}"#]);
    assert!(ok && text.contains("wanted") && text.contains("match"), "{text}");
    let (ok, text) = run(&["call", socket, &format!("{INTERFACE}.Open"), r#"{"door":1}"#]);
    assert!(!ok && text.contains("MethodNotFound"), "{text}");
}
