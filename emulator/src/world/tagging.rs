//! Resource Groups Tagging: resources of all services by their tags, and tags by ARN.

use std::collections::BTreeMap;

use super::{
    ApiError, World, acm,
    elb::tags::{self, Tags},
    token::{self, Cut},
};

/// Most and default number of resources on a page.
const LARGEST_PAGE: i64 = 100;
/// Most resources that one call tags.
const MOST_TAGGED: usize = 20;
/// Most tag filters of a query, values of a filter, and resources named.
const MOST_FILTERS: usize = 50;
const MOST_VALUES: usize = 20;
const MOST_NAMED: usize = 100;

/// `GetResources`
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// `TagFilters`: all keys must be there; of a key's values one must fit, unless there are none.
    pub filters: Vec<(String, Vec<String>)>,
    /// `ResourceTypeFilters`: `SERVICE` or `SERVICE:TYPE`, one of which must fit.
    pub types: Vec<String>,
    /// `ResourceARNList`, alone.
    pub arns: Vec<String>,
    /// `ResourcesPerPage`, 1 to 100.
    pub size: Option<i64>,
    /// `PaginationToken`
    pub token: Option<String>,
}

/// Why one resource of many was not tagged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// `InvalidParameterException` or `InternalServiceException`.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterException", message)
}

/// GetResources: resources that have tags, by ARN.
///
/// # Errors
/// `InvalidParameterException`, `PaginationTokenExpiredException`.
pub fn get(world: &World, query: &Query) -> Result<Cut<(String, Tags)>, ApiError> {
    check(query)?;
    let size = query.size.unwrap_or(LARGEST_PAGE);
    if !(1..=LARGEST_PAGE).contains(&size) {
        return Err(invalid(format!(
            "ResourcesPerPage is {size}; it must be between 1 and {LARGEST_PAGE}"
        )));
    }
    let size = size.min(world.page_size.map_or(LARGEST_PAGE, |cap| i64::from(cap.max(1))));
    let mut found = all(world);
    found.retain(|arn, tags| !tags.is_empty() && keeps(query, arn, tags));
    let found = found.into_iter().map(|(arn, tags)| (arn, tags.clone())).collect();
    token::cut(
        found,
        false,
        query.token.as_deref(),
        usize::try_from(size).unwrap_or(1),
        |(arn, _)| arn.clone(),
    )
    .map_err(|token| {
        // Nobody documents what a token that was never given out meets; this is what one that is too old does.
        let message = format!("The pagination token '{token}' has expired");
        ApiError::new("PaginationTokenExpiredException", message)
    })
}

fn check(query: &Query) -> Result<(), ApiError> {
    if query.filters.len() > MOST_FILTERS {
        return Err(invalid(format!(
            "At most {MOST_FILTERS} tag filters can be specified"
        )));
    }
    if query.filters.iter().any(|(_, values)| values.len() > MOST_VALUES) {
        return Err(invalid(format!(
            "A tag filter can have at most {MOST_VALUES} values"
        )));
    }
    if query.filters.iter().any(|(key, _)| key.is_empty()) {
        return Err(invalid("A tag filter must have a key"));
    }
    if query.arns.len() > MOST_NAMED {
        return Err(invalid(format!("At most {MOST_NAMED} ARNs can be specified")));
    }
    let filtered = !query.filters.is_empty() || !query.types.is_empty() || query.size.is_some();
    if !query.arns.is_empty() && filtered {
        return Err(invalid(
            "ResourceARNList cannot be combined with filters or a page size",
        ));
    }
    Ok(())
}

fn keeps(query: &Query, arn: &str, tags: &Tags) -> bool {
    let fits = |(key, values): &(String, Vec<String>)| {
        tags.get(key)
            .is_some_and(|value| values.is_empty() || values.contains(value))
    };
    (query.arns.is_empty() || query.arns.iter().any(|named| named == arn))
        && query.filters.iter().all(fits)
        && (query.types.is_empty() || query.types.iter().any(|kind| is_of(arn, kind)))
}

/// Whether an ARN is of `SERVICE` or `SERVICE:TYPE`; a type may have further parts (`loadbalancer/net`).
fn is_of(arn: &str, kind: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next().unwrap_or_default(), parts.nth(2).unwrap_or_default());
    match kind.split_once(':') {
        None => service == kind,
        Some((wanted, kind)) => {
            let rest = resource.strip_prefix(kind);
            service == wanted && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
        }
    }
}

