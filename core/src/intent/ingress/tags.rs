//! Tags of what an Ingress owns.
//!
//! In: the class's parameters, annotations and `--default-tags`. Out: the tags of a rule or a target group, and a
//! fault where a key is managed outside the cluster (upstream `pkg/ingress/model_build_tags.go`).

use elbow_crds::problem::ProblemCode;

use super::backend::BackendAnnotations;
use super::member::Member;
use crate::model::Tags;
use crate::settings::Settings;
use crate::view::Service;

const SUFFIX: &str = "tags";

/// Tags of one Ingress without `--default-tags`: those of its class win.
pub(super) fn own(member: &mut Member<'_>) -> Tags {
    let mut tags = member.map(SUFFIX).unwrap_or_default();
    let key = member.key(SUFFIX);
    check(member, &key, "", &tags);
    tags.extend(of_class(member));
    tags
}

/// Tags of a rule.
pub(super) fn of_rule(member: &mut Member<'_>) -> Tags {
    let tags = own(member);
    with_defaults(member.settings, tags)
}

/// Tags of a target group: the class's, the Service's, the Ingress's; the earlier wins.
pub(super) fn of_target_group(
    member: &mut Member<'_>,
    annotations: &BackendAnnotations<'_>,
    service: &Service,
) -> Tags {
    let mut tags = own(member);
    let of_service = annotations.of_service(member, SUFFIX).unwrap_or_default();
    check(
        member,
        annotations.field(),
        &format!("on the Service {}: ", service.meta.name),
        &of_service,
    );
    tags.extend(of_service);
    tags.extend(of_class(member));
    with_defaults(member.settings, tags)
}

fn of_class(member: &mut Member<'_>) -> Tags {
    let params = member.of.params.map(|params| params.tags.as_slice());
    let tags: Tags = params
        .unwrap_or_default()
        .iter()
        .map(|tag| (tag.key.clone(), tag.value.clone()))
        .collect();
    check(
        member,
        "spec.ingressClassName",
        "in the class's parameters: ",
        &tags,
    );
    tags
}

fn check(member: &mut Member<'_>, field: &str, place: &str, tags: &Tags) {
    for key in tags.keys() {
        if member.settings.external_managed_tags.contains(key) {
            let message = format!(
                "{place}the tag '{key}' is managed outside the cluster (--external-managed-tags); remove it"
            );
            member.fault(field, ProblemCode::Conflict, message);
        }
    }
}

/// `--default-tags` win over what users write, unless the gate says otherwise.
pub(super) fn with_defaults(settings: &Settings, tags: Tags) -> Tags {
    let (mut all, winners) = if settings.gates.enable_default_tags_low_priority {
        (settings.default_tags.clone(), tags)
    } else {
        (tags, settings.default_tags.clone())
    };
    all.extend(winners);
    all
}
