//! Services: from a Service and its annotations to a [`ServiceIntent`].
//!
//! In: a Service, a look-up of backend Services, settings. Out: an [`Intent`] (upstream
//! `pkg/service/model_builder.go`, without everything that asks AWS).

mod actions;
mod addresses;
mod health_check;
mod listeners;
mod load_balancer;
mod ownership;
mod reader;
mod security;
mod target_groups;
mod warnings;

use std::collections::BTreeMap;

use elbow_crds::annotation::{Annotations, parse_bool, service::PREFIX};
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};

use self::reader::Reader;
use super::wish::{ListenerWish, LoadBalancerWish, SecurityWish, TargetGroupWish};
use super::{Intent, Objects, Wish};
use crate::key::StackKey;
use crate::model::{Owner, ResourceId, Tags};
use crate::settings::Settings;
use crate::view::Service;

pub use ownership::is_ours;

/// Finalizer on every Service that owns AWS resources.
pub const FINALIZER: &str = "service.k8s.aws/resources";

/// A Service that can be built.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceIntent {
    /// UID of the Service, part of name hashes.
    pub uid: String,
    /// The load balancer.
    pub load_balancer: LoadBalancerWish,
    /// Its security groups.
    pub security: SecurityWish,
    /// Tags of all AWS resources, `--default-tags` included.
    pub tags: Tags,
    /// Listeners, each port once.
    pub listeners: Vec<ListenerWish>,
    /// Target groups by resource id.
    pub target_groups: BTreeMap<ResourceId, TargetGroupWish>,
}

/// Reads a Service; see [`super::read`].
pub(super) fn read(key: &StackKey, objects: &dyn Objects, settings: &Settings) -> Intent {
    let mut intent = Intent {
        key: key.clone(),
        owner: ObjectRef::new("Service", &key.namespace, &key.name),
        owners: Vec::new(),
        wish: Wish::Ignore,
        problems: Vec::new(),
    };
    let watched = settings.gates.enable_service_controller
        && settings
            .scope
            .namespace
            .as_ref()
            .is_none_or(|namespace| *namespace == key.namespace);
    let service = objects.service(&key.namespace, &key.name);
    let Some(service) = service.as_deref() else {
        return intent;
    };
    intent.owners = vec![owner(service, !(watched && is_ours(service, settings)))];
    if !watched {
        return intent;
    }
    if is_ours(service, settings) {
        let mut reader = Reader::new(service, objects, settings);
        let wish = read_owned(&mut reader);
        intent.problems = reader.into_problems();
        intent.wish = if intent.problems.iter().any(Problem::is_fault) {
            Wish::Sick
        } else {
            Wish::Service(Box::new(wish))
        };
    } else if service.meta.finalizers.contains(FINALIZER) {
        intent.problems = deletion_problem(service).into_iter().collect();
        intent.wish = if intent.problems.is_empty() {
            Wish::Empty
        } else {
            Wish::Sick
        };
    }
    intent
}

fn owner(service: &Service, gone: bool) -> Owner {
    Owner {
        object: service.object(),
        uid: service.meta.uid.clone(),
        finalizer: FINALIZER.to_owned(),
        has_finalizer: service.meta.finalizers.contains(FINALIZER),
        gone,
    }
}

fn read_owned(reader: &mut Reader<'_>) -> ServiceIntent {
    warnings::warn_unknown_annotations(reader);
    let load_balancer = load_balancer::read(reader);
    let sources = security::sources(reader);
    let security = security::read(reader, &sources);
    let tags = load_balancer::tags(reader);
    let lowered = listeners::read(reader, load_balancer.ip_address_type, &sources, &tags);
    warnings::warn_unused_variants(reader, &lowered);
    warnings::warn_unused_settings(reader);
    ServiceIntent {
        uid: reader.service.meta.uid.clone(),
        load_balancer,
        security,
        tags,
        listeners: lowered.listeners,
        target_groups: lowered.target_groups,
    }
}

/// Why a Service that is no longer ours must not be cleaned up, if so: its load balancer attributes ask for
/// deletion protection, or cannot be read.
fn deletion_problem(service: &Service) -> Option<Problem> {
    const SUFFIX: &str = "aws-load-balancer-attributes";
    const PROTECTION: &str = "deletion_protection.enabled";
    let annotations = Annotations::new(&service.meta.annotations, PREFIX);
    let fault = |code, message: String| {
        Some(Problem::fault(
            &service.object(),
            &annotations.key(SUFFIX),
            code,
            message,
        ))
    };
    let attributes = match annotations.string_map(SUFFIX) {
        Ok(attributes) => attributes.unwrap_or_default(),
        Err(error) => return fault(ProblemCode::Malformed, reader::describe(&error)),
    };
    let value = attributes.get(PROTECTION)?;
    match parse_bool(value) {
        Ok(false) => None,
        Ok(true) => fault(
            ProblemCode::Protected,
            format!(
                "{PROTECTION}=true protects the load balancer from deletion; set it to false to let the \
                 load balancer and its resources be deleted"
            ),
        ),
        Err(rule) => fault(
            ProblemCode::Malformed,
            format!("{PROTECTION} has the value '{value}': {rule}"),
        ),
    }
}
