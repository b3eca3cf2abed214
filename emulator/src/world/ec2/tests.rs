#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use jiff::{SignedDuration, Timestamp};

use super::{Ec2, Peer, Rule, SecurityGroup, Tags};
use crate::{
    seed::Seed,
    world::{Ids, Quotas, World},
};

const LB: &str = "arn:aws:elasticloadbalancing:us-west-2:000000000000:loadbalancer/net/one/0";

fn world() -> World {
    Seed::default().world().clone()
}

fn subnets(ec2: &Ec2, count: usize) -> Vec<String> {
    ec2.subnets.keys().take(count).cloned().collect()
}

fn create(world: &mut World, name: &str) -> String {
    let vpc_id = world.ec2.vpcs.keys().next().unwrap().clone();
    let wanted = SecurityGroup {
        id: String::new(),
        name: name.into(),
        description: name.into(),
        vpc_id,
        ingress: std::collections::BTreeMap::new(),
        egress: std::collections::BTreeMap::new(),
        tags: Tags::new(),
        created_at: Some(Timestamp::UNIX_EPOCH),
    };
    world
        .ec2
        .create_security_group(&mut world.ids, &world.quotas, wanted)
        .unwrap()
        .id
        .clone()
}

fn from(peer: Peer) -> Rule {
    Rule {
        protocol: "tcp".into(),
        ports: Some((80, 80)),
        peer,
    }
}

fn range(text: &str) -> Peer {
    Peer::Ipv4(text.parse().unwrap())
}

fn authorize(world: &mut World, group: &str, rules: &[Rule]) -> Result<(), &'static str> {
    let rules = rules.iter().map(|rule| (rule.clone(), None)).collect();
    let done = world
        .ec2
        .authorize_ingress(&mut world.ids, &world.quotas, group, rules, &Tags::new());
    done.map(|_| ()).map_err(|error| error.code)
}

#[test]
fn a_load_balancer_gets_one_interface_per_subnet_with_an_address_of_its_own() {
    let mut world = world();
    let (subnets, groups) = (subnets(&world.ec2, 2), vec!["sg-a".to_owned()]);
    let free = world.ec2.free_addresses(&world.ec2.subnets[&subnets[0]]);
    let made = world
        .ec2
        .attach_interfaces(&mut world.ids, LB, "ELB net/one/0", &subnets, &groups)
        .unwrap();
    assert_eq!(made.len(), 2);
    let again = world
        .ec2
        .attach_interfaces(&mut world.ids, LB, "ELB net/one/0", &subnets, &groups)
        .unwrap();
    assert!(again.is_empty());
    for interface in world.ec2.live_interfaces(LB) {
        assert!(
            world.ec2.subnets[&interface.subnet_id]
                .cidr
                .contains(&interface.address)
        );
        assert!(interface.groups.contains("sg-a"));
    }
    assert_eq!(
        world.ec2.free_addresses(&world.ec2.subnets[&subnets[0]]),
        free - 1
    );
    let other = world
        .ec2
        .attach_interfaces(&mut world.ids, "arn:other", "", &subnets[..1], &[])
        .unwrap();
    let address = |id: &String| world.ec2.interfaces[id].address;
    assert_ne!(address(&other[0]), address(&made[0]));
}

#[test]
fn an_unknown_subnet_attaches_nothing() {
    let mut world = world();
    let mut wanted = subnets(&world.ec2, 1);
    wanted.push("subnet-none".into());
    let error = world
        .ec2
        .attach_interfaces(&mut world.ids, LB, "", &wanted, &[])
        .unwrap_err();
    assert_eq!(error.code, "InvalidSubnetID.NotFound");
    assert_eq!(world.ec2.interfaces.len(), 0);
}

#[test]
fn a_chosen_address_must_be_free_and_inside_the_subnet() {
    let mut world = world();
    let subnet = subnets(&world.ec2, 1)[0].clone();
    let mut attach = |address: &str| {
        let address = address.parse().unwrap();
        world
            .ec2
            .attach_interface_at(&mut world.ids, LB, "", &subnet, address, &[])
            .map_err(|error| error.code)
    };
    assert!(attach("10.0.0.20").is_ok());
    assert_eq!(attach("10.0.0.20"), Err("InvalidIPAddress.InUse"));
    assert_eq!(attach("10.9.0.20"), Err("InvalidParameterValue"));
}

#[test]
fn interfaces_linger_after_a_deletion_and_keep_their_groups_from_being_deleted() {
    let mut world = world();
    let group = create(&mut world, "front");
    let subnets = subnets(&world.ec2, 3);
    world
        .ec2
        .attach_interfaces(&mut world.ids, LB, "", &subnets, std::slice::from_ref(&group))
        .unwrap();
    let until = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(45);
    world.ec2.detach_interfaces_after(LB, until);
    assert_eq!(world.ec2.live_interfaces(LB).count(), 0);
    world.ec2.advance(until - SignedDuration::from_secs(1));
    assert_eq!(
        world.ec2.delete_security_group(&group).unwrap_err().code,
        "DependencyViolation"
    );
    world.ec2.advance(until);
    assert!(world.ec2.interfaces.is_empty());
    world.ec2.delete_security_group(&group).unwrap();
}

