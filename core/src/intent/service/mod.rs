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
mod security;
mod target_groups;
mod warnings;

use std::collections::BTreeMap;

use elbow_crds::annotation::{Annotations, service::PREFIX};
use elbow_crds::problem::{ObjectRef, Problem};

use super::wish::{ListenerWish, LoadBalancerWish, SecurityWish, ServiceTargetGroupWish};
use super::{Intent, Objects, Wish, protection, reader};
use crate::key::StackKey;
use crate::model::{Owner, ResourceId, Tags};
use crate::settings::Settings;
use crate::view::Service;

pub use ownership::is_ours;

/// A Service being read.
type Reader<'a> = reader::Reader<'a, &'a Service>;

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
    pub target_groups: BTreeMap<ResourceId, ServiceTargetGroupWish>,
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
        let annotations = Annotations::new(&service.meta.annotations, PREFIX);
        let mut reader = Reader::open(service, service.object(), annotations, objects, settings);
        let wish = read_owned(&mut reader);
        intent.problems = reader.problems().to_vec();
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
        uid: reader.of.meta.uid.clone(),
        load_balancer,
        security,
        tags,
        listeners: lowered.listeners,
        target_groups: lowered.target_groups,
    }
}

/// Why a Service that is no longer ours must not be cleaned up, if so.
fn deletion_problem(service: &Service) -> Option<Problem> {
    let annotations = Annotations::new(&service.meta.annotations, PREFIX);
    protection::problem(&service.object(), &annotations, "aws-load-balancer-attributes")
}