/// Every resource that can be tagged, by ARN.
fn all(world: &World) -> BTreeMap<String, &Tags> {
    let mut all: BTreeMap<String, &Tags> = BTreeMap::new();
    for (arn, tags) in tags::all(&world.elb) {
        all.insert(arn.to_owned(), tags);
    }
    for found in world.certificates.of_acm() {
        all.insert(found.arn.clone(), &found.tags);
    }
    let ec2 = &world.ec2;
    let mut put = |kind: &str, id: &String, tags| {
        all.insert(world.arn("ec2", &format!("{kind}/{id}")), tags);
    };
    ec2.vpcs.iter().for_each(|(id, one)| put("vpc", id, &one.tags));
    ec2.subnets
        .iter()
        .for_each(|(id, one)| put("subnet", id, &one.tags));
    ec2.route_tables
        .iter()
        .for_each(|(id, one)| put("route-table", id, &one.tags));
    ec2.instances
        .iter()
        .for_each(|(id, one)| put("instance", id, &one.tags));
    ec2.interfaces
        .iter()
        .for_each(|(id, one)| put("network-interface", id, &one.tags));
    ec2.security_groups
        .iter()
        .for_each(|(id, one)| put("security-group", id, &one.tags));
    all
}

/// TagResources: each resource for itself; answers those that failed.
///
/// # Errors
/// `InvalidParameterException` where the request as a whole cannot stand.
pub fn tag(world: &mut World, arns: &[String], tags: &Tags) -> Result<BTreeMap<String, Failure>, ApiError> {
    check_named(arns)?;
    if tags.is_empty() {
        return Err(invalid("At least one tag must be specified"));
    }
    if let Some(key) = tags.keys().find(|key| key.starts_with("aws:")) {
        return Err(invalid(format!(
            "The tag key '{key}' starts with the reserved prefix 'aws:'"
        )));
    }
    let list: Vec<(String, String)> = tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    let limit = world.quotas.tags_per_resource;
    Ok(each(arns, |arn| match place(arn) {
        Place::Elb => tags::add(world, &[arn.to_owned()], &list),
        Place::Acm => acm::tags::add(world, arn, &list),
        Place::Ec2(id) => world.ec2.create_tags(&[id.to_owned()], tags, limit),
        Place::Nowhere => Err(nowhere(arn)),
    }))
}

/// UntagResources: each resource for itself; keys that are not there are ignored. Answers those that failed.
///
/// # Errors
/// `InvalidParameterException` where the request as a whole cannot stand.
pub fn untag(
    world: &mut World,
    arns: &[String],
    keys: &[String],
) -> Result<BTreeMap<String, Failure>, ApiError> {
    check_named(arns)?;
    if !(1..=MOST_FILTERS).contains(&keys.len()) {
        return Err(invalid(format!(
            "Between 1 and {MOST_FILTERS} tag keys must be specified"
        )));
    }
    let wanted: Vec<_> = keys.iter().map(|key| (key.clone(), None)).collect();
    Ok(each(arns, |arn| match place(arn) {
        Place::Elb => tags::remove(world, &[arn.to_owned()], keys),
        Place::Acm => acm::tags::remove(world, arn, keys),
        Place::Ec2(id) => world.ec2.delete_tags(&[id.to_owned()], &wanted),
        Place::Nowhere => Err(nowhere(arn)),
    }))
}

fn check_named(arns: &[String]) -> Result<(), ApiError> {
    if (1..=MOST_TAGGED).contains(&arns.len()) {
        return Ok(());
    }
    Err(invalid(format!(
        "Between 1 and {MOST_TAGGED} resource ARNs must be specified"
    )))
}

fn each(arns: &[String], mut act: impl FnMut(&str) -> Result<(), ApiError>) -> BTreeMap<String, Failure> {
    let mut failed = BTreeMap::new();
    for arn in arns {
        if let Err(error) = act(arn) {
            let failure = Failure {
                status: 400,
                code: "InvalidParameterException",
                message: error.message,
            };
            failed.insert(arn.clone(), failure);
        }
    }
    failed
}

/// Which service keeps the tags of an ARN.
enum Place<'a> {
    Elb,
    Acm,
    Ec2(&'a str),
    Nowhere,
}

