//! RequestCertificate and DeleteCertificate.

use jiff::{SignedDuration, Timestamp};

use super::{Certificate, find, in_use_by, tags, validation};
use crate::world::{ApiError, World, elb::limits::within, ids::digits_of};

/// How long an idempotency token is remembered.
const TOKEN_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// `RequestCertificate`
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `DomainName`
    pub domain: String,
    /// `SubjectAlternativeNames`
    pub alternatives: Vec<String>,
    /// `ValidationMethod`; `EMAIL` unless given.
    pub validation: Option<&'static str>,
    /// `KeyAlgorithm`; `RSA_2048` unless given.
    pub key_algorithm: Option<&'static str>,
    /// `CertificateAuthorityArn`: a private certificate.
    pub authority: Option<String>,
    /// `IdempotencyToken`
    pub token: Option<String>,
    /// `Tags`
    pub tags: Vec<(String, String)>,
}

/// RequestCertificate: a public certificate is pending for the delay `certificate_validation`, then issued; no DNS
/// record is needed. A private one is issued at once. The same request with the same token within an hour answers
/// the same certificate.
///
/// # Errors
/// `ValidationException`, `InvalidParameterException`, `InvalidArnException`, `LimitExceededException` and those of tags.
pub fn request(world: &mut World, now: Timestamp, request: &Request) -> Result<String, ApiError> {
    check(world, request)?;
    let tags = tags::checked(&world.quotas, &request.tags)?;
    let mut domains = vec![request.domain.clone()];
    for name in &request.alternatives {
        if !domains.contains(name) {
            domains.push(name.clone());
        }
    }
    let delay = SignedDuration::from_secs(world.delays.certificate_validation.into());
    let private = request.authority.is_some();
    let wait = if private { SignedDuration::ZERO } else { delay };
    let made = Certificate {
        arn: String::new(),
        domains,
        kind: if private { "PRIVATE" } else { "AMAZON_ISSUED" },
        status: "PENDING_VALIDATION",
        key_algorithm: request.key_algorithm.unwrap_or("RSA_2048"),
        authority: request.authority.clone(),
        validation: (!private).then(|| request.validation.unwrap_or("EMAIL")),
        created: now,
        issued: Some(now.saturating_add(wait).unwrap_or(now)),
        token: request.token.clone(),
        tags,
    };
    if let Some(earlier) = repeated(world, now, &made) {
        return Ok(earlier.arn.clone());
    }
    let id = uuid(&world.ids.hex(32));
    let arn = world.arn("acm", &format!("certificate/{id}"));
    world.certificates.put(Certificate {
        arn: arn.clone(),
        ..made
    });
    world.certificates.advance(now);
    Ok(arn)
}

fn check(world: &World, request: &Request) -> Result<(), ApiError> {
    for name in std::iter::once(&request.domain).chain(&request.alternatives) {
        if !is_domain(name) {
            return Err(validation(format!(
                "1 validation error detected: Value '{name}' at 'domainName' failed to satisfy constraint: \
                 Member must be a domain name, which may begin with *."
            )));
        }
    }
    let limit = world.quotas.domains_per_certificate;
    if !within(limit, request.alternatives.len() + 1) {
        let message = format!("The certificate may have at most {limit} domain names");
        return Err(ApiError::new("LimitExceededException", message));
    }
    let token_fits = |token: &String| {
        (1..=32).contains(&token.len()) && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if request.token.as_ref().is_some_and(|token| !token_fits(token)) {
        return Err(validation(
            "The idempotency token must be 1 to 32 letters, digits or _",
        ));
    }
    let Some(authority) = &request.authority else {
        return Ok(());
    };
    if authority.split(':').nth(2) != Some("acm-pca") {
        let message = format!("{authority} is not a valid ARN of a certificate authority");
        return Err(ApiError::new("InvalidArnException", message));
    }
    if request.validation.is_some() {
        let message = "A validation method cannot be specified for a private certificate";
        return Err(ApiError::new("InvalidParameterException", message));
    }
    Ok(())
}

fn is_domain(name: &str) -> bool {
    let labels: Vec<&str> = name.strip_prefix("*.").unwrap_or(name).split('.').collect();
    let fits = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && labels.len() > 1 && labels.iter().all(fits)
}

fn repeated<'a>(world: &'a World, now: Timestamp, made: &Certificate) -> Option<&'a Certificate> {
    made.token.as_ref()?;
    let fresh = |found: &Certificate| now.duration_since(found.created) < TOKEN_KEPT;
    world.certificates.of_acm().find(|found| {
        fresh(found)
            && (&found.token, &found.domains, found.kind, &found.authority)
                == (&made.token, &made.domains, made.kind, &made.authority)
            && (found.key_algorithm, found.validation) == (made.key_algorithm, made.validation)
    })
}

fn uuid(digits: &str) -> String {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The DNS record that would prove the ownership of a domain: name and value. Nobody looks for it here.
pub fn validation_record(arn: &str, domain: &str) -> (String, String) {
    let bare = domain.strip_prefix("*.").unwrap_or(domain);
    let (name, value) = (digits_of(bare, 32), digits_of(format!("{arn} {bare}"), 32));
    (
        format!("_{name}.{bare}."),
        format!("_{value}.acm-validations.aws."),
    )
}

/// DeleteCertificate: `ResourceInUseException` while a listener presents it.
pub fn delete(world: &mut World, arn: &str) -> Result<(), ApiError> {
    find(world, arn)?;
    if !in_use_by(world, arn).is_empty() {
        let message = format!("Certificate {arn} in account {} is in use.", world.account);
        return Err(ApiError::new("ResourceInUseException", message));
    }
    world.certificates.0.remove(arn);
    Ok(())
}
