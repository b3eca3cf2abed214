//! Trust stores: bundles of CA certificates that HTTPS listeners verify clients with.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    Elb,
    arn::{self, Kind},
    limits, names,
    page::{Page, PageRequest},
    tags::{self, Tags},
};
use crate::world::{ApiError, World};

/// A trust store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustStore {
    /// ARN.
    pub arn: String,
    /// Name, unique in the region.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
    /// When it becomes active.
    pub active_at: Timestamp,
    /// Whether it is active; until then no listener can use it.
    pub active: bool,
    /// Where its CA certificates were read.
    pub bundle: Location,
    /// How many there were.
    pub ca_certificates: u32,
    /// Revocation lists by id.
    pub revocations: BTreeMap<u64, Revocation>,
    /// Tags.
    pub tags: Tags,
}

/// An S3 object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Location {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// Version, not looked at.
    pub version: Option<String>,
}

/// A revocation list of a trust store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// Where it was read.
    pub list: Location,
    /// How many certificates it revokes.
    pub entries: u64,
}

impl TrustStore {
    /// How many certificates all its lists revoke.
    pub fn revoked_entries(&self) -> u64 {
        self.revocations.values().map(|list| list.entries).sum()
    }
}

/// CreateTrustStore. A second call with that name is refused, whatever it says.
///
/// # Errors
/// `DuplicateTrustStoreName`, `TooManyTrustStores`, `CaCertificatesBundleNotFound`, `InvalidCaCertificatesBundle`,
/// `ValidationError` and tag errors.
pub fn create(
    world: &mut World,
    now: Timestamp,
    name: &str,
    bundle: Location,
    tags: &[(String, String)],
) -> Result<TrustStore, ApiError> {
    names::check("trust store", name)?;
    let tags = tags::checked(&world.quotas, tags)?;
    if world.elb.trust_stores.values().any(|store| store.name == name) {
        let message = format!("A trust store with the name '{name}' already exists");
        return Err(ApiError::new("DuplicateTrustStoreName", message));
    }
    let count = world.elb.trust_stores.len() + 1;
    limits::check(
        "TooManyTrustStores",
        world.quotas.trust_stores,
        count,
        "trust stores",
    )?;
    let ca_certificates = read_bundle(world, &bundle)?;
    let delay = SignedDuration::from_secs(world.delays.trust_store.into());
    let resource = format!("truststore/{name}/{}", world.ids.hex(16));
    let made = TrustStore {
        arn: arn::of(world, &resource),
        name: name.to_owned(),
        created: now,
        active_at: now.saturating_add(delay).unwrap_or(now),
        active: delay.is_zero(),
        bundle,
        ca_certificates,
        revocations: BTreeMap::new(),
        tags,
    };
    world.elb.trust_stores.insert(made.arn.clone(), made.clone());
    Ok(made)
}

/// How many certificates a bundle holds.
fn read_bundle(world: &World, bundle: &Location) -> Result<u32, ApiError> {
    let place = format!("s3://{}/{}", bundle.bucket, bundle.key);
    let Some(object) = world.s3.object(&bundle.bucket, &bundle.key) else {
        let message = format!("The CA certificate bundle '{place}' was not found");
        return Err(ApiError::new("CaCertificatesBundleNotFound", message));
    };
    let limit = world.quotas.ca_certificates_per_trust_store;
    if (1..=limit).contains(&object.ca_certificates) {
        return Ok(object.ca_certificates);
    }
    let message = format!("The CA certificate bundle '{place}' must hold between 1 and {limit} certificates");
    Err(ApiError::new("InvalidCaCertificatesBundle", message))
}

/// ModifyTrustStore: another bundle takes the place of the present one.
pub fn modify(world: &mut World, arn: &str, bundle: Location) -> Result<TrustStore, ApiError> {
    world.elb.trust_store(arn)?;
    let ca_certificates = read_bundle(world, &bundle)?;
    let store = world.elb.trust_store_mut(arn)?;
    store.bundle = bundle;
    store.ca_certificates = ca_certificates;
    Ok(store.clone())
}

