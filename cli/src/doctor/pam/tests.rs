use super::*;
use crate::test_files;

/// What pam-auth-update of Debian 12 writes, with our profile switched on.
const DEBIAN: &str = "\
# here are the per-package modules (the \"Primary\" block)
auth\t[success=2 default=ignore]\tpam_facelatch.so
auth\t[success=1 default=ignore]\tpam_unix.so nullok try_first_pass
# here's the fallback if no module succeeds
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
auth\toptional\t\t\tpam_cap.so
";

#[test]
fn what_debian_writes_is_right() {
    assert_eq!(fault(DEBIAN), None);
    assert_eq!(rules(DEBIAN).len(), 5);
    let first = Rule { control: "[success=2 default=ignore]", module: MODULE, options: Vec::new() };
    assert_eq!(rules(DEBIAN)[0], first);
}

#[test]
fn each_service_that_would_ask_is_named_where_lines_are_written_by_hand() {
    let line = "auth include system-auth\n";
    let root = test_files::root(&[
        ("etc/pam.d/sudo", line),
        ("etc/pam.d/su", &format!("auth sufficient pam_facelatch.so\n{line}")),
        ("etc/pam.d/system-auth", "auth required pam_unix.so\n"),
        ("etc/pam.d/sshd", line),
        ("usr/lib/pam.d/sudo", line),
        ("usr/lib/pam.d/polkit-1", line),
    ]);
    assert_eq!(
        by_hand(root.path()),
        ["/etc/pam.d/polkit-1, a copy of /usr/lib/pam.d/polkit-1", "/etc/pam.d/sudo"]
    );
}

#[test]
fn sufficient_before_an_include_is_right() {
    assert_eq!(fault("auth sufficient pam_facelatch.so timeout=3\n@include common-auth\n"), None);
    assert_eq!(
        fault("-auth sufficient /usr/lib/security/pam_facelatch.so\nauth include system-auth\n"),
        None
    );
}

#[test]
fn the_line_that_tells_of_the_password_asks_for_no_face() {
    let line = "auth\toptional\tpam_facelatch.so after-password\n";
    assert_eq!(fault(&format!("{DEBIAN}{line}")), None);
    assert_eq!(fault(line), None);
    assert!(rules(line).iter().all(|rule| !rule.is_ours()));
    let no_password = format!("auth sufficient pam_facelatch.so\nauth required pam_deny.so\n{line}");
    assert!(fault(&no_password).is_some_and(|why| why.contains("password")));
}

#[test]
fn a_stack_that_locks_out_is_named() {
    for control in [
        "required",
        "requisite",
        "[success=1]",
        "[success=1 default=die]",
        "[success=1 auth_err=bad default=ignore]",
    ] {
        let text = DEBIAN.replace("[success=2 default=ignore]", control);
        assert!(fault(&text).is_some_and(|why| why.contains("locked out")), "{control}");
    }
}

#[test]
fn a_face_without_a_password_behind_it_is_named() {
    for text in [
        "auth sufficient pam_facelatch.so\nauth required pam_deny.so\n",
        "auth sufficient pam_facelatch.so\n",
    ] {
        assert!(fault(text).is_some_and(|why| why.contains("password")), "{text}");
    }
    let behind = "auth [success=1 default=ignore] pam_unix.so\nauth sufficient pam_facelatch.so\nauth requisite pam_deny.so\n";
    assert!(fault(behind).is_some());
}

#[test]
fn a_match_that_leads_nowhere_is_named() {
    // Skipping one line meets pam_deny; nine are not there; `ignore` is no reason to let in.
    for success in ["1", "9", "ignore"] {
        let text = DEBIAN.replacen("[success=2", &format!("[success={success}"), 1);
        assert!(fault(&text).is_some_and(|why| why.contains("lets nobody in")), "{success}");
    }
}

#[test]
fn comments_other_kinds_and_nonsense_are_no_rules() {
    for line in [
        "# auth required pam_facelatch.so",
        "account required pam_facelatch.so",
        "auth",
        "auth [x",
        "authx a b",
        "",
    ] {
        assert_eq!(rule(line), None, "{line}");
    }
}

#[test]
fn a_machine_is_told_what_it_has() {
    let root = tempfile::tempdir().expect("temporary folder");
    let write = |path: &str, text: &str| test_files::write(root.path(), path, text);
    let first = |findings: &[Finding]| (findings[0].ok, findings[0].fix.clone().unwrap_or_default());
    assert!(first(&examine(root.path())).1.contains("install libpam-facelatch"));
    write("etc/pam.d/common-auth", DEBIAN);
    write("etc/pam.d/sshd", "@include common-auth\n");
    let findings = examine(root.path());
    assert!(findings.len() == 3 && findings[0].ok && findings[1].ok && !findings[2].ok, "{findings:?}");
    write(&format!("usr/lib/aarch64-linux-gnu/security/{MODULE}"), "");
    assert!(examine(root.path()).iter().all(|finding| finding.ok));
    write("etc/group", "root:x:0:\nsudo:x:27:ann\nfacelatchers:x:9:eve\nfacelatch:x:998:ann,bob,cem\n");
    let findings = examine(root.path());
    assert!(
        findings.iter().any(|f| f.word() == "note" && f.found.starts_with("bob, cem: in the group")),
        "{findings:?}"
    );
    write("etc/group", "sudo:x:27:ann\nfacelatch:x:998:ann\n");
    assert!(examine(root.path()).iter().all(|finding| finding.fix.is_none()));
    write("etc/group", "facelatch:x:998:bob\n");
    write("etc/pam.d/common-auth", "auth requisite pam_unix.so\n");
    let findings = examine(root.path());
    assert!(findings.len() == 1 && first(&findings).1.contains("--enable facelatch"), "{findings:?}");
}

