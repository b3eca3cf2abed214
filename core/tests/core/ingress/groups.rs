//! Groups beyond the table: finalizers, members that are left out, events.

use std::collections::BTreeSet;

use elbow_core::build::Built;
use elbow_core::intent::ingress::{Resolution, finalizer, finalizer_groups, resolve};
use elbow_core::intent::{Wish, read, read_without};
use elbow_core::key::StackKey;
use elbow_core::model::{Action, Stack};
use elbow_core::plan::render_text;
use elbow_core::settings::Settings;
use elbow_core::status;
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};
use serde_json::json;

use super::manifest::{Class, Short, ingress, shelf};
use super::vectors::group;
use crate::plan_world;
use crate::service::world::World;

fn settings() -> Settings {
    Settings::new("my-cluster", "us-west-2", "vpc-xxx")
}

fn member(name: &str, annotations: &[(&str, &str)]) -> Short {
    let mut short: Short = serde_json::from_value(json!({"name": name})).unwrap();
    let own = [("group.name", "g")];
    short.annotations = own
        .iter()
        .chain(annotations)
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    short
}

fn object(name: &str) -> ObjectRef {
    ObjectRef::new("Ingress", "default", name)
}

#[test]
fn finalizers_name_the_groups_an_ingress_belonged_to() {
    let short: Short = serde_json::from_value(json!({
        "finalizers": ["ingress.k8s.aws/resources", "group.ingress.k8s.aws/a.b", "foregroundDeletion"],
    }))
    .unwrap();
    let groups = finalizer_groups(&ingress(&short));
    let expected = BTreeSet::from([group("default/echo-server"), group("a.b")]);
    assert_eq!(groups, expected);
    let finalizers: BTreeSet<String> = expected.iter().map(finalizer).collect();
    assert_eq!(
        finalizers.into_iter().collect::<Vec<_>>(),
        ["group.ingress.k8s.aws/a.b", "ingress.k8s.aws/resources"]
    );
}

#[test]
fn a_member_the_build_finds_at_fault_is_left_out_and_the_others_go_on() {
    let good = member("default/x", &[]);
    let bad = member("default/y", &[("security-groups", "sg-none")]);
    let objects = shelf(&[good.clone(), bad], &[Class::default()]);
    let key = StackKey::ingress_group("g");
    let intent = read(&key, &objects, &settings());
    let Built::Sick(problems) = World::baseline().build(&intent, &settings()) else {
        panic!("the group is not sick");
    };
    assert_eq!(problems[0].object, object("y"));
    let without = read_without(&key, &objects, &settings(), &problems);
    let Wish::Ingress(wish) = &without.wish else {
        panic!("nothing is left: {:?}", without.wish);
    };
    assert_eq!(wish.sick, BTreeSet::from([object("y")]));
    let built = World::baseline().build(&without, &settings());
    let alone = read(&key, &shelf(&[good], &[Class::default()]), &settings());
    let (Built::Stack(stack, reported), Built::Stack(expected, _)) =
        (built, World::baseline().build(&alone, &settings()))
    else {
        panic!("there is no stack");
    };
    assert_eq!(stack, expected);
    assert_eq!(reported, problems);
}

/// The stack of a group, with those at fault.
fn stack_of(members: &[Short]) -> (Stack, BTreeSet<ObjectRef>) {
    let objects = shelf(members, &[Class::default()]);
    let intent = read(&StackKey::ingress_group("g"), &objects, &settings());
    let Wish::Ingress(wish) = &intent.wish else {
        panic!("nobody contributes: {:?}", intent.problems);
    };
    match World::baseline().build(&intent, &settings()) {
        Built::Stack(stack, _) => (*stack, wish.sick.clone()),
        other => panic!("there is no stack: {other:?}"),
    }
}