/// DescribeTrustStores: by ARN, by name, or all. One that does not exist fails the call.
pub fn describe(
    elb: &Elb,
    arns: &[String],
    names: &[String],
    page: &PageRequest,
) -> Result<Page<TrustStore>, ApiError> {
    if !arns.is_empty() && !names.is_empty() {
        return Err(ApiError::validation(
            "Trust store names and trust store ARNs cannot be specified at the same time",
        ));
    }
    for arn in arns {
        elb.trust_store(arn)?;
    }
    let known = |name: &&String| elb.trust_stores.values().any(|store| store.name == **name);
    if !names.iter().all(|name| known(&name)) {
        return Err(Kind::TrustStore.not_found());
    }
    let all = arns.is_empty() && names.is_empty();
    let wanted = |store: &&TrustStore| all || arns.contains(&store.arn) || names.contains(&store.name);
    let found = elb.trust_stores.values().filter(wanted).cloned().collect();
    page.cut(found, |store| store.arn.clone())
}

/// The listeners that verify clients with a trust store.
pub fn associations(elb: &Elb, arn: &str) -> Vec<String> {
    let verifies = |listener: &&super::Listener| {
        let mutual = listener.mutual_authentication.as_ref();
        mutual.and_then(|mutual| mutual.trust_store.as_deref()) == Some(arn)
    };
    let users = elb.listeners.values().filter(verifies);
    users.map(|listener| listener.arn.clone()).collect()
}

/// DescribeTrustStoreAssociations.
pub fn describe_associations(elb: &Elb, arn: &str, page: &PageRequest) -> Result<Page<String>, ApiError> {
    elb.trust_store(arn)?;
    page.cut(associations(elb, arn), String::clone)
}

/// DeleteTrustStore: `TrustStoreInUse` while a listener uses it.
pub fn delete(world: &mut World, arn: &str) -> Result<(), ApiError> {
    world.elb.trust_store(arn)?;
    if let Some(user) = associations(&world.elb, arn).first() {
        let message = format!("Trust store '{arn}' is currently in use by the listener '{user}'");
        return Err(ApiError::new("TrustStoreInUse", message));
    }
    world.elb.trust_stores.remove(arn);
    Ok(())
}

/// Activates what is due.
pub fn advance(elb: &mut Elb, now: Timestamp) {
    for store in elb.trust_stores.values_mut() {
        store.active = store.active || store.active_at <= now;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::world::{
        elb::tests::{at, world},
        s3::Object,
    };

    pub fn place(key: &str) -> Location {
        Location {
            bucket: "bundles".into(),
            key: key.into(),
            version: None,
        }
    }

    pub fn make(world: &mut World, name: &str) -> Result<TrustStore, ApiError> {
        create(world, at(0), name, place("ca.pem"), &[])
    }

    #[test]
    fn names_are_unique_and_the_quota_refuses() {
        let mut world = world();
        world.quotas.trust_stores = 2;
        make(&mut world, "one").unwrap();
        assert_eq!(
            make(&mut world, "one").unwrap_err().code,
            "DuplicateTrustStoreName"
        );
        assert_eq!(make(&mut world, "a_b").unwrap_err().code, "ValidationError");
        make(&mut world, "two").unwrap();
        assert_eq!(make(&mut world, "three").unwrap_err().code, "TooManyTrustStores");
    }

    #[test]
    fn bundles_are_read_where_the_account_lists_its_objects() {
        let mut world = world();
        let holds = |ca_certificates| Object {
            ca_certificates,
            revoked_entries: 0,
        };
        let objects = [
            ("bundles/ca.pem".to_owned(), holds(3)),
            ("bundles/empty".to_owned(), holds(0)),
        ];
        world.s3.objects = Some(objects.into());
        let made = make(&mut world, "one").unwrap();
        assert_eq!(made.ca_certificates, 3);
        let mut code = |key: &str| modify(&mut world, &made.arn, place(key)).unwrap_err().code;
        assert_eq!(code("gone"), "CaCertificatesBundleNotFound");
        assert_eq!(code("empty"), "InvalidCaCertificatesBundle");
    }

    #[test]
    fn unknown_ones_fail_the_description() {
        let mut world = world();
        let made = make(&mut world, "one").unwrap();
        let page = PageRequest::default();
        let by_name = |name: &str| describe(&world.elb, &[], &[name.to_owned()], &page);
        assert_eq!(by_name("one").unwrap().items, std::slice::from_ref(&made));
        assert_eq!(by_name("two").unwrap_err().code, "TrustStoreNotFound");
        let gone = format!("{}0", made.arn);
        let error = describe(&world.elb, &[made.arn, gone], &[], &page).unwrap_err();
        assert_eq!(error.code, "TrustStoreNotFound");
    }
}