#[test]
fn a_load_balancer_that_leaves_a_subnet_gives_its_interface_back_later() {
    let mut world = world();
    let subnets = subnets(&world.ec2, 3);
    world
        .ec2
        .attach_interfaces(&mut world.ids, LB, "", &subnets, &[])
        .unwrap();
    let until = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(45);
    world.ec2.keep_interfaces_in(LB, &subnets[..1], until);
    assert_eq!(
        world
            .ec2
            .live_interfaces(LB)
            .map(|i| &i.subnet_id)
            .collect::<Vec<_>>(),
        [&subnets[0]]
    );
    world.ec2.set_interface_groups(LB, &["sg-b".into()]);
    assert_eq!(
        world
            .ec2
            .interfaces
            .values()
            .filter(|i| i.groups.contains("sg-b"))
            .count(),
        1
    );
    world.ec2.advance(until);
    assert_eq!(world.ec2.interfaces.len(), 1);
}

#[test]
fn a_refused_authorization_adds_nothing() {
    let mut world = world();
    let group = create(&mut world, "front");
    authorize(&mut world, &group, &[from(range("192.0.2.0/24"))]).unwrap();
    let before = world.ec2.security_groups[&group].ingress.clone();
    let fresh = from(range("198.51.100.0/24"));
    for (rules, code) in [
        (
            vec![fresh.clone(), from(range("192.0.2.0/24"))],
            "InvalidPermission.Duplicate",
        ),
        (vec![fresh.clone(), fresh.clone()], "InvalidParameterValue"),
        (
            vec![fresh.clone(), from(Peer::Group("sg-none".into()))],
            "InvalidGroup.NotFound",
        ),
        (
            vec![fresh.clone(), from(Peer::PrefixList("pl-none".into()))],
            "InvalidPrefixListID.NotFound",
        ),
    ] {
        assert_eq!(authorize(&mut world, &group, &rules), Err(code));
        assert_eq!(world.ec2.security_groups[&group].ingress, before);
    }
}

#[test]
fn families_are_counted_apart_and_groups_and_prefix_lists_cost_what_aws_says() {
    let quotas = Quotas {
        rules_per_security_group: 2,
        ..Quotas::default()
    };
    let fits = |peers: &[Peer]| {
        let mut world = World {
            quotas: quotas.clone(),
            ids: Ids::default(),
            ..world()
        };
        let (group, other) = (create(&mut world, "front"), create(&mut world, "other"));
        world.ec2.prefix_lists.insert("pl-two".into(), 2);
        let own = |peer: &Peer| match peer {
            Peer::Group(_) => from(Peer::Group(other.clone())),
            peer => from(peer.clone()),
        };
        let rules: Vec<Rule> = peers.iter().map(own).collect();
        authorize(&mut world, &group, &rules) != Err("RulesPerSecurityGroupLimitExceeded")
    };
    let (a, b, c) = (range("10.0.0.0/8"), range("11.0.0.0/8"), range("12.0.0.0/8"));
    let v6 = |text: &str| Peer::Ipv6(text.parse().unwrap());
    assert!(fits(&[
        a.clone(),
        b.clone(),
        v6("2001:db8::/32"),
        v6("2001:db9::/32")
    ]));
    assert!(!fits(&[a.clone(), b.clone(), c]));
    assert!(fits(&[
        a.clone(),
        Peer::Group("other".into()),
        v6("2001:db8::/32")
    ]));
    assert!(!fits(&[a.clone(), b, Peer::Group("other".into())]));
    assert!(fits(&[Peer::PrefixList("pl-two".into())]));
    assert!(!fits(&[a, Peer::PrefixList("pl-two".into())]));
}

#[test]
fn revoking_a_rule_that_is_not_there_fails_whole_or_is_reported_as_the_seed_says() {
    let mut world = world();
    let group = create(&mut world, "front");
    let (there, missing) = (from(range("192.0.2.0/24")), from(range("198.51.100.0/24")));
    authorize(&mut world, &group, std::slice::from_ref(&there)).unwrap();
    let both = [there.clone(), missing.clone()];
    assert_eq!(
        world.ec2.revoke_ingress(&group, &both).unwrap_err().code,
        "InvalidPermission.NotFound"
    );
    assert_eq!(world.ec2.security_groups[&group].ingress.len(), 1);
    world.ec2.ignore_unknown_revoke = true;
    let revoked = world.ec2.revoke_ingress(&group, &both).unwrap();
    assert_eq!(
        (revoked.removed[0].0.clone(), revoked.unknown),
        (there, vec![missing])
    );
    assert!(world.ec2.security_groups[&group].ingress.is_empty());
}

#[test]
fn equal_calls_make_equal_worlds() {
    let made = || {
        let mut world = world();
        let group = create(&mut world, "front");
        authorize(&mut world, &group, &[from(range("192.0.2.0/24"))]).unwrap();
        serde_json::to_string(&world).unwrap()
    };
    assert_eq!(made(), made());
}
