//! A store is what a map would be, whatever is done to it and whenever the power goes.

use proptest::prelude::*;

use super::crash_tests::{Model, Op, PEOPLE, Site, held, keys};
use super::*;

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let name = || prop::sample::select(PEOPLE.to_vec());
    let op = prop_oneof![
        4 => (name(), 1_usize..4).prop_map(|(name, count)| Op::Add(name, vec![0; count])),
        2 => name().prop_map(Op::Remove),
        2 => (name(), 0_u32..30).prop_map(|(name, n)| Op::RemoveOne(name, n)),
        3 => (prop::option::of(name()), 1_u32..60).prop_map(|(name, n)| Op::Misses(name, n)),
        2 => (name(), 0_u16..1440).prop_map(|(name, minutes)| Op::Rule(name, minutes)),
        1 => any::<bool>().prop_map(Op::Face),
        1 => Just(Op::Renew),
        2 => Just(Op::Reopen),
    ];
    prop::collection::vec(op, 0..25).prop_map(|mut ops| {
        let mut next = 0;
        for op in &mut ops {
            if let Op::Add(_, numbers) = op {
                numbers.iter_mut().for_each(|n| (next, *n) = (next + 1, next));
            }
        }
        ops
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_store_is_what_a_map_would_be(ops in ops(), power: prop::sample::Index, seed: u64) {
        let (_folder, keys) = keys();
        let mut site = Site::new(&keys);
        let mut state = site.open().expect("opens");
        let mut model = Model::default();
        let cut = power.index(ops.len() + 1);
        for (at, op) in ops.iter().enumerate() {
            if at == cut {
                drop(state);
                site = site.rebooted(seed);
                state = site.open().expect("opens");
            }
            op.run(&mut state).expect("nothing is wrong");
            op.model(&mut model);
            if matches!(op, Op::Reopen) {
                drop(state);
                state = site.open().expect("opens");
            }
            prop_assert_eq!(&held(&state, &PEOPLE), &model);
            prop_assert_eq!(state.findings.condition, Condition::Whole);
        }
    }
}
