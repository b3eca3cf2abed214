//! Certificates: those of ACM, and the names of IAM server certificates, which listeners take as well.
//!
//! Errors have the codes of the ACM API reference, which end in `Exception`.

pub mod list;
pub mod request;
pub mod tags;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{ApiError, World, elb::tags::Tags};

/// `CertificateStatus`
pub const STATUSES: [&str; 7] = [
    "PENDING_VALIDATION",
    "ISSUED",
    "INACTIVE",
    "EXPIRED",
    "VALIDATION_TIMED_OUT",
    "REVOKED",
    "FAILED",
];
/// `CertificateType`
pub const TYPES: [&str; 3] = ["IMPORTED", "AMAZON_ISSUED", "PRIVATE"];
/// `KeyAlgorithm`
pub const KEY_ALGORITHMS: [&str; 7] = [
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
];

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// ARN.
    pub arn: String,
    /// Its names, the common one first; none is known of a certificate that the seed gives by ARN only.
    pub domains: Vec<String>,
    /// `IMPORTED`, `AMAZON_ISSUED` or `PRIVATE`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Status, one of [`STATUSES`].
    pub status: &'static str,
    /// Key algorithm, one of [`KEY_ALGORITHMS`].
    pub key_algorithm: &'static str,
    /// ARN of the private authority that issued it.
    pub authority: Option<String>,
    /// `DNS`, `EMAIL` or `HTTP`: how the owner of a requested public certificate is asked.
    pub validation: Option<&'static str>,
    /// When it was requested or imported.
    pub created: Timestamp,
    /// When it is issued; in the future while it is pending.
    pub issued: Option<Timestamp>,
    /// `IdempotencyToken` of its request.
    #[serde(skip)]
    pub token: Option<String>,
    /// Tags.
    pub tags: Tags,
}

impl Certificate {
    /// An imported certificate that exists since ever.
    pub fn imported(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            domains: Vec::new(),
            kind: "IMPORTED",
            status: "ISSUED",
            key_algorithm: "RSA_2048",
            authority: None,
            validation: None,
            created: Timestamp::UNIX_EPOCH,
            issued: Some(Timestamp::UNIX_EPOCH),
            token: None,
            tags: Tags::new(),
        }
    }

    /// Whether a listener can present it.
    pub fn usable(&self) -> bool {
        self.status == "ISSUED"
    }
}

/// The certificates of the account, by ARN.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Certificates(BTreeMap<String, Certificate>);

impl Certificates {
    /// A certificate of which only the ARN is known.
    pub fn insert(&mut self, arn: impl Into<String>) {
        self.put(Certificate::imported(&arn.into()));
    }

    /// Adds a certificate, or takes the place of that ARN.
    pub fn put(&mut self, certificate: Certificate) {
        self.0.insert(certificate.arn.clone(), certificate);
    }

    /// A certificate by its ARN, whatever service it is of.
    pub fn get(&self, arn: &str) -> Option<&Certificate> {
        self.0.get(arn)
    }

    /// Those of ACM, by ARN.
    pub fn of_acm(&self) -> impl Iterator<Item = &Certificate> {
        self.0.values().filter(|found| is_acm(&found.arn))
    }

    /// Removes what was created at or after `since` (see [`World::hide_created_since`]).
    pub fn hide_created_since(&mut self, since: Timestamp) {
        self.0.retain(|_, found| found.created < since);
    }

    /// Issues what is due.
    pub fn advance(&mut self, now: Timestamp) {
        for found in self.0.values_mut() {
            if found.status == "PENDING_VALIDATION" && found.issued.is_some_and(|at| at <= now) {
                found.status = "ISSUED";
            }
        }
    }
}

fn is_acm(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("acm")
}

/// A certificate of ACM: `InvalidArnException` or `ResourceNotFoundException` if there is none.
pub fn find<'a>(world: &'a World, arn: &str) -> Result<&'a Certificate, ApiError> {
    let mut parts = arn.splitn(6, ':');
    let well_formed = parts.next() == Some("arn")
        && parts.nth(1) == Some("acm")
        && parts
            .nth(2)
            .is_some_and(|resource| resource.starts_with("certificate/"));
    if !well_formed {
        let message = format!("{arn} is not a valid ARN of a certificate");
        return Err(ApiError::new("InvalidArnException", message));
    }
    world.certificates.get(arn).ok_or_else(|| {
        let message = format!("Could not find certificate {arn} in account {}.", world.account);
        ApiError::new("ResourceNotFoundException", message)
    })
}

fn find_mut<'a>(world: &'a mut World, arn: &str) -> Result<&'a mut Certificate, ApiError> {
    find(world, arn)?;
    let gone = || {
        ApiError::new(
            "ResourceNotFoundException",
            format!("Could not find certificate {arn}."),
        )
    };
    world.certificates.0.get_mut(arn).ok_or_else(gone)
}

/// The load balancers with a listener that presents a certificate.
pub fn in_use_by(world: &World, arn: &str) -> BTreeSet<String> {
    let presents = |listener: &&super::elb::Listener| {
        listener.certificate.as_deref() == Some(arn) || listener.extra_certificates.contains(arn)
    };
    let users = world.elb.listeners.values().filter(presents);
    users.map(|listener| listener.load_balancer.clone()).collect()
}

/// The word of a closed list, or `ValidationException`.
pub fn word(field: &str, text: &str, allowed: &[&'static str]) -> Result<&'static str, ApiError> {
    allowed.iter().copied().find(|word| *word == text).ok_or_else(|| {
        let message = format!(
            "1 validation error detected: Value '{text}' at '{field}' failed to satisfy constraint: \
             Member must satisfy enum value set: [{}]",
            allowed.join(", ")
        );
        validation(message)
    })
}

/// `ValidationException`
pub fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message)
}
