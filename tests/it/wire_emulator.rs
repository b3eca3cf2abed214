//! The real SDK against the emulator, in process and on virtual time: every typed call goes round.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use elbow::aws::Fault;
use elbow_core::model::{
    HealthCheck, IpAddressType, Listener, LoadBalancer, LoadBalancerState, PermissionSource, Protocol, Ref,
    ResourceId, Setting, SubnetMapping, Tags, TargetGroup,
};
use elbow_core::targets::{Target, TargetState};

use crate::support::wanted::{
    SEED, calls, certificate, listener, load_balancer, rule, strings, tags, target_group,
};
use crate::support::{VPC, aws, cx, emulator};

#[tokio::test(start_paused = true)]
async fn networks_are_read() {
    let aws = aws(&emulator(""));
    let vpc = aws.vpc(&cx()).await.unwrap().unwrap();
    assert_eq!((vpc.id.as_str(), vpc.ipv4_cidrs), (VPC, strings(["10.0.0.0/16"])));
    assert_eq!(
        aws.vpcs_by_tags(&cx(), &tags([("Name", "default")]))
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        aws.vpcs_by_tags(&cx(), &tags([("Name", "other")]))
            .await
            .unwrap()
            .is_empty()
    );

    let subnets = aws.vpc_subnets(&cx()).await.unwrap();
    assert_eq!(subnets.len(), 6);
    let first = &subnets[0];
    assert_eq!(
        (first.id.as_str(), first.zone.as_str()),
        ("subnet-0e1b000000000000a", "us-west-2a")
    );
    assert_eq!(first.tags["kubernetes.io/role/elb"], "1");
    assert!(first.available_ips > 4000 && !first.zone_id.is_empty());

    let some = strings(["subnet-0e1b000000000001b", "subnet-gone", "nonsense"]);
    let found = aws.subnets_by_id(&cx(), &some).await.unwrap();
    assert_eq!(
        found.iter().map(|subnet| subnet.id.as_str()).collect::<Vec<_>>(),
        ["subnet-0e1b000000000001b"]
    );

    let tables = aws.route_tables(&cx()).await.unwrap();
    assert_eq!(tables.len(), 2);
    assert!(
        !tables[0].main
            && tables[0]
                .gateways
                .iter()
                .any(|gateway| gateway.starts_with("igw-"))
    );
    assert!(tables[1].main && tables[1].subnets.len() == 3);

    let zones = aws
        .zones(
            &cx(),
            &BTreeSet::from([first.zone_id.clone(), "usw9-az9".to_owned()]),
        )
        .await
        .unwrap();
    assert_eq!(
        zones,
        BTreeMap::from([(first.zone_id.clone(), "availability-zone".to_owned())])
    );
}

#[tokio::test(start_paused = true)]
async fn instances_and_interfaces_are_read() {
    let aws = aws(&emulator(SEED));
    let found = aws
        .instances(&cx(), &strings(["i-0bbb", "i-0aaa", "i-gone"]))
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .map(|instance| instance.id.as_str())
            .collect::<Vec<_>>(),
        ["i-0aaa", "i-0bbb"]
    );
    let interface = &found[0].interfaces[0];
    assert_eq!((found[0].vpc.as_str(), interface.device_index), (VPC, Some(0)));
    assert_eq!(interface.ipv4_prefixes, ["10.0.129.0/28"]);
    assert_eq!(found[1].interfaces[0].private_ips, ["10.0.144.10", "10.0.144.11"]);

    let by_id = aws
        .interfaces_by_id(&cx(), std::slice::from_ref(&interface.id))
        .await
        .unwrap();
    assert_eq!(by_id, std::slice::from_ref(interface));
    let by_ip = aws
        .interfaces_by_ip(&cx(), &strings(["10.0.144.11", "10.0.99.99"]))
        .await
        .unwrap();
    assert_eq!(by_ip.keys().collect::<Vec<_>>(), ["10.0.144.11"]);
    assert_eq!(by_ip["10.0.144.11"].id, found[1].interfaces[0].id);
}