fn place(arn: &str) -> Place<'_> {
    let mut parts = arn.splitn(6, ':').skip(2);
    match (parts.next(), parts.nth(2)) {
        (Some("elasticloadbalancing"), _) => Place::Elb,
        (Some("acm"), _) => Place::Acm,
        (Some("ec2"), Some(resource)) => Place::Ec2(resource.split_once('/').map_or("", |(_, id)| id)),
        _ => Place::Nowhere,
    }
}

fn nowhere(arn: &str) -> ApiError {
    invalid(format!("The resource '{arn}' cannot be tagged"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::world::elb::tests::{serving, world};

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn tagged() -> (World, String, String) {
        let mut world = world();
        let (owner, group) = serving(&mut world, true);
        tag(
            &mut world,
            &[owner.arn.clone(), group.clone()],
            &tags(&[("cluster", "one")]),
        )
        .unwrap();
        tag(&mut world, std::slice::from_ref(&group), &tags(&[("stack", "a")])).unwrap();
        (world, owner.arn, group)
    }

    fn found(world: &World, query: &Query) -> Vec<String> {
        get(world, query)
            .unwrap()
            .items
            .into_iter()
            .map(|(arn, _)| arn)
            .collect()
    }

    #[test]
    fn resources_are_found_by_all_keys_and_any_value() {
        let (world, owner, group) = tagged();
        let by = |filters: &[(&str, &[&str])]| Query {
            filters: filters
                .iter()
                .map(|(k, values)| ((*k).to_owned(), values.iter().map(|v| (*v).to_owned()).collect()))
                .collect(),
            ..Query::default()
        };
        assert_eq!(
            found(&world, &by(&[("cluster", &["two", "one"])])),
            [owner.clone(), group.clone()]
        );
        assert_eq!(
            found(&world, &by(&[("cluster", &["one"]), ("stack", &[])])),
            [group]
        );
        assert!(found(&world, &by(&[("cluster", &["two"])])).is_empty());
    }

    #[test]
    fn resource_types_are_services_or_the_start_of_the_resource() {
        let (world, owner, group) = tagged();
        for (kind, wanted) in [
            ("elasticloadbalancing", vec![owner.clone(), group.clone()]),
            ("elasticloadbalancing:loadbalancer", vec![owner.clone()]),
            ("elasticloadbalancing:loadbalancer/net", vec![owner.clone()]),
            ("elasticloadbalancing:loadbalancer/app", vec![]),
            ("elasticloadbalancing:target", vec![]),
            ("elasticloadbalancing:targetgroup", vec![group.clone()]),
            ("ec2:vpc", vec![]),
        ] {
            let query = Query {
                types: vec![kind.to_owned()],
                ..Query::default()
            };
            assert_eq!(found(&world, &query), wanted, "{kind}");
        }
    }

    #[test]
    fn pages_follow_each_other_and_sizes_are_checked() {
        let (world, owner, group) = tagged();
        let mut query = Query {
            size: Some(1),
            ..Query::default()
        };
        let first = get(&world, &query).unwrap();
        assert_eq!(first.items[0].0, owner);
        query.token = first.next;
        let second = get(&world, &query).unwrap();
        assert_eq!((second.items[0].0.as_str(), second.next), (group.as_str(), None));
        for size in [0, 101] {
            query.size = Some(size);
            assert_eq!(get(&world, &query).unwrap_err().code, "InvalidParameterException");
        }
    }

    #[test]
    fn every_resource_is_tagged_for_itself() {
        let (mut world, owner, _) = tagged();
        let gone = format!("{owner}gone");
        let failed = tag(&mut world, &[gone.clone(), owner.clone()], &tags(&[("x", "y")])).unwrap();
        assert_eq!(failed.keys().collect::<Vec<_>>(), [&gone]);
        assert_eq!(all(&world)[&owner], &tags(&[("cluster", "one"), ("x", "y")]));
        let certificate = crate::world::elb::tests::CERTIFICATE.to_owned();
        let group = world.arn("ec2", "security-group/sg-1");
        let others = [certificate, group, owner];
        assert!(tag(&mut world, &others, &tags(&[("z", "")])).unwrap().is_empty());
        assert!(
            untag(&mut world, &others, &["z".to_owned(), "x".to_owned()])
                .unwrap()
                .is_empty()
        );
        assert_eq!(all(&world)[&others[2]], &tags(&[("cluster", "one")]));
        assert!(untag(&mut world, &[], &["z".to_owned()]).is_err());
    }
}
