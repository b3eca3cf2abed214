//! Where a listener of a Service forwards to: its own target group, or a weighted set of groups
//! (upstream `pkg/service/model_build_listener.go`, `pkg/service/model_build_target_group.go`).

use elbow_crds::limits;
use elbow_crds::problem::ProblemCode;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Deserialize;

use super::Reader;
use super::target_groups::{GroupSource, TargetGroups};
use crate::intent::wish::{ActionWish, ForwardWish, GroupWish};
use crate::model::{Protocol, Setting, Stickiness};
use crate::view::{Service, ServicePort};

/// The annotation `actions.<PROTOCOL>-<port>`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ActionConfig {
    r#type: Option<String>,
    forward_config: Option<ForwardConfig>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ForwardConfig {
    base_service_weight: Option<i32>,
    target_groups: Option<Vec<TupleConfig>>,
    target_group_stickiness_config: Option<StickinessConfig>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TupleConfig {
    #[serde(rename = "targetGroupARN")]
    target_group_arn: Option<String>,
    service_name: Option<String>,
    service_port: Option<IntOrString>,
    decrypt: Option<bool>,
    weight: Option<i32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct StickinessConfig {
    enabled: Option<bool>,
}

/// Reads the default action of one listener and adds the target groups it needs.
pub(super) fn forward(
    reader: &mut Reader<'_>,
    port: &ServicePort,
    index: usize,
    protocol: Protocol,
    group_protocol: Protocol,
    target_groups: &mut TargetGroups,
) -> ActionWish {
    let suffix = format!("actions.{protocol}-{}", port.port);
    let config = if reader.string(&suffix).is_some() {
        let action = reader.annotations.json::<ActionConfig>(&suffix);
        reader
            .take(action)
            .and_then(|action| check_action(reader, &suffix, action))
    } else {
        None
    };
    let base = reader.of;
    let source = GroupSource {
        service: base,
        port,
        protocol: group_protocol,
        weighted: false,
        field: format!("spec.ports[{index}]"),
    };
    let own = target_groups.add(reader, &source);
    let config = config.unwrap_or_default();
    let mut groups = vec![ForwardWish {
        group: GroupWish::Own(own),
        weight: config.base_service_weight,
    }];
    for tuple in config.target_groups.unwrap_or_default() {
        let group = backend_group(reader, &suffix, protocol, &tuple, target_groups);
        groups.extend(group.map(|group| ForwardWish {
            group,
            weight: tuple.weight,
        }));
    }
    let stickiness = config
        .target_group_stickiness_config
        .and_then(|config| config.enabled)
        .map(|enabled| Stickiness {
            enabled,
            seconds: None,
        });
    ActionWish::Forward {
        groups,
        stickiness: Setting::from(stickiness),
    }
}

fn check_action(reader: &mut Reader<'_>, suffix: &str, action: ActionConfig) -> Option<ForwardConfig> {
    if action.r#type.as_deref() != Some("forward") {
        let message = format!(
            "the type '{}' is not allowed; write \"type\": \"forward\"",
            action.r#type.unwrap_or_default()
        );
        reader.fault_at(suffix, ProblemCode::NotAllowed, message);
        return None;
    }
    let Some(config) = action.forward_config else {
        let message = "forwardConfig is missing; add it or remove the annotation";
        reader.fault_at(suffix, ProblemCode::Malformed, message);
        return None;
    };
    let tuples = config.target_groups.as_deref().unwrap_or_default();
    for (index, tuple) in tuples.iter().enumerate() {
        if let Err(rule) = check_tuple(tuple, tuples.len() > 1) {
            let message = format!("targetGroups[{index}]: {rule}");
            reader.fault_at(suffix, ProblemCode::NotAllowed, message);
        }
    }
    Some(config)
}

fn check_tuple(tuple: &TupleConfig, needs_weight: bool) -> Result<(), String> {
    match (&tuple.target_group_arn, &tuple.service_name) {
        (None, None) => return Err("write targetGroupARN or serviceName".to_owned()),
        (Some(_), Some(_)) => return Err("write either targetGroupARN or serviceName, not both".to_owned()),
        (None, Some(_)) if tuple.service_port.is_none() => {
            return Err("serviceName needs a servicePort".to_owned());
        }
        _ => {}
    }
    match tuple.weight {
        Some(weight) if !limits::value::WEIGHT.allows(weight) => Err(format!(
            "the weight {weight} is not allowed; write a number between {} and {}",
            limits::value::WEIGHT.min,
            limits::value::WEIGHT.max
        )),
        None if needs_weight => Err("with several entries each needs a weight".to_owned()),
        _ => Ok(()),
    }
}

fn backend_group(
    reader: &mut Reader<'_>,
    suffix: &str,
    protocol: Protocol,
    tuple: &TupleConfig,
    target_groups: &mut TargetGroups,
) -> Option<GroupWish> {
    if let Some(arn) = &tuple.target_group_arn {
        return Some(GroupWish::Arn(arn.clone()));
    }
    let name = tuple.service_name.as_ref()?;
    let wanted = tuple.service_port.as_ref()?;
    let namespace = &reader.of.meta.namespace;
    let Some(service) = reader.objects.service(namespace, name) else {
        let message = format!("the Service {namespace}/{name} does not exist; create it or remove the entry");
        reader.fault_at(suffix, ProblemCode::NotFound, message);
        return None;
    };
    let Some(port) = find_port(&service, wanted) else {
        let message = match wanted {
            IntOrString::Int(number) => format!("the Service {namespace}/{name} has no port {number}"),
            IntOrString::String(text) => format!(
                "the Service {namespace}/{name} has no port named '{text}'; a text is looked up among port \
                 names, so write a number without quotes for a port number"
            ),
        };
        reader.fault_at(suffix, ProblemCode::NotFound, message);
        return None;
    };
    let decrypts = protocol == Protocol::Tls && tuple.decrypt == Some(true);
    let source = GroupSource {
        service: &service,
        port,
        protocol: if decrypts { Protocol::Tcp } else { protocol },
        weighted: true,
        field: reader.key(suffix),
    };
    Some(GroupWish::Own(target_groups.add(reader, &source)))
}

/// A number is looked up among port numbers, a text among port names.
fn find_port<'s>(service: &'s Service, wanted: &IntOrString) -> Option<&'s ServicePort> {
    service.ports.iter().find(|port| match wanted {
        IntOrString::Int(number) => port.port == *number,
        IntOrString::String(name) => port.name == *name,
    })
}
