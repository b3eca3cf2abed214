//! Operations on trust stores and their revocation lists.

use jiff::Timestamp;

use super::{
    super::{Params, Xml},
    read,
};
use crate::world::{
    ApiError, World,
    elb::{
        trust_store::{self, Location, TrustStore},
        trust_store_revocation::{self as revocation, Numbered},
    },
};

fn bundle(params: &Params) -> Result<Location, ApiError> {
    Ok(Location {
        bucket: params.required("CaCertificatesBundleS3Bucket")?.to_owned(),
        key: params.required("CaCertificatesBundleS3Key")?.to_owned(),
        version: read::text(params, "CaCertificatesBundleS3ObjectVersion"),
    })
}

fn arn(params: &Params) -> Result<&str, ApiError> {
    params.required("TrustStoreArn")
}

fn answer<'a>(found: impl IntoIterator<Item = &'a TrustStore>) -> Xml {
    let mut xml = Xml::new();
    xml.list("TrustStores", "member", found, |xml, store| {
        xml.text("Name", &store.name)
            .text("TrustStoreArn", &store.arn)
            .text("Status", if store.active { "ACTIVE" } else { "CREATING" })
            .text("NumberOfCaCertificates", store.ca_certificates)
            .text("TotalRevokedEntries", store.revoked_entries());
    });
    xml
}

pub(super) fn create(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    let tags = read::pairs(params, "Tags.member")?;
    let made = trust_store::create(world, now, params.required("Name")?, bundle(params)?, &tags)?;
    Ok(answer([&made]))
}

pub(super) fn modify(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let changed = trust_store::modify(world, arn(params)?, bundle(params)?)?;
    Ok(answer([&changed]))
}

pub(super) fn delete(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    trust_store::delete(world, arn(params)?)?;
    Ok(Xml::new())
}

pub(super) fn describe(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let page = trust_store::describe(
        &world.elb,
        &params.list("TrustStoreArns.member"),
        &params.list("Names.member"),
        &read::page(world, params)?,
    )?;
    let mut xml = answer(&page.items);
    xml.opt("NextMarker", page.next);
    Ok(xml)
}

pub(super) fn describe_associations(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let page = trust_store::describe_associations(&world.elb, arn(params)?, &read::page(world, params)?)?;
    let mut xml = Xml::new();
    xml.list("TrustStoreAssociations", "member", page.items, |xml, listener| {
        xml.text("ResourceArn", listener);
    });
    xml.opt("NextMarker", page.next);
    Ok(xml)
}

fn ids(params: &Params) -> Result<Vec<u64>, ApiError> {
    let texts = params.list("RevocationIds.member");
    let id = |text: &String| {
        text.parse()
            .map_err(|_| ApiError::validation(format!("The revocation id '{text}' is not valid")))
    };
    texts.iter().map(id).collect()
}

fn revocations(arn: &str, found: Vec<Numbered>) -> Xml {
    let mut xml = Xml::new();
    xml.list("TrustStoreRevocations", "member", found, |xml, (id, list)| {
        xml.text("TrustStoreArn", arn)
            .text("RevocationId", id)
            .text("RevocationType", "CRL")
            .text("NumberOfRevokedEntries", list.entries);
    });
    xml
}

pub(super) fn add_revocations(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let contents = params.children("RevocationContents.member");
    let lists = contents.iter().map(content).collect::<Result<Vec<_>, _>>()?;
    let added = revocation::add(world, arn(params)?, &lists)?;
    Ok(revocations(arn(params)?, added))
}

fn content(params: &Params) -> Result<Location, ApiError> {
    if let Some(kind) = params.get("RevocationType").filter(|kind| *kind != "CRL") {
        return Err(ApiError::validation(format!(
            "1 validation error detected: Value '{kind}' at 'revocationType' failed to satisfy constraint: \
             Member must satisfy enum value set: [CRL]"
        )));
    }
    Ok(Location {
        bucket: params.required("S3Bucket")?.to_owned(),
        key: params.required("S3Key")?.to_owned(),
        version: read::text(params, "S3ObjectVersion"),
    })
}

pub(super) fn describe_revocations(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let page = revocation::describe(world, arn(params)?, &ids(params)?, &read::page(world, params)?)?;
    let mut xml = revocations(arn(params)?, page.items);
    xml.opt("NextMarker", page.next);
    Ok(xml)
}

pub(super) fn remove_revocations(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    revocation::remove(world, arn(params)?, &ids(params)?)?;
    Ok(Xml::new())
}
