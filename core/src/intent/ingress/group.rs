//! Groups: which Ingresses share a load balancer, and in which order (upstream `pkg/ingress/group.go`,
//! `group_loader.go`).
//!
//! In: all Ingresses and their classes. Out: members, former members, and those of which it cannot be told. The
//! latter are sick, one by one: upstream does not load the group then.

use std::collections::BTreeSet;
use std::sync::Arc;

use elbow_crds::annotation::Annotations;
use elbow_crds::annotation::ingress::PREFIX;
use elbow_crds::ingress::group::{check_group_name, parse_group_order};
use elbow_crds::problem::{Problem, ProblemCode};

use super::class::{self, CLASS_FIELD, Class, Unclear};
use crate::intent::{Objects, protection};
use crate::key::StackKey;
use crate::model::Owner;
use crate::settings::Settings;
use crate::view::{Ingress, IngressClassParams};

/// Finalizer of an Ingress by itself.
pub const FINALIZER: &str = "ingress.k8s.aws/resources";
/// Finalizer of a member of a group, before the group's name.
const GROUP_FINALIZER: &str = "group.ingress.k8s.aws/";

const NAME: &str = "group.name";
const ORDER: &str = "group.order";
const ATTRIBUTES: &str = "load-balancer-attributes";

/// Where an Ingress belongs.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolution {
    /// To this group: an explicit one, or that of the Ingress alone.
    Group(StackKey),
    /// To nobody of ours: of another class, outside the watched namespace, or being deleted.
    NotOurs,
    /// Its class, or the class's parameters, are missing or may not be used.
    InvalidClass(Problem),
    /// The name of its group is not allowed.
    InvalidGroup(Problem),
    /// It cannot be told which class is meant.
    Unresolvable(Problem),
}

type Params = Option<Arc<IngressClassParams>>;

/// Finds the group of an Ingress. Depends on its class, the class's parameters and its Namespace.
pub fn resolve(ingress: &Ingress, objects: &dyn Objects, settings: &Settings) -> Resolution {
    place(ingress, objects, settings).0
}

/// Groups that an Ingress belongs or belonged to by its finalizers.
pub fn finalizer_groups(ingress: &Ingress) -> BTreeSet<StackKey> {
    let meta = &ingress.meta;
    meta.finalizers
        .iter()
        .filter_map(|finalizer| {
            if finalizer == FINALIZER {
                return Some(StackKey::ingress(&meta.namespace, &meta.name));
            }
            finalizer
                .strip_prefix(GROUP_FINALIZER)
                .map(StackKey::ingress_group)
        })
        .collect()
}

/// Finalizer of the members of a group.
pub fn finalizer(group: &StackKey) -> String {
    if group.namespace.is_empty() {
        format!("{GROUP_FINALIZER}{}", group.name)
    } else {
        FINALIZER.to_owned()
    }
}

fn place(ingress: &Ingress, objects: &dyn Objects, settings: &Settings) -> (Resolution, Params) {
    if ingress.meta.deleting || !is_watched(ingress, settings) {
        return (Resolution::NotOurs, None);
    }
    let params = match class::classify(ingress, objects, settings) {
        Ok(Class::Ours(params)) => params,
        Ok(Class::NotOurs) => return (Resolution::NotOurs, None),
        Err(Unclear::Invalid(problem)) => return (Resolution::InvalidClass(*problem), None),
        Err(Unclear::Unresolvable(problem)) => return (Resolution::Unresolvable(*problem), None),
    };
    let meta = &ingress.meta;
    let of_class = params.as_ref().and_then(|params| params.spec.group.as_ref());
    let annotations = Annotations::new(&meta.annotations, PREFIX);
    let (name, field) = match (of_class, annotations.string(NAME)) {
        (Some(group), _) => (group.name.as_str(), CLASS_FIELD.to_owned()),
        (None, Some(name)) => (name, annotations.key(NAME)),
        (None, None) => {
            let key = StackKey::ingress(&meta.namespace, &meta.name);
            return (Resolution::Group(key), params);
        }
    };
    if let Err(rule) = check_group_name(name) {
        let message = format!("the group name '{name}' is not allowed: {rule}");
        let problem = Problem::fault(&ingress.object(), &field, ProblemCode::NotAllowed, message);
        return (Resolution::InvalidGroup(problem), None);
    }
    (Resolution::Group(StackKey::ingress_group(name)), params)
}