#[test]
fn http_listeners_stay_as_they_are_while_the_listener_they_redirect_to_is_that_of_a_member_at_fault() {
    let serves = member("default/x", &[]);
    let redirects = member("default/x", &[("ssl-redirect", "443")]);
    let certificate = (
        "certificate-arn",
        "arn:aws:acm:us-west-2:111122223333:certificate/a",
    );
    let secure = member("default/y", &[certificate]);
    let bad = member("default/y", &[certificate, ("group.order", "1001")]);
    let (held, sick) = stack_of(&[redirects.clone(), bad]);
    assert_eq!(sick, BTreeSet::from([object("y")]));
    for before in [serves, redirects.clone()] {
        let (rest, nobody) = stack_of(&[before, secure.clone()]);
        assert!(nobody.is_empty());
        let mut world = plan_world::World::new();
        world.actual = Stack::empty(&rest.key);
        world.owner.object = object("x");
        world.run_to_rest(&rest);
        world.sick.clone_from(&sick);
        let plan = world.plan(&held);
        assert!(plan.is_empty(), "{}", render_text(&plan));
        world.sick.clear();
        let (mended, _) = stack_of(&[redirects.clone(), secure.clone()]);
        world.run_to_rest(&mended);
        let of_http = world.actual.listeners.iter().find(|listener| listener.port == 80);
        assert!(matches!(
            of_http.unwrap().default_actions.as_slice(),
            [Action::Redirect(redirect)] if redirect.port.as_deref() == Some("443")
        ));
    }
}

#[test]
fn problems_of_others_leave_nobody_out() {
    let objects = shelf(&[member("default/x", &[])], &[Class::default()]);
    let key = StackKey::ingress_group("g");
    let stranger = Problem::fault(&object("z"), "", ProblemCode::Refused, "no");
    let warning = Problem::warning(&object("x"), "", ProblemCode::Limit, "many");
    let without = read_without(&key, &objects, &settings(), &[stranger, warning]);
    assert_eq!(without, read(&key, &objects, &settings()));
}

#[test]
fn resources_name_the_members_that_asked() {
    let members = [
        member(
            "default/x",
            &[("tags", "a=1"), ("listen-ports", r#"[{"HTTP":80}]"#)],
        ),
        member("default/y", &[("listen-ports", r#"[{"HTTP":81}]"#)]),
    ];
    let objects = shelf(&members, &[Class::default()]);
    let intent = read(&StackKey::ingress_group("g"), &objects, &settings());
    let Built::Stack(stack, _) = World::baseline().build(&intent, &settings()) else {
        panic!("there is no stack");
    };
    let names = |origins: &elbow_core::model::Origins| -> Vec<String> {
        let names: BTreeSet<String> = origins.iter().map(|origin| origin.object.name.clone()).collect();
        names.into_iter().collect()
    };
    assert_eq!(names(&stack.load_balancers[0].origins), ["x", "y"]);
    assert_eq!(names(&stack.listeners[0].origins), ["x"]);
    assert_eq!(names(&stack.listeners[1].origins), ["y"]);
    assert_eq!(names(&stack.rules[0].origins), ["x"]);
    assert_eq!(names(&stack.target_groups[1].origins), ["y"]);
}

#[test]
fn an_unclear_group_is_told_with_upstreams_words() {
    let short = member("default/x", &[]);
    let objects = shelf(&[], &[]);
    let Resolution::InvalidClass(problem) = resolve(&ingress(&short), &objects, &settings()) else {
        panic!("the class is there");
    };
    let event = status::group_unclear("uid-x", &problem);
    assert_eq!(event.reason, "FailedLoadGroupID");
    assert_eq!(
        event.message,
        "failed load groupID due to spec.ingressClassName: the IngressClass 'alb' does not exist; create it or \
         name another one"
    );
}

#[test]
fn faults_of_the_whole_group_are_told_to_every_member_and_others_to_their_own() {
    let leaving: Short = serde_json::from_value(json!({
        "name": "default/z", "deleting": true, "finalizers": ["group.ingress.k8s.aws/g"],
    }))
    .unwrap();
    let members = [member("default/x", &[]), member("default/y", &[]), leaving];
    let objects = shelf(&members, &[Class::default()]);
    let intent = read(&StackKey::ingress_group("g"), &objects, &settings());
    let told = |problem: Problem| -> Vec<(String, String)> {
        status::build_failed_for(&intent.owners, &intent.owner, &[problem])
            .into_iter()
            .map(|event| (event.object.name, event.uid))
            .collect()
    };
    let pair = |name: &str| (name.to_owned(), format!("uid-{name}"));
    let whole = Problem::fault(&intent.owner, "", ProblemCode::NotFound, "no");
    assert_eq!(told(whole), [pair("x"), pair("y")]);
    let own = Problem::fault(&object("y"), "f", ProblemCode::NotFound, "no");
    assert_eq!(told(own), [pair("y")]);
}
