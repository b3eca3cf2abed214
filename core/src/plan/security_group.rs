//! Security groups: matched by resource id; rules and tags are kept, name and description never change.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::limits::security_group::INBOUND_RULES;
use ipnet::IpNet;

use super::Action;
use super::draft::Draft;
use super::pair::{Pairs, pair};
use super::tags::{Legacy, describe_added, describe_removed, diff_tags};
use crate::model::{
    IngressPermission, PermissionSource, Ref, ResourceAddress, ResourceKind, SecurityGroup, tracking,
};

/// Pairs groups by resource id. A group that a load balancer of the stack uses is preferred.
pub(super) fn pairs<'a>(draft: &Draft<'a>) -> Pairs<'a, SecurityGroup> {
    let used: BTreeSet<&str> = draft
        .actual
        .load_balancers
        .iter()
        .flat_map(|balancer| balancer.security_groups.iter().filter_map(Ref::known))
        .collect();
    pair(
        &draft.wanted.security_groups,
        &draft.actual.security_groups,
        |group| group.id.clone(),
        |_, _| true,
        |_, actual| {
            let id = actual.group_id.as_deref().unwrap_or_default();
            (!used.contains(id), id.to_owned())
        },
    )
}

/// Creates what is missing and changes what stays.
pub(super) fn open(draft: &mut Draft, pairs: &Pairs<SecurityGroup>) {
    for (wanted, _) in &pairs.missing {
        if !draft.frozen {
            create(draft, wanted);
        }
    }
    for (wanted, actual) in &pairs.kept {
        change_tags(draft, wanted, actual);
        change_rules(draft, wanted, actual);
    }
}

fn create(draft: &mut Draft, wanted: &SecurityGroup) {
    let address = ResourceAddress::new(ResourceKind::SecurityGroup, &wanted.id);
    let cluster = &draft.settings.scope.cluster;
    let action = Action::CreateSecurityGroup {
        address: address.clone(),
        group: wanted.clone(),
        tags: tracking::resource_tags(cluster, &draft.wanted.key, &wanted.id, &wanted.tags),
    };
    let created = draft.create(&address, action, BTreeSet::new(), &wanted.origins, "");
    let missing = diff_rules(&wanted.ingress, &[]).missing;
    if !missing.is_empty() {
        let reason = describe_rules(&missing);
        let action = Action::AuthorizeIngress {
            group: Ref::Pending(address),
            permissions: missing,
            description: String::new(),
        };
        draft.push(action, BTreeSet::from([created]), &wanted.origins, reason);
    }
}

fn change_tags(draft: &mut Draft, wanted: &SecurityGroup, actual: &SecurityGroup) {
    let group = draft.handle(ResourceKind::SecurityGroup, &wanted.id);
    let diff = diff_tags(&wanted.tags, &actual.tags, draft.settings, Legacy::Kept);
    let diff = draft.held_tags(diff, &actual.tags);
    if !diff.add.is_empty() {
        let reason = describe_added(&diff.add, &actual.tags);
        let action = Action::CreateTags {
            group: group.clone(),
            tags: diff.add,
        };
        draft.push(action, BTreeSet::new(), &wanted.origins, reason);
    }
    if !diff.remove.is_empty() {
        let reason = describe_removed(&diff.remove);
        let action = Action::DeleteTags {
            group,
            tags: diff.remove,
        };
        draft.push(action, BTreeSet::new(), &wanted.origins, reason);
    }
}

