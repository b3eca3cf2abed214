//! Certificates of TLS and HTTPS listeners: one default certificate and a list of further ones.

use super::{
    listener::Listener,
    limits,
    page::{Page, PageRequest},
};
use crate::world::{ApiError, World};

/// A certificate as requests name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// `CertificateArn`
    pub arn: String,
    /// `IsDefault`, which requests may not set.
    pub is_default: Option<bool>,
}

/// A certificate as answers show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// ARN.
    pub arn: String,
    /// Whether it is the default one.
    pub is_default: bool,
}

/// The default certificate of a request: exactly one that exists.
pub fn only(world: &World, named: &[Named]) -> Result<Option<String>, ApiError> {
    match named {
        [] => Ok(None),
        [one] => {
            check(world, one)?;
            Ok(Some(one.arn.clone()))
        }
        more => Err(ApiError::new(
            "TooManyCertificates",
            format!("Up to '1' certificate ARNs can be specified, but '{}' were specified", more.len()),
        )),
    }
}

fn check(world: &World, named: &Named) -> Result<(), ApiError> {
    if named.is_default.is_some() {
        return Err(ApiError::validation("The IsDefault property of a certificate cannot be specified"));
    }
    if world.certificates.contains(&named.arn) {
        return Ok(());
    }
    Err(ApiError::new("CertificateNotFound", format!("Certificate '{}' not found", named.arn)))
}

fn secure(listener: &Listener) -> Result<(), ApiError> {
    if listener.protocol.needs_certificate() {
        return Ok(());
    }
    Err(ApiError::validation(format!("Certificates cannot be specified for {} listeners", listener.protocol)))
}

/// AddListenerCertificates: adding what is there succeeds. Answers the certificates added.
pub fn add(world: &mut World, listener: &str, named: &[Named]) -> Result<Vec<Shown>, ApiError> {
    let found = world.elb.listener(listener)?;
    secure(found)?;
    if named.is_empty() {
        return Err(ApiError::validation("At least one certificate must be specified"));
    }
    for one in named {
        check(world, one)?;
    }
    let mut merged = found.extra_certificates.clone();
    merged.extend(named.iter().map(|one| one.arn.clone()));
    let owner = &found.load_balancer;
    let others = world.elb.listeners.values().filter(|other| other.load_balancer == *owner && other.arn != listener);
    let count = others.map(|other| other.extra_certificates.len()).sum::<usize>() + merged.len();
    let limit = world.quotas.certificates_per_load_balancer;
    limits::check("TooManyCertificates", limit, count, "certificates per load balancer")?;
    world.elb.listener_mut(listener)?.extra_certificates = merged;
    Ok(named.iter().map(|one| Shown { arn: one.arn.clone(), is_default: false }).collect())
}

/// RemoveListenerCertificates: removing what is not there succeeds; the default certificate, unless it is in
/// the list as well, is `OperationNotPermitted`.
pub fn remove(world: &mut World, listener: &str, named: &[Named]) -> Result<(), ApiError> {
    let found = world.elb.listener_mut(listener)?;
    secure(found)?;
    let only_default = |one: &Named| {
        found.certificate.as_ref() == Some(&one.arn) && !found.extra_certificates.contains(&one.arn)
    };
    if named.iter().any(only_default) {
        return Err(ApiError::new("OperationNotPermitted", "The default certificate of a listener cannot be removed"));
    }
    found.extra_certificates.retain(|arn| !named.iter().any(|one| one.arn == *arn));
    Ok(())
}

/// DescribeListenerCertificates: the default one first; if it is in the list as well it appears twice.
pub fn describe(world: &World, listener: &str, page: &PageRequest) -> Result<Page<Shown>, ApiError> {
    let found = world.elb.listener(listener)?;
    let shown = |is_default| move |arn: &String| Shown { arn: arn.clone(), is_default };
    let list = found.certificate.iter().map(shown(true)).chain(found.extra_certificates.iter().map(shown(false)));
    page.cut(list.collect(), |one| format!("{} {}", u8::from(!one.is_default), one.arn))
}
