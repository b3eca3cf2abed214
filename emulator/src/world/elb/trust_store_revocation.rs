//! Revocation lists of trust stores.

use super::{
    limits::within,
    page::{Page, PageRequest},
    trust_store::{Location, Revocation},
};
use crate::world::{ApiError, World};

/// A revocation list with its id.
pub type Numbered = (u64, Revocation);

/// AddTrustStoreRevocations: all or none.
///
/// # Errors
/// `TrustStoreNotFound`, `RevocationContentNotFound`, `InvalidRevocationContent`,
/// `TooManyTrustStoreRevocationEntries`, `ValidationError`.
pub fn add(world: &mut World, arn: &str, lists: &[Location]) -> Result<Vec<Numbered>, ApiError> {
    let store = world.elb.trust_store(arn)?;
    if lists.is_empty() {
        return Err(ApiError::validation(
            "At least one revocation content must be specified",
        ));
    }
    let limit = world.quotas.revocation_lists_per_trust_store;
    if !within(limit, store.revocations.len() + lists.len()) {
        return Err(ApiError::new(
            "InvalidRevocationContent",
            format!("A trust store can have up to {limit} revocation lists"),
        ));
    }
    // Ids are never given again, so the next one is above all there ever were.
    let mut id = world.elb.last_revocation;
    let mut added = Vec::new();
    for list in lists {
        id += 1;
        added.push((id, read(world, list)?));
    }
    let entries = store.revoked_entries() + added.iter().map(|(_, list)| list.entries).sum::<u64>();
    let limit = world.quotas.revoked_entries_per_trust_store;
    if entries > limit.into() {
        return Err(ApiError::new(
            "TooManyTrustStoreRevocationEntries",
            format!("A trust store can have up to {limit} revoked entries"),
        ));
    }
    world.elb.last_revocation = id;
    world.elb.trust_store_mut(arn)?.revocations.extend(added.clone());
    Ok(added)
}

fn read(world: &World, list: &Location) -> Result<Revocation, ApiError> {
    let place = format!("s3://{}/{}", list.bucket, list.key);
    match world.s3.object(&list.bucket, &list.key) {
        None => Err(ApiError::new(
            "RevocationContentNotFound",
            format!("The revocation content '{place}' was not found"),
        )),
        Some(object) if object.revoked_entries == 0 => Err(ApiError::new(
            "InvalidRevocationContent",
            format!("The revocation content '{place}' is no certificate revocation list"),
        )),
        Some(object) => Ok(Revocation {
            list: list.clone(),
            entries: object.revoked_entries,
        }),
    }
}

fn unknown(id: u64) -> ApiError {
    ApiError::new("RevocationIdNotFound", format!("Revocation id '{id}' not found"))
}

/// DescribeTrustStoreRevocations: those named, or all.
pub fn describe(
    world: &World,
    arn: &str,
    ids: &[u64],
    page: &PageRequest,
) -> Result<Page<Numbered>, ApiError> {
    let lists = &world.elb.trust_store(arn)?.revocations;
    if let Some(id) = ids.iter().find(|id| !lists.contains_key(id)) {
        return Err(unknown(*id));
    }
    let wanted = lists.iter().filter(|(id, _)| ids.is_empty() || ids.contains(id));
    let found = wanted.map(|(id, list)| (*id, list.clone())).collect();
    page.cut(found, |(id, _)| format!("{id:020}"))
}

/// RemoveTrustStoreRevocations: all or none.
pub fn remove(world: &mut World, arn: &str, ids: &[u64]) -> Result<(), ApiError> {
    let store = world.elb.trust_store_mut(arn)?;
    if ids.is_empty() {
        return Err(ApiError::validation(
            "At least one revocation id must be specified",
        ));
    }
    if let Some(id) = ids.iter().find(|id| !store.revocations.contains_key(id)) {
        return Err(unknown(*id));
    }
    store.revocations.retain(|id, _| !ids.contains(id));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::world::{
        elb::{
            tests::world,
            trust_store::tests::{make, place},
        },
        s3::Object,
    };

    fn ids(world: &World, arn: &str) -> Vec<u64> {
        let page = describe(world, arn, &[], &PageRequest::default()).unwrap();
        page.items.into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn lists_get_ids_that_are_never_given_again() {
        let mut world = world();
        let arn = make(&mut world, "one").unwrap().arn;
        add(&mut world, &arn, &[place("a"), place("b")]).unwrap();
        assert_eq!(ids(&world, &arn), [1, 2]);
        remove(&mut world, &arn, &[2]).unwrap();
        add(&mut world, &arn, &[place("b")]).unwrap();
        assert_eq!(ids(&world, &arn), [1, 3]);
        assert_eq!(world.elb.trust_store(&arn).unwrap().revoked_entries(), 2);
        assert_eq!(
            remove(&mut world, &arn, &[1, 2]).unwrap_err().code,
            "RevocationIdNotFound"
        );
        assert_eq!(ids(&world, &arn), [1, 3]);
        let unknown = describe(&world, &arn, &[2], &PageRequest::default()).unwrap_err();
        assert_eq!(unknown.code, "RevocationIdNotFound");
    }

    #[test]
    fn contents_and_limits_are_checked() {
        let mut world = world();
        let arn = make(&mut world, "one").unwrap().arn;
        let holds = |revoked_entries| Object {
            ca_certificates: 0,
            revoked_entries,
        };
        let objects = [("bundles/big", 500_001), ("bundles/none", 0), ("bundles/ok", 2)];
        world.s3.objects = Some(objects.map(|(key, count)| (key.to_owned(), holds(count))).into());
        world.quotas.revocation_lists_per_trust_store = 1;
        let mut code = |key: &str| add(&mut world, &arn, &[place(key)]).map_err(|error| error.code);
        assert_eq!(code("gone").unwrap_err(), "RevocationContentNotFound");
        assert_eq!(code("none").unwrap_err(), "InvalidRevocationContent");
        assert_eq!(code("big").unwrap_err(), "TooManyTrustStoreRevocationEntries");
        assert_eq!(code("ok").unwrap()[0].1.entries, 2);
        assert_eq!(code("ok").unwrap_err(), "InvalidRevocationContent");
    }
}
