//! Which logins ask for the face, and whether the password still works when they do: /etc/pam.d as text.

mod services;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use facelatch_wire::services::{Answer, answer};

use super::Finding;

/// Text of each file, by its name: what PAM calls a service, or what such files include.
type Stacks = BTreeMap<String, String>;

/// Where they are. A file in the first hides its namesake in the second, which belongs to packages.
const FOLDERS: [&str; 2] = ["etc/pam.d", "usr/lib/pam.d"];

/// What Debian's logins include.
const COMMON: &str = "common-auth";

/// The module's file.
const MODULE: &str = "pam_facelatch.so";

/// Its line where a file is written by hand.
pub(crate) const LINE: &str = "auth sufficient pam_facelatch.so";

/// Where that line belongs: what stands further up (pam_faillock, pam_wheel, a key) must hold for a face, too.
pub(crate) const PLACE: &str =
    "directly above the line that asks for the password (pam_unix, or the include or substack with it)";

/// One finding a file that names the module and one a service that uses it, or one that says that no login does.
pub(super) fn examine(root: &Path) -> Vec<Finding> {
    let stacks = stacks(root);
    let asking: Vec<_> = stacks.iter().filter(|(_, text)| has_face(text)).collect();
    // A line may name it by its whole path.
    let named =
        |text: &str| rules(text).iter().any(|rule| rule.is_ours() && Path::new(rule.module).is_file());
    let installed = is_installed(root) || asking.iter().any(|(_, text)| named(text));
    if asking.is_empty() {
        let fix = if installed {
            "`sudo pam-auth-update --enable facelatch`, if logins should"
        } else {
            "install libpam-facelatch, if logins should"
        };
        return vec![Finding::note("pam", "no login asks for the face", fix)];
    }
    let mut findings: Vec<Finding> = asking.iter().map(|(name, text)| stack(name, text)).collect();
    findings.extend(services::answers(&stacks));
    if !installed {
        let fix = "`sudo pam-auth-update --disable facelatch`, or install the package again from the file it came from \
                   (`sudo apt install --reinstall libpam-facelatch`)";
        findings.push(Finding::bad("pam", format!("{MODULE} is asked for and is not installed"), fix));
    }
    findings.extend(managers(root));
    findings
}

/// Whether any service asks for the face.
pub(crate) fn asks(root: &Path) -> bool {
    stacks(root).values().any(|text| has_face(text))
}

/// Whether logins in general do: what they all include; where there is no such file, any of them.
pub(crate) fn logins_ask(root: &Path) -> bool {
    let stacks = stacks(root);
    stacks.get(COMMON).map_or_else(|| stacks.values().any(|text| has_face(text)), |text| has_face(text))
}

/// Files below `root` to write a line into by hand, for services that would ask for the face and do not; those that lie with their
/// package go by the name of a copy that hides them.
pub(crate) fn by_hand(root: &Path) -> Vec<String> {
    let asks = |name: &str| matches!(answer(name, &[]), Answer::Asks(place) if !place.is_beside_password());
    let stacks = stacks(root).into_iter().filter(|(name, text)| asks(name) && !has_face(text));
    stacks
        .map(|(name, _)| match FOLDERS.map(|folder| root.join(folder).join(&name).is_file()) {
            [true, _] => format!("/{}/{name}", FOLDERS[0]),
            _ => format!("/{}/{name}, a copy of /{}/{name}", FOLDERS[0], FOLDERS[1]),
        })
        .collect()
}

fn has_face(text: &str) -> bool {
    rules(text).iter().any(Rule::is_ours)
}

/// What is wrong with logins that ask for the face, a sentence each.
pub(crate) fn faults(root: &Path) -> Vec<String> {
    examine(root).into_iter().filter(|finding| !finding.ok).map(|finding| finding.found).collect()
}

/// Whether the module is where libpam looks for it.
pub(crate) fn is_installed(root: &Path) -> bool {
    modules(root).iter().any(|folder| folder.join(MODULE).is_file())
}

fn stacks(root: &Path) -> Stacks {
    let mut stacks = Stacks::new();
    for folder in FOLDERS.iter().rev() {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // What editors and package managers keep beside a file is no service. A pipe or device may never end.
            if !name.contains(['.', '~'])
                && entry.path().is_file()
                && let Ok(text) = fs::read_to_string(entry.path())
            {
                // A line that ends with a backslash goes on in the next.
                stacks.insert(name, text.replace("\\\n", " "));
            }
        }
    }
    stacks
}

/// Who is as good as root where a login asks for the face, and is not root's equal already.
fn managers(root: &Path) -> Option<Finding> {
    let groups = fs::read_to_string(root.join("etc/group")).ok()?;
    let members = |group: &str| -> Vec<&str> {
        let line = groups.lines().find_map(|line| line.strip_prefix(group)?.strip_prefix(':'));
        let names = line.and_then(|rest| rest.rsplit(':').next()).unwrap_or_default();
        names.split(',').filter(|name| !name.is_empty()).collect()
    };
    let mut new = members("facelatch");
    new.retain(|name| *name != "root" && !members("sudo").contains(name));
    let names = new.join(", ");
    let found =
        format!("{names}: in the group facelatch, and so able to enrol a face as root's and log in as root");
    let fix = "`sudo deluser NAME facelatch` for whoever is not to be root";
    (!new.is_empty()).then(|| Finding::note("pam", found, fix))
}

