//! What AWS may report, and what becomes of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use elbow_core::model::Stickiness;

use super::super::request::actions;
use super::*;
use crate::aws::error::Fault;

fn reported() -> sdk::builders::LoadBalancerBuilder {
    sdk::LoadBalancer::builder()
        .load_balancer_arn("arn:lb")
        .load_balancer_name("lb")
        .r#type(sdk::LoadBalancerTypeEnum::Network)
        .scheme(sdk::LoadBalancerSchemeEnum::Internal)
        .state(
            sdk::LoadBalancerState::builder()
                .code(sdk::LoadBalancerStateEnum::Active)
                .build(),
        )
}

#[test]
fn addresses_are_read_in_canonical_text_and_missing_settings_stay_unmanaged() {
    let address = sdk::LoadBalancerAddress::builder()
        .private_ipv4_address("10.0.0.5")
        .ipv6_address("2001:DB8:0:0::1")
        .build();
    let zone = sdk::AvailabilityZone::builder()
        .subnet_id("subnet-1")
        .load_balancer_addresses(address)
        .build();
    let found = load_balancer(&reported().availability_zones(zone).build())
        .unwrap()
        .load_balancer;
    assert_eq!(found.subnets[0].private_ipv4.as_deref(), Some("10.0.0.5"));
    assert_eq!(found.subnets[0].ipv6.as_deref(), Some("2001:db8::1"));
    assert_eq!(
        (found.ipv6_source_nat, found.private_link_inbound),
        (Setting::Unmanaged, Setting::Unmanaged)
    );
    assert_eq!(found.ip_address_type, IpAddressType::Ipv4);
}

#[test]
fn unknown_words_are_errors_that_name_them() {
    let strange = reported()
        .scheme(sdk::LoadBalancerSchemeEnum::from("sideways"))
        .build();
    assert_eq!(
        load_balancer(&strange).unwrap_err(),
        Strange::Unknown(
            "load balancer arn:lb has the scheme sideways, which this version does not know".to_owned()
        )
    );
    let group = sdk::TargetGroup::builder()
        .target_group_arn("arn:tg")
        .port(80)
        .protocol(sdk::ProtocolEnum::from("SCTP"))
        .build();
    assert!(
        target_group(&group)
            .unwrap_err()
            .message()
            .contains("the protocol SCTP")
    );
    let odd = sdk::Listener::builder()
        .listener_arn("arn:l")
        .port(80)
        .protocol(sdk::ProtocolEnum::Http)
        .default_actions(sdk::Action::builder().build())
        .build();
    let strange = listener(&odd).unwrap_err();
    assert!(strange.message().contains("type of an action"));
}

#[test]
fn other_peoples_strange_resources_do_not_hide_ours_in_a_list() {
    let gateway = reported().r#type(sdk::LoadBalancerTypeEnum::Gateway).build();
    let future = reported()
        .scheme(sdk::LoadBalancerSchemeEnum::from("sideways"))
        .build();
    let items = [gateway, future, reported().build()]
        .iter()
        .map(load_balancer)
        .collect();
    assert_eq!(keep_readable("DescribeLoadBalancers", items).len(), 1);
}

#[test]
fn an_action_reported_without_forward_config_still_names_its_group() {
    let action = sdk::Action::builder()
        .r#type(sdk::ActionTypeEnum::Forward)
        .target_group_arn("arn:tg")
        .build();
    let listed = sdk::Listener::builder()
        .listener_arn("arn:l")
        .port(80)
        .protocol(sdk::ProtocolEnum::Tcp)
        .default_actions(action)
        .build();
    let listener = listener(&listed).unwrap();
    let forward = listener.default_actions[0].as_forward().unwrap();
    assert_eq!(
        forward.target_groups[0].target_group,
        Ref::Known("arn:tg".to_owned())
    );
}

#[test]
fn an_action_names_its_group_directly_only_where_weights_are_off() {
    let forward = |groups: &[&str]| {
        Action::Forward(ForwardAction {
            target_groups: groups
                .iter()
                .map(|arn| WeightedTargetGroup {
                    target_group: Ref::Known((*arn).to_owned()),
                    weight: Some(1),
                })
                .collect(),
            stickiness: Setting::Set(Stickiness::OFF),
        })
    };
    let weighted = actions("CreateListener", &[forward(&["a"])], true).unwrap();
    assert_eq!(weighted[0].order(), Some(1));
    assert!(weighted[0].target_group_arn().is_none() && weighted[0].forward_config().is_some());
    let direct = actions("CreateListener", &[forward(&["a"])], false).unwrap();
    assert!(direct[0].target_group_arn() == Some("a") && direct[0].forward_config().is_none());
    let error = actions("CreateListener", &[forward(&["a", "b"])], false).unwrap_err();
    assert_eq!((error.fault, error.answered), (Fault::Invalid, true));
}