/// Opens missing rules, then closes the others. Beyond the quota the old ones go first, since AWS would refuse
/// the new ones.
fn change_rules(draft: &mut Draft, wanted: &SecurityGroup, actual: &SecurityGroup) {
    let RuleDiff { missing, extra } = diff_rules(&wanted.ingress, &actual.ingress);
    let stays = draft.frozen || draft.holds_back(&extra);
    let extra = if stays { Vec::new() } else { extra };
    let group = draft.handle(ResourceKind::SecurityGroup, &wanted.id);
    let authorize = (!missing.is_empty()).then(|| {
        let reason = format!("{} added", describe_rules(&missing));
        (
            Action::AuthorizeIngress {
                group: group.clone(),
                permissions: missing.clone(),
                description: String::new(),
            },
            reason,
        )
    });
    let revoke = (!extra.is_empty()).then(|| {
        let reason = format!("{} removed", describe_rules(&extra));
        (
            Action::RevokeIngress {
                group,
                permissions: extra.clone(),
            },
            reason,
        )
    });
    let together = actual.ingress.len() + missing.len();
    let close_first = !INBOUND_RULES.allows(together) && !extra.is_empty();
    let mut ordered = [authorize, revoke];
    if close_first {
        ordered.reverse();
    } else if !draft.leaving.is_empty() {
        let late = ordered.last_mut().and_then(Option::take);
        let late = late.map(|(action, reason)| (action, wanted.origins.clone(), reason));
        draft.late.extend(late);
    }
    let mut needs = BTreeSet::new();
    for (action, reason) in ordered.into_iter().flatten() {
        let reason = if close_first {
            format!("{reason} (no overlap: at most {} rules)", INBOUND_RULES.value)
        } else {
            reason
        };
        needs = BTreeSet::from([draft.push(action, needs, &wanted.origins, reason)]);
    }
}

/// Closes rules that a load balancer needed whose place is taken, once it is gone; not while it stays.
pub(super) fn close(draft: &mut Draft) {
    if !draft.leaving.iter().all(|arn| draft.end_of(arn).is_some()) {
        return;
    }
    let needs: BTreeSet<_> = draft.leaving.iter().filter_map(|arn| draft.end_of(arn)).collect();
    for (action, origins, reason) in std::mem::take(&mut draft.late) {
        draft.push(action, needs.clone(), &origins, reason);
    }
}

/// Rules to open and to close.
struct RuleDiff {
    missing: Vec<IngressPermission>,
    extra: Vec<IngressPermission>,
}

fn diff_rules(wanted: &[IngressPermission], actual: &[IngressPermission]) -> RuleDiff {
    let by_identity = |rules: &[IngressPermission]| -> BTreeMap<IngressPermission, IngressPermission> {
        let sorted: BTreeSet<&IngressPermission> = rules.iter().collect();
        sorted
            .into_iter()
            .rev()
            .map(|rule| (normalized(rule), rule.clone()))
            .collect()
    };
    let (wanted, actual) = (by_identity(wanted), by_identity(actual));
    let without = |rules: &BTreeMap<IngressPermission, IngressPermission>,
                   others: &BTreeMap<IngressPermission, IngressPermission>| {
        rules
            .iter()
            .filter(|(identity, _)| !others.contains_key(identity))
            .map(|(_, rule)| rule.clone())
            .collect()
    };
    RuleDiff {
        missing: without(&wanted, &actual),
        extra: without(&actual, &wanted),
    }
}

/// The rule as AWS stores it: host bits of a CIDR cleared, IPv6 in short form.
pub(super) fn normalized(rule: &IngressPermission) -> IngressPermission {
    let canonical = |text: &str| {
        text.parse::<IpNet>()
            .map_or_else(|_| text.to_owned(), |net| net.trunc().to_string())
    };
    let mut rule = rule.clone();
    match &mut rule.source {
        PermissionSource::Ipv4(cidr) | PermissionSource::Ipv6(cidr) => *cidr = canonical(cidr),
        PermissionSource::PrefixList(_) | PermissionSource::Group(_) => {}
    }
    rule
}

/// `tcp 80 from 0.0.0.0/0, ...` for printing.
pub(crate) fn describe_rules(rules: &[IngressPermission]) -> String {
    rules.iter().map(describe_rule).collect::<Vec<_>>().join(", ")
}

fn describe_rule(rule: &IngressPermission) -> String {
    let ports = match (rule.from_port, rule.to_port) {
        (Some(from), Some(to)) if from == to => format!(" {from}"),
        (Some(from), Some(to)) => format!(" {from}-{to}"),
        (Some(port), None) | (None, Some(port)) => format!(" {port}"),
        (None, None) => String::new(),
    };
    let source = match &rule.source {
        PermissionSource::Ipv4(text)
        | PermissionSource::Ipv6(text)
        | PermissionSource::PrefixList(text)
        | PermissionSource::Group(text) => text,
    };
    format!("{}{ports} from {source}", rule.protocol)
}
