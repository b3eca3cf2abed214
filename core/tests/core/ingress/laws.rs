//! Laws that hold for every group, whatever its members ask for.

use std::collections::BTreeSet;

use elbow_core::build::{Built, stack_text};
use elbow_core::intent::{Intent, Wish, read};
use elbow_core::key::StackKey;
use elbow_core::settings::Settings;
use elbow_crds::annotation::ingress::{TABLE, Variant};
use elbow_crds::problem::Problem;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use super::manifest::{Class, Short, shelf};
use crate::service::world::World;

/// Values that make sense for some annotation, and some that do for none.
const VALUES: [&str; 24] = [
    "",
    "true",
    "false",
    "ip",
    "internal",
    "internet-facing",
    "dualstack",
    "80",
    "443",
    "-5",
    "a=b",
    "a=c",
    "sg-a",
    "alpha",
    "subnet-1,subnet-2",
    "one",
    "10.1.0.0/8",
    "2001:db8::/32",
    "arn:aws:acm:r:1:certificate/A",
    "arn:aws:acm:r:1:certificate/B,arn:aws:acm:r:1:certificate/A",
    r#"[{"HTTP":80}]"#,
    r#"[{"HTTP":80},{"HTTPS":443}]"#,
    r#"[{"HTTPS":80}]"#,
    "[{}]",
];

fn suffix() -> impl Strategy<Value = String> {
    select(TABLE.to_vec()).prop_map(|row| match row.variant {
        Variant::None => row.suffix.to_owned(),
        Variant::Port | Variant::Listener => format!("{}.HTTP-80", row.suffix),
        Variant::Name => format!("{}.echo-svc", row.suffix),
        Variant::NamePort => format!("{}.echo-svc.80", row.suffix),
    })
}

fn member(index: usize) -> impl Strategy<Value = Short> {
    let annotations = prop::collection::btree_map(suffix(), select(VALUES.to_vec()), 0..4);
    let paths = prop::collection::vec(
        select(vec![
            "a.com Prefix / echo-svc:80",
            "b.com Exact /x echo-svc:http",
            "- IS /* echo-svc:80",
            "- Exact /* echo-svc:80",
        ]),
        0..3,
    );
    (annotations, paths, any::<bool>()).prop_map(move |(annotations, paths, default)| {
        let mut short = Short {
            name: format!("default/m{index}"),
            paths: paths.into_iter().map(str::to_owned).collect(),
            default_backend: default.then(|| "echo-svc:80".to_owned()),
            ..Short::default()
        };
        short.annotations = annotations
            .into_iter()
            .map(|(key, value)| (key, value.to_owned()))
            .collect();
        short.annotations.insert("group.name".to_owned(), "g".to_owned());
        short
    })
}

fn members() -> impl Strategy<Value = Vec<Short>> {
    (member(0), member(1), member(2), member(3)).prop_map(|(a, b, c, d)| vec![a, b, c, d])
}

fn run(members: &[Short]) -> (Intent, Built) {
    let settings = Settings::new("my-cluster", "us-west-2", "vpc-xxx");
    let objects = shelf(members, &[Class::default()]);
    let intent = read(&StackKey::ingress_group("g"), &objects, &settings);
    let built = World::baseline().build(&intent, &settings);
    (intent, built)
}

fn bytes(built: &Built) -> String {
    match built {
        Built::Stack(stack, problems) => format!("{} {problems:?}", stack_text(stack)),
        other => format!("{other:?}"),
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 400,
        rng_seed: RngSeed::Fixed(11),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_order_of_the_input_does_not_matter(members in members()) {
        let mut reversed = members.clone();
        reversed.reverse();
        prop_assert_eq!(bytes(&run(&members).1), bytes(&run(&reversed).1));
    }

    #[test]
    fn a_sick_member_leaves_the_stack_as_it_would_be_without_it(members in members()) {
        let (intent, built) = run(&members);
        let Wish::Ingress(wish) = &intent.wish else { return Ok(()); };
        // A redirect to a listener of the sick member waits for it.
        let waits = |problem: &Problem| !problem.is_fault() && problem.field.ends_with("/ssl-redirect");
        prop_assume!(!intent.problems.iter().any(waits));
        let contributing: BTreeSet<&str> = wish.members.iter().map(|object| object.name.as_str()).collect();
        let named = |short: &&Short| contributing.contains(short.name.rsplit('/').next().unwrap());
        let healthy: Vec<Short> = members.iter().filter(named).cloned().collect();
        prop_assert_eq!(wish.members.len() + wish.sick.len(), members.len());
        let (alone, alone_built) = run(&healthy);
        let Wish::Ingress(alone) = &alone.wish else {
            return Err(TestCaseError::fail("nobody is left"));
        };
        prop_assert_eq!(&alone.members, &wish.members);
        prop_assert!(alone.sick.is_empty());
        if let (Built::Stack(stack, _), Built::Stack(alone, _)) = (built, alone_built) {
            prop_assert_eq!(stack, alone);
        }
    }

    #[test]
    fn every_sick_member_has_a_fault_and_no_other_has(members in members()) {
        let (intent, _) = run(&members);
        let Wish::Ingress(wish) = &intent.wish else { return Ok(()); };
        let at_fault: BTreeSet<_> = intent
            .problems
            .iter()
            .filter(|problem| problem.is_fault())
            .map(|problem| problem.object.clone())
            .collect();
        prop_assert_eq!(&at_fault, &wish.sick);
    }
}