fn stack(name: &str, text: &str) -> Finding {
    let beside = matches!(answer(name, &[]), Answer::Asks(place) if place.is_beside_password());
    match if beside { fault_beside(text) } else { fault(text) } {
        None if beside => Finding::good("pam", format!("{name}: the face alone, beside the password")),
        Some(why) if beside => {
            let fix = format!("`sudo install -m644 /usr/share/facelatch/pam.d/{name} /etc/pam.d/`");
            Finding::bad("pam", format!("{name}: {why}"), fix)
        }
        None => Finding::good("pam", format!("{name}: the face first, then the password")),
        Some(why) => {
            let fix = format!(
                "keep a root shell open; take the line out and run `sudo pam-auth-update --enable facelatch`, \
                 or, where that is not, write `{LINE}` {PLACE}"
            );
            Finding::bad("pam", format!("{name}: {why}"), fix)
        }
    }
}

/// Folders that libpam loads modules from.
fn modules(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for library in ["lib", "usr/lib", "lib64", "usr/lib64"].map(|folder| root.join(folder)) {
        folders.push(library.join("security"));
        // One a machine type: usr/lib/aarch64-linux-gnu/security.
        let types = fs::read_dir(&library).into_iter().flatten().flatten();
        folders.extend(types.map(|entry| entry.path().join("security")));
    }
    folders
}

/// One `auth` line, or an `@include` in its place.
#[derive(Debug, PartialEq, Eq)]
struct Rule<'a> {
    control: &'a str,
    /// The module, or the file that is included.
    module: &'a str,
    options: Vec<&'a str>,
}

impl Rule<'_> {
    fn is(&self, module: &str) -> bool {
        self.module.rsplit('/').next() == Some(module)
    }

    /// Whether it asks for the face. The module behind the password only tells the daemon of it.
    fn is_ours(&self) -> bool {
        self.is(MODULE) && !self.options.contains(&"after-password")
    }

    /// The file whose rules stand here.
    fn included(&self) -> Option<&str> {
        matches!(self.control, "include" | "substack").then_some(self.module)
    }

    /// What it does when the module ends with `code`: one of pam.conf(5)'s actions.
    fn action(&self, code: &str) -> &str {
        let Some(pairs) = self.control.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return match (self.control, code) {
                ("sufficient", "success") => "done",
                ("required" | "requisite", "success") => "ok",
                ("required" | "requisite", _) => "bad",
                _ => "ignore",
            };
        };
        let value = |wanted: &str| {
            pairs.split_whitespace().find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == wanted))
        };
        // What is not named fails (pam.conf(5)).
        value(code).or_else(|| value("default")).map_or("bad", |(_, action)| action)
    }
}

/// The lines that matter for who gets in.
fn rules(text: &str) -> Vec<Rule<'_>> {
    text.lines().filter_map(rule).collect()
}

fn rule(line: &str) -> Option<Rule<'_>> {
    let line = line.split('#').next().unwrap_or_default().trim();
    if let Some(file) = line.strip_prefix("@include") {
        return Some(Rule { control: "include", module: file.trim(), options: Vec::new() });
    }
    let rest = line.trim_start_matches('-').strip_prefix("auth")?;
    let rest = rest.strip_prefix(char::is_whitespace)?.trim_start();
    let end = if rest.starts_with('[') { rest.find(']')? + 1 } else { rest.find(char::is_whitespace)? };
    let (control, module) = rest.split_at(end);
    let mut words = module.split_whitespace();
    Some(Rule { control, module: words.next()?, options: words.collect() })
}

/// What is wrong with a stack that asks for the face.
fn fault(text: &str) -> Option<String> {
    let rules = rules(text);
    let at = rules.iter().position(Rule::is_ours)?;
    let (ours, after) = (&rules[at], &rules[at + 1..]);
    if ["auth_err", "authinfo_unavail"].iter().any(|code| matches!(ours.action(code), "bad" | "die")) {
        return Some(format!("whoever the camera does not know is locked out (`{}`)", ours.control));
    }
    let asks_nothing =
        |rule: &Rule<'_>| ["pam_deny.so", "pam_permit.so", MODULE].iter().any(|name| rule.is(name));
    if after.iter().all(asks_nothing) {
        return Some("nothing after the face asks for the password".to_owned());
    }
    unmatched(ours, after)
}

/// What is wrong with a stack that asks for the face and for no password, since another stack does.
fn fault_beside(text: &str) -> Option<String> {
    let rules = rules(text);
    let at = rules.iter().position(Rule::is_ours)?;
    let (ours, after) = (&rules[at], &rules[at + 1..]);
    let ends = |rule: &&Rule<'_>| rule.is("pam_permit.so") || rule.is("pam_deny.so");
    if after.iter().find(ends).is_some_and(|rule| rule.is("pam_permit.so")) {
        return Some("whoever comes is let in (pam_permit.so)".to_owned());
    }
    unmatched(ours, after)
}

/// Why a match lets nobody in, if so.
fn unmatched(ours: &Rule<'_>, after: &[Rule<'_>]) -> Option<String> {
    match ours.action("success") {
        "done" | "ok" => None,
        number => match number.parse::<usize>() {
            Ok(skipped) if after.get(skipped).is_some_and(|rule| !rule.is("pam_deny.so")) => None,
            Ok(_) => Some(format!("a match lets nobody in: success={number} leads nowhere")),
            Err(_) => Some(format!("a match lets nobody in (`{}`)", ours.control)),
        },
    }
}

#[cfg(test)]
mod tests;