/// Whether the controller looks at the Ingress at all.
fn is_watched(ingress: &Ingress, settings: &Settings) -> bool {
    let watched = settings.scope.namespace.as_ref();
    watched.is_none_or(|namespace| *namespace == ingress.meta.namespace)
}

/// A member of a group.
pub(super) struct Found {
    pub ingress: Arc<Ingress>,
    pub params: Params,
}

/// All that have to do with a group.
pub(super) struct Group {
    /// Members in group order.
    pub members: Vec<Found>,
    /// Those of which it cannot be told whether they are members, or where, with the reason.
    pub unclear: Vec<(Arc<Ingress>, Problem)>,
    /// Those that left, or are being deleted, and still carry the finalizer.
    pub leaving: Vec<Arc<Ingress>>,
}

impl Group {
    /// Finds them among all Ingresses.
    pub fn load(key: &StackKey, objects: &dyn Objects, settings: &Settings) -> Self {
        let candidates = if key.namespace.is_empty() {
            objects.ingresses_of(key, settings)
        } else {
            objects.ingress(&key.namespace, &key.name).into_iter().collect()
        };
        let mut ordered = Vec::new();
        let mut group = Self {
            members: Vec::new(),
            unclear: Vec::new(),
            leaving: Vec::new(),
        };
        for ingress in candidates {
            let marked = finalizer_groups(&ingress).contains(key) && is_watched(&ingress, settings);
            match place(&ingress, objects, settings) {
                (Resolution::Group(found), params) if found == *key => match order(&ingress) {
                    Ok(order) => ordered.push((order, Found { ingress, params })),
                    Err(problem) => group.unclear.push((ingress, *problem)),
                },
                (Resolution::InvalidClass(problem) | Resolution::Unresolvable(problem), _) if marked => {
                    group.unclear.push((ingress, problem));
                }
                _ if marked => group.leaving.push(ingress),
                _ => {}
            }
        }
        ordered.sort_by(|(a, found_a), (b, found_b)| (a, full_name(found_a)).cmp(&(b, full_name(found_b))));
        group.members = ordered.into_iter().map(|(_, found)| found).collect();
        group
    }

    /// Owners of the stack, in a fixed order. One whose deletion is forbidden keeps its finalizer.
    pub fn owners(&self, key: &StackKey) -> Vec<Owner> {
        let finalizer = finalizer(key);
        let owner = |ingress: &Ingress, gone: bool| Owner {
            object: ingress.object(),
            uid: ingress.meta.uid.clone(),
            finalizer: finalizer.clone(),
            has_finalizer: ingress.meta.finalizers.contains(&finalizer),
            gone,
        };
        let members = self.members.iter().map(|found| owner(&found.ingress, false));
        let unclear = self.unclear.iter().map(|(ingress, _)| owner(ingress, false));
        let leaving = self
            .leaving
            .iter()
            .map(|ingress| owner(ingress, deletion_problem(ingress).is_none()));
        members.chain(unclear).chain(leaving).collect()
    }
}

fn full_name(found: &Found) -> String {
    format!("{}/{}", found.ingress.meta.namespace, found.ingress.meta.name)
}

fn order(ingress: &Ingress) -> Result<i32, Box<Problem>> {
    let annotations = Annotations::new(&ingress.meta.annotations, PREFIX);
    annotations
        .parsed(ORDER, parse_group_order)
        .map(Option::unwrap_or_default)
        .map_err(|error| {
            let message = format!(
                "the value '{}' is no place in a group: {}",
                error.value, error.rule
            );
            let object = ingress.object();
            Box::new(Problem::fault(
                &object,
                &error.key,
                ProblemCode::NotAllowed,
                message,
            ))
        })
}

/// Why an Ingress that is being deleted must not be cleaned up, if so.
pub(super) fn deletion_problem(ingress: &Ingress) -> Option<Problem> {
    let annotations = Annotations::new(&ingress.meta.annotations, PREFIX);
    ingress
        .meta
        .deleting
        .then(|| protection::problem(&ingress.object(), &annotations, ATTRIBUTES))?
}
