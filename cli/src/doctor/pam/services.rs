//! Which services reach the module, by their own file or by one that it includes, and whether they ask for the face.

use std::collections::BTreeSet;

use facelatch_wire::services::{Answer, Place, added, answer};

use super::{Finding, MODULE, Stacks, rules};

/// Files within files that are followed, as far as libpam does.
const MAX_DEPTH: usize = 16;

/// What services without a file of their own get.
const OTHER: &str = "other";

/// One finding a service that reaches the module.
pub(super) fn answers(stacks: &Stacks) -> Vec<Finding> {
    let all = stacks.values().flat_map(|text| rules(text));
    let parts: BTreeSet<String> = all.filter_map(|rule| rule.included().map(str::to_owned)).collect();
    // `login` is a service, and included by others here and there.
    let is_service = |name: &str| !parts.contains(name) || matches!(answer(name, &[]), Answer::Asks(_));
    let services = stacks.keys().filter(|name| is_service(name));
    let reaching = services.filter_map(|name| Some((name, options(stacks, name, MAX_DEPTH)?)));
    reaching.map(|(name, options)| finding(name, &options)).collect()
}

/// The options of the module in a service's stack, if it is there.
fn options<'a>(stacks: &'a Stacks, name: &str, depth: usize) -> Option<Vec<&'a str>> {
    let depth = depth.checked_sub(1)?;
    rules(stacks.get(name)?).into_iter().find_map(|rule| match rule.included() {
        Some(file) => options(stacks, file, depth),
        None => rule.is_ours().then_some(rule.options),
    })
}

fn finding(name: &str, options: &[&str]) -> Finding {
    let added: Vec<&str> = options.iter().filter_map(|option| added(option)).flatten().collect();
    let says = match answer(name, &added) {
        Answer::Asks(Place::Terminal | Place::Screen) => {
            "asks, in the active session at a seat of this machine".to_owned()
        }
        Answer::Asks(Place::Lock) => {
            "asks, in the active session at a seat of this machine, some seconds after the lock".to_owned()
        }
        Answer::Asks(Place::ScreenBeside | Place::LockBeside) => {
            "asks beside the password, in the active session at a seat of this machine".to_owned()
        }
        Answer::Asks(Place::Console) => {
            "asks, on a virtual console and in the active session at a seat".to_owned()
        }
        Answer::Asks(Place::Greeter) if options.contains(&"first-login=face") => {
            "asks, at the login screen of this machine; the keyring stays closed".to_owned()
        }
        Answer::Asks(Place::Greeter) => {
            "asks, at the login screen of this machine, those who are logged in; the first login is by password".to_owned()
        }
        Answer::Remote => "does not ask: it serves people elsewhere".to_owned(),
        Answer::Unlisted if name == OTHER => {
            "services without a file of their own ask if pam_facelatch(8) lists them".to_owned()
        }
        Answer::Unlisted => format!(
            "does not ask: not known to serve people at this machine (if it does, write services={name} after {MODULE})"
        ),
    };
    Finding::good("pam", format!("{name}: {says}"))
}