#[tokio::test(start_paused = true)]
async fn a_security_group_lives_and_dies() {
    let emulator = emulator("");
    let aws = aws(&emulator);
    let marks = tags([("Name", "web"), ("elbv2.k8s.aws/cluster", "c1")]);
    let id = aws
        .create_security_group(&cx(), "k8s-web", "for web", VPC, &marks)
        .await
        .unwrap();
    let rules = [
        rule(
            "tcp",
            Some(80),
            PermissionSource::Ipv4("0.0.0.0/0".to_owned()),
            "web",
        ),
        rule("udp", Some(53), PermissionSource::Ipv6("::/0".to_owned()), ""),
        rule("-1", None, PermissionSource::Group(id.clone()), "self"),
    ];
    aws.authorize_ingress(&cx(), &id, &rules).await.unwrap();
    assert_eq!(calls(&emulator, "AuthorizeSecurityGroupIngress"), 1);
    let again = aws.authorize_ingress(&cx(), &id, &rules[..1]).await.unwrap_err();
    assert_eq!(
        (again.fault, again.code.as_str()),
        (Fault::Duplicate, "InvalidPermission.Duplicate")
    );

    let state = aws
        .group_states(&cx(), std::slice::from_ref(&id))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (
            state.name.as_str(),
            state.description.as_str(),
            state.vpc.as_str()
        ),
        ("k8s-web", "for web", VPC)
    );
    assert_eq!(state.tags, marks);
    assert_eq!(
        BTreeSet::from_iter(state.rules.clone()),
        BTreeSet::from_iter(rules.clone())
    );
    assert_eq!(
        aws.groups_by_name(&cx(), &strings(["web", "none"]))
            .await
            .unwrap()[0]
            .id,
        id
    );
    assert_eq!(
        aws.groups_by_tags(&cx(), &tags([("elbv2.k8s.aws/cluster", "c1")]))
            .await
            .unwrap(),
        [state]
    );
    assert_eq!(
        aws.groups_by_id(&cx(), &[id.clone(), "sg-gone".to_owned()])
            .await
            .unwrap()
            .len(),
        1
    );

    aws.revoke_ingress(&cx(), &id, &rules).await.unwrap();
    aws.create_tags(&cx(), &id, &tags([("a", "1"), ("b", "2")]))
        .await
        .unwrap();
    aws.delete_tags(&cx(), &id, &tags([("a", "1"), ("b", "other")]))
        .await
        .unwrap();
    let state = aws
        .group_states(&cx(), std::slice::from_ref(&id))
        .await
        .unwrap()
        .remove(0);
    assert!(state.rules.is_empty() && !state.tags.contains_key("a") && state.tags["b"] == "2");

    aws.delete_security_group(&cx(), &id).await.unwrap();
    aws.delete_security_group(&cx(), &id)
        .await
        .expect("what is gone counts as deleted");
    assert!(aws.group_states(&cx(), &[id]).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_lives_and_dies() {
    let aws = aws(&emulator(""));
    let group = aws
        .create_security_group(&cx(), "k8s-lb", "lb", VPC, &Tags::new())
        .await
        .unwrap();
    let wanted = load_balancer("k8s-default-web-1");
    let marks = tags([("elbv2.k8s.aws/cluster", "c1")]);
    let created = aws
        .create_load_balancer(&cx(), &wanted, std::slice::from_ref(&group), &marks)
        .await
        .unwrap();
    let again = aws
        .create_load_balancer(&cx(), &wanted, std::slice::from_ref(&group), &marks)
        .await
        .unwrap();
    assert_eq!(created, again, "creation by name is idempotent");

    let listed = aws
        .load_balancer_by_name(&cx(), "k8s-default-web-1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(listed.vpc, VPC);
    let found = &listed.load_balancer;
    assert_eq!(
        (found.arn.as_deref(), found.dns_name.as_deref()),
        (Some(created.arn.as_str()), Some(created.dns_name.as_str()))
    );
    assert_eq!(
        (found.kind, found.scheme, found.ip_address_type),
        (wanted.kind, wanted.scheme, wanted.ip_address_type)
    );
    assert_eq!(found.security_groups, [Ref::Known(group.clone())]);
    let subnets = |lb: &LoadBalancer| {
        lb.subnets
            .iter()
            .map(|one| one.subnet.clone())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(subnets(found), subnets(&wanted));
    assert_eq!(
        aws.list_load_balancers(&cx()).await.unwrap(),
        std::slice::from_ref(&listed)
    );
    assert_eq!(
        aws.load_balancers_by_arn(&cx(), std::slice::from_ref(&created.arn))
            .await
            .unwrap(),
        [listed]
    );
    assert_eq!(aws.load_balancer_by_name(&cx(), "other").await.unwrap(), None);

    let arn = created.arn.as_str();
    let cross = tags([("load_balancing.cross_zone.enabled", "true")]);
    aws.modify_load_balancer_attributes(&cx(), arn, &cross)
        .await
        .unwrap();
    let attributes = aws.load_balancer_attributes(&cx(), arn).await.unwrap();
    assert_eq!(attributes["load_balancing.cross_zone.enabled"], "true");
    assert!(attributes.len() > 3);

    let other = aws
        .create_security_group(&cx(), "k8s-lb-2", "lb", VPC, &Tags::new())
        .await
        .unwrap();
    aws.set_security_groups(&cx(), arn, &[group, other], Some(elbow_core::model::OnOff::Off))
        .await
        .unwrap();
    let mut more = wanted.subnets.clone();
    more.push(SubnetMapping {
        subnet: "subnet-0e1b000000000001c".to_owned(),
        ..SubnetMapping::default()
    });
    aws.set_subnets(&cx(), arn, &more, None).await.unwrap();
    aws.set_ip_address_type(&cx(), arn, IpAddressType::Ipv4)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_mins(10)).await;
    let found = aws
        .load_balancers_by_arn(&cx(), &strings([arn]))
        .await
        .unwrap()
        .remove(0)
        .load_balancer;
    assert_eq!(found.state, Some(LoadBalancerState::Active));
    assert_eq!((found.security_groups.len(), found.subnets.len()), (2, 3));
    assert_eq!(
        found.private_link_inbound,
        Setting::Set(elbow_core::model::OnOff::Off)
    );

    assert_eq!(aws.capacity_reservation(&cx(), arn).await.unwrap(), None);
    aws.modify_capacity_reservation(&cx(), arn, 5500).await.unwrap();
    assert_eq!(aws.capacity_reservation(&cx(), arn).await.unwrap(), Some(5500));

    aws.add_tags(&cx(), arn, &tags([("a", "1"), ("b", "2")]))
        .await
        .unwrap();
    aws.remove_tags(&cx(), arn, &BTreeSet::from(["a".to_owned()]))
        .await
        .unwrap();
    let found = aws.tags(&cx(), &strings([arn])).await.unwrap();
    assert_eq!(found[arn], tags([("elbv2.k8s.aws/cluster", "c1"), ("b", "2")]));

    aws.delete_load_balancer(&cx(), arn).await.unwrap();
    aws.delete_load_balancer(&cx(), arn).await.unwrap();
    assert!(
        aws.load_balancers_by_arn(&cx(), &strings([arn]))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_group_lives_and_dies() {
    let aws = aws(&emulator(""));
    let wanted = target_group("k8s-default-web-2");
    let arn = aws
        .create_target_group(&cx(), &wanted, &tags([("a", "1")]))
        .await
        .unwrap();
    let listed = aws
        .target_group_by_name(&cx(), "k8s-default-web-2")
        .await
        .unwrap()
        .unwrap();
    let expected = TargetGroup {
        id: ResourceId(String::new()),
        arn: Some(arn.clone()),
        protocol_version: listed.group.protocol_version.clone(),
        control_port: listed.group.control_port.clone(),
        ..wanted.clone()
    };
    assert_eq!((&listed.group, listed.vpc.as_str()), (&expected, VPC));
    assert_eq!(
        aws.list_target_groups(&cx()).await.unwrap(),
        std::slice::from_ref(&listed)
    );
    assert_eq!(
        aws.target_groups_by_arn(&cx(), std::slice::from_ref(&arn))
            .await
            .unwrap(),
        [listed]
    );
    assert_eq!(aws.target_group_by_name(&cx(), "other").await.unwrap(), None);

    let check = HealthCheck {
        interval_seconds: 30,
        path: Setting::Set("/ready".to_owned()),
        ..wanted.health_check
    };
    aws.modify_target_group(&cx(), &arn, &check).await.unwrap();
    let listed = aws
        .target_groups_by_arn(&cx(), std::slice::from_ref(&arn))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(listed.group.health_check, check);
    aws.modify_target_group_attributes(&cx(), &arn, &tags([("proxy_protocol_v2.enabled", "true")]))
        .await
        .unwrap();
    let attributes = aws.target_group_attributes(&cx(), &arn).await.unwrap();
    assert_eq!(attributes["proxy_protocol_v2.enabled"], "true");

    let targets: Vec<_> = (0..250)
        .map(|n| Target::new(&format!("10.0.128.{}", n % 200 + 20), 8000 + n / 200))
        .collect();
    aws.register_targets(&cx(), &arn, &targets).await.unwrap();
    assert_eq!(aws.counts().attempts()["RegisterTargets"], 2);
    let health = aws.target_health(&cx(), &arn, None).await.unwrap();
    assert_eq!(health.len(), 250);
    assert_eq!(
        (health[0].state, health[0].reason.as_str()),
        (TargetState::Unused, "Target.NotInUse")
    );
    let stranger = [Target::new("10.0.128.9", 1)];
    let health = aws.target_health(&cx(), &arn, Some(&stranger)).await.unwrap();
    assert!(health[0].is_not_registered());
    aws.deregister_targets(&cx(), &arn, &targets).await.unwrap();
    aws.delete_target_group(&cx(), &arn).await.unwrap();
    assert!(aws.target_groups_by_arn(&cx(), &[arn]).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_listener_lives_and_dies() {
    let aws = aws(&emulator(SEED));
    let lb = aws
        .create_load_balancer(&cx(), &load_balancer("k8s-a"), &[], &Tags::new())
        .await
        .unwrap()
        .arn;
    let group = aws
        .create_target_group(&cx(), &target_group("k8s-g"), &Tags::new())
        .await
        .unwrap();
    let wanted = listener(&lb, &group);
    let arn = aws
        .create_listener(&cx(), &wanted, &tags([("a", "1")]))
        .await
        .unwrap();
    let listed = aws.listeners(&cx(), &lb).await.unwrap();
    assert_eq!(listed.len(), 1);
    let found = &listed[0];
    let forward = found.default_actions[0].as_forward().unwrap();
    assert_eq!(
        (found.arn.as_deref(), found.port, found.protocol),
        (Some(arn.as_str()), 443, Protocol::Tls)
    );
    assert_eq!(forward.target_groups[0].target_group, Ref::Known(group.clone()));
    assert_eq!(
        (&found.certificates, &found.ssl_policy),
        (&wanted.certificates, &wanted.ssl_policy)
    );
    assert_eq!(found.alpn_policy, wanted.alpn_policy);
    assert_eq!(
        aws.tags(&cx(), std::slice::from_ref(&arn)).await.unwrap()[&arn],
        tags([("a", "1")])
    );

    aws.add_listener_certificate(&cx(), &arn, &certificate("two"))
        .await
        .unwrap();
    assert_eq!(
        aws.listener_certificates(&cx(), &arn).await.unwrap(),
        BTreeSet::from([certificate("two")])
    );
    aws.remove_listener_certificate(&cx(), &arn, &certificate("two"))
        .await
        .unwrap();
    assert!(aws.listener_certificates(&cx(), &arn).await.unwrap().is_empty());

    let plain = Listener {
        protocol: Protocol::Tcp,
        certificates: Vec::new(),
        ssl_policy: Setting::Unmanaged,
        alpn_policy: Setting::Unmanaged,
        ..wanted.clone()
    };
    aws.modify_listener(&cx(), &arn, &plain).await.unwrap();
    assert_eq!(
        aws.listeners(&cx(), &lb).await.unwrap()[0].protocol,
        Protocol::Tcp
    );
    aws.modify_listener_attributes(&cx(), &arn, &tags([("tcp.idle_timeout.seconds", "400")]))
        .await
        .unwrap();
    assert_eq!(
        aws.listener_attributes(&cx(), &arn).await.unwrap()["tcp.idle_timeout.seconds"],
        "400"
    );

    let in_use = aws.delete_target_group(&cx(), &group).await.unwrap_err();
    assert_eq!(in_use.fault, Fault::InUse);
    let other = aws
        .create_target_group(&cx(), &target_group("k8s-h"), &Tags::new())
        .await
        .unwrap();
    let rival = Listener {
        default_actions: listener(&lb, &other).default_actions,
        ..plain
    };
    let twice = aws
        .create_listener(&cx(), &rival, &Tags::new())
        .await
        .unwrap_err();
    assert_eq!((twice.fault, twice.answered), (Fault::Duplicate, true));
    aws.delete_listener(&cx(), &arn).await.unwrap();
    aws.delete_listener(&cx(), &arn)
        .await
        .expect("what is gone counts as deleted");
    assert!(aws.listeners(&cx(), &lb).await.unwrap().is_empty());
}