#[test]
fn each_service_that_uses_the_module_is_named_with_its_answer() {
    let root = tempfile::tempdir().expect("temporary folder");
    let write = |path: &str, text: &str| test_files::write(root.path(), path, text);
    write(
        "etc/pam.d/common-auth",
        &DEBIAN.replace(MODULE, "pam_facelatch.so timeout=3 services=my-lock,sshd"),
    );
    for service in
        ["sudo", "sshd", "login", "lightdm", "my-lock", "dovecot", "other", "sudo.dpkg-old", "sshd~"]
    {
        write(&format!("etc/pam.d/{service}"), "@include common-auth\n");
    }
    write("etc/pam.d/swaylock", "auth include login\n");
    write("etc/pam.d/cron", "auth required pam_unix.so\naccount include common-auth\n");
    write("etc/pam.d/loop", "auth substack loop\n");
    write("usr/lib/pam.d/polkit-1", "auth sufficient pam_facelatch.so\n@include common-auth\n");
    write("usr/lib/pam.d/sudo", "auth required pam_deny.so\n");
    let found: Vec<String> = examine(root.path()).into_iter().map(|finding| finding.found).collect();
    let answer = |service: &str| {
        let start = format!("{service}: ");
        let texts: Vec<&str> = found.iter().filter_map(|text| text.strip_prefix(&start)).collect();
        texts.into_iter().filter(|text| !text.starts_with("the face first")).collect::<Vec<_>>().join("; ")
    };
    for service in ["sudo", "login", "swaylock", "my-lock", "lightdm", "polkit-1"] {
        assert!(answer(service).starts_with("asks"), "{service}: {found:?}");
    }
    assert!(answer("lightdm").contains("first login is by password"), "{found:?}");
    assert!(answer("swaylock").contains("after the lock"), "{found:?}");
    assert!(answer("sshd").contains("people elsewhere"), "{found:?}");
    assert!(answer("dovecot").contains("services=dovecot"), "{found:?}");
    assert!(answer("other").contains("pam_facelatch(8)"), "{found:?}");
    // What is only included is no service, nor is what does not use the module.
    for none in ["common-auth", "cron", "loop", "sudo.dpkg-old", "sshd~"] {
        assert_eq!(answer(none), "", "{found:?}");
    }
}

#[test]
fn a_line_goes_on_behind_a_backslash_and_what_never_ends_is_not_read() {
    let root = tempfile::tempdir().expect("temporary folder");
    let folder = root.path().join("etc/pam.d");
    fs::create_dir_all(&folder).expect("folder");
    fs::write(folder.join("sudo"), "auth sufficient \\\n  pam_facelatch.so\nauth required pam_unix.so\n")
        .expect("written");
    std::os::unix::fs::symlink("/dev/zero", folder.join("endless")).expect("linked");
    let found: Vec<String> = examine(root.path()).into_iter().map(|finding| finding.found).collect();
    assert!(found.iter().any(|text| text.starts_with("sudo: asks")), "{found:?}");
}

#[test]
fn a_stack_beside_the_password_needs_none() {
    const SHIPPED: &str = include_str!("../../../../pam/services/kde-fingerprint");
    assert!(stack("kde-fingerprint", SHIPPED).ok);
    assert!(stack("omarchy-lock-face", "auth sufficient pam_facelatch.so\nauth required pam_deny.so\n").ok);
    assert!(!stack("kde", SHIPPED).ok, "nothing else asks for the password there");
    for (text, why) in [
        ("auth [success=done default=ignore] pam_facelatch.so\nauth required pam_permit.so\n", "let in"),
        ("auth [success=1 default=ignore] pam_facelatch.so\nauth required pam_deny.so\n", "nowhere"),
    ] {
        let finding = stack("kde-face", text);
        assert!(!finding.ok && finding.found.contains(why), "{finding:?}");
        assert!(finding.fix.is_some_and(|fix| fix.contains("pam.d/kde-face")));
    }
}

#[test]
fn the_shipped_stacks_of_screen_locks_are_right() {
    for (name, text) in [
        ("kde-face", include_str!("../../../../pam/services/kde-face")),
        ("omarchy-lock-face", include_str!("../../../../pam/services/omarchy-lock-face")),
        ("hyprlock", include_str!("../../../../pam/services/hyprlock")),
        ("swaylock", include_str!("../../../../pam/services/swaylock")),
    ] {
        let finding = stack(name, text);
        assert!(finding.ok && finding.fix.is_none(), "{finding:?}");
    }
}
