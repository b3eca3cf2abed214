//! Feature gates: `Name=bool,...` into one typed struct (upstream `pkg/config/feature_gates.go`).

use elbow_core::settings::Gates;

use super::parse;

/// Gates that have an effect.
const NAMES: [&str; 15] = [
    "ListenerRulesTagging",
    "WeightedTargetGroups",
    "ServiceTypeLoadBalancerOnly",
    "EndpointsFailOpen",
    "EnableServiceController",
    "EnableIPTargetType",
    "SubnetsClusterTagCheck",
    "NLBHealthCheckAdvancedConfig",
    "NLBSecurityGroup",
    "ALBSingleSubnet",
    "LBCapacityReservation",
    "SubnetDiscoveryByReachability",
    "EnableTCPUDPListener",
    "EnhancedDefaultBehavior",
    "EnableDefaultTagsLowPriority",
];
/// Gates of parts that are not built yet: read and checked, without effect.
const LATER: [&str; 8] = [
    "EnableRGTAPI",
    "NLBGatewayAPI",
    "ALBGatewayAPI",
    "GatewayListenerSet",
    "GlobalAcceleratorController",
    "ALBTargetControlAgent",
    "EnableCertificateManagement",
    "IngressPlanAnnotation",
];

/// Reads the values of `--feature-gates` on top of the defaults.
pub fn read(values: &[String]) -> Result<Gates, String> {
    let mut gates = Gates::default();
    for item in values
        .iter()
        .flat_map(|v| v.split(','))
        .filter(|item| !item.is_empty())
    {
        let (name, value) = item.split_once('=').ok_or_else(|| {
            format!("flag --feature-gates: '{item}' has no '='; allowed is Name=true or Name=false")
        })?;
        let value = parse::boolean(value.trim())
            .map_err(|rule| format!("flag --feature-gates: {name} has the value '{value}': {rule}"))?;
        set(&mut gates, name.trim(), value)?;
    }
    Ok(gates)
}

fn set(gates: &mut Gates, name: &str, value: bool) -> Result<(), String> {
    let gate = match name {
        "ListenerRulesTagging" => &mut gates.listener_rules_tagging,
        "WeightedTargetGroups" => &mut gates.weighted_target_groups,
        "ServiceTypeLoadBalancerOnly" => &mut gates.service_type_load_balancer_only,
        "EndpointsFailOpen" => &mut gates.endpoints_fail_open,
        "EnableServiceController" => &mut gates.enable_service_controller,
        "EnableIPTargetType" => &mut gates.enable_ip_target_type,
        "SubnetsClusterTagCheck" => &mut gates.subnets_cluster_tag_check,
        "NLBHealthCheckAdvancedConfig" => &mut gates.nlb_health_check_advanced_config,
        "NLBSecurityGroup" => &mut gates.nlb_security_group,
        "ALBSingleSubnet" => &mut gates.alb_single_subnet,
        "LBCapacityReservation" => &mut gates.lb_capacity_reservation,
        "SubnetDiscoveryByReachability" => &mut gates.subnet_discovery_by_reachability,
        "EnableTCPUDPListener" => &mut gates.enable_tcp_udp_listener,
        "EnhancedDefaultBehavior" => &mut gates.enhanced_default_behavior,
        "EnableDefaultTagsLowPriority" => &mut gates.enable_default_tags_low_priority,
        _ if LATER.contains(&name) => return Ok(()),
        _ => {
            let known: Vec<&str> = NAMES.into_iter().chain(LATER).collect();
            return Err(format!(
                "flag --feature-gates: there is no gate '{name}'; allowed are {}",
                known.join(", ")
            ));
        }
    };
    *gate = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn gates_are_read_on_top_of_the_defaults() {
        let gates = read(&[
            "EnableTCPUDPListener=true, NLBSecurityGroup=0".to_owned(),
            "ALBGatewayAPI=false".to_owned(),
        ]);
        let gates = gates.unwrap();
        assert!(gates.enable_tcp_udp_listener && !gates.nlb_security_group && gates.weighted_target_groups);
    }

    #[test]
    fn every_gate_that_is_offered_is_read() {
        for name in NAMES {
            assert!(read(&[format!("{name}=true")]).is_ok(), "{name}");
        }
    }

    #[test]
    fn an_unknown_gate_is_named() {
        assert!(
            read(&["NLBSecurityGroups=true".to_owned()])
                .unwrap_err()
                .contains("'NLBSecurityGroups'")
        );
        assert!(
            read(&["NLBSecurityGroup=yes".to_owned()])
                .unwrap_err()
                .contains("'yes'")
        );
    }
}
