use super::*;
use crate::test_files::root;

/// A daemon that is not there.
fn nobody() -> Daemon {
    Daemon { socket: "/nonexistent/facelatch.sock".into(), json: true }
}

#[test]
fn a_report_has_numbers_and_switches_and_nothing_that_a_person_wrote() {
    let config = "\
[camera]\nname = \"anna_room\"\nwidth_px = 800\ndevice = \"/dev/v4l/by-id/serial-4711\"\n\
[attack]\nlevel = \"challenge\"\n[latch]\nhook = [\"/home/anna/open.sh\"]\n[store]\nexport_recipient = \"age1secret\"\n";
    let door = "[[door]]\nname = \"backyard\"\npulse_ms = 3000\n";
    let machine = root(&[
        ("etc/facelatch/facelatch.toml", config),
        ("etc/facelatch/door.toml", door),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000:Anna Meyer,,,:/home/anna:/bin/sh\n"),
        ("etc/hostname", "villa\n"),
        ("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"),
        ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0"),
    ]);
    let findings = [
        Finding::good("accounts", "for the door only, no login accepts them: greta, bob"),
        Finding::bad("camera", "villa: Anna Meyer's camera", "x"),
    ];
    let path = machine.path().join("report.txt");
    write(&nobody(), &path, machine.path(), &findings).expect("written");
    let text = fs::read_to_string(&path).expect("read");
    for told in [
        "system Debian GNU/Linux 12 (bookworm)",
        "board Raspberry Pi 4 Model B Rev 1.4\n",
        "ok   accounts for the door only, no login accepts them\n",
        "FAIL camera (name): (name)'s camera",
        "camera.width_px = 800",
        "attack.level = challenge",
        "camera.name = (set)",
        "latch.hook = (1 values)",
        "door[0].pulse_ms = 3000",
        "the daemon does not answer",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    let lower = text.to_lowercase();
    for name in ["anna", "meyer", "greta", "bob", "villa", "backyard", "age1", "4711", "open.sh"] {
        assert!(!lower.contains(name), "{name}\n{text}");
    }
    let again = write(&nobody(), &path, machine.path(), &[]).expect_err("it exists").to_string();
    assert!(again.contains("does not exist"), "{again}");
}
