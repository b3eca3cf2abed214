//! Certificates of TLS and HTTPS listeners: one default certificate and a list of further ones.

use super::{
    limits,
    listener::Listener,
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
            format!(
                "Up to '1' certificate ARNs can be specified, but '{}' were specified",
                more.len()
            ),
        )),
    }
}

fn check(world: &World, named: &Named) -> Result<(), ApiError> {
    if named.is_default.is_some() {
        return Err(ApiError::validation(
            "The IsDefault property of a certificate cannot be specified",
        ));
    }
    match world.certificates.get(&named.arn) {
        Some(found) if found.usable() => Ok(()),
        // The API model does not list this code, but it is what a certificate that is not issued yet meets.
        Some(found) => Err(ApiError::new(
            "UnsupportedCertificate",
            format!(
                "The certificate '{}' is not issued: its status is {}",
                found.arn, found.status
            ),
        )),
        None => Err(ApiError::new(
            "CertificateNotFound",
            format!("Certificate '{}' not found", named.arn),
        )),
    }
}

fn secure(listener: &Listener) -> Result<(), ApiError> {
    if listener.protocol.needs_certificate() {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "Certificates cannot be specified for {} listeners",
        listener.protocol
    )))
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
    let others = world
        .elb
        .listeners
        .values()
        .filter(|other| other.load_balancer == *owner && other.arn != listener);
    let count = others.map(|other| other.extra_certificates.len()).sum::<usize>() + merged.len();
    let limit = world.quotas.certificates_per_load_balancer;
    limits::check(
        "TooManyCertificates",
        limit,
        count,
        "certificates per load balancer",
    )?;
    world.elb.listener_mut(listener)?.extra_certificates = merged;
    Ok(named
        .iter()
        .map(|one| Shown {
            arn: one.arn.clone(),
            is_default: false,
        })
        .collect())
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
        return Err(ApiError::new(
            "OperationNotPermitted",
            "The default certificate of a listener cannot be removed",
        ));
    }
    found
        .extra_certificates
        .retain(|arn| !named.iter().any(|one| one.arn == *arn));
    Ok(())
}

/// DescribeListenerCertificates: the default one first; if it is in the list as well it appears twice.
pub fn describe(world: &World, listener: &str, page: &PageRequest) -> Result<Page<Shown>, ApiError> {
    let found = world.elb.listener(listener)?;
    let shown = |is_default| {
        move |arn: &String| Shown {
            arn: arn.clone(),
            is_default,
        }
    };
    let list = found
        .certificate
        .iter()
        .map(shown(true))
        .chain(found.extra_certificates.iter().map(shown(false)));
    page.cut(list.collect(), |one| {
        format!("{} {}", u8::from(!one.is_default), one.arn)
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;
    use crate::world::elb::{listener, listener_settings::ListenerSettings, tests::*, words::Protocol};

    const SECOND: &str = "arn:aws:acm:us-west-2:123456789012:certificate/two";

    fn named(arn: &str) -> Named {
        Named {
            arn: arn.into(),
            is_default: None,
        }
    }

    fn secure(world: &mut World) -> String {
        world.certificates.insert(SECOND);
        let owner = create_network(world, "web");
        let group = create_group(world, &tcp("web")).arn;
        let settings = ListenerSettings {
            certificates: Some(vec![named(CERTIFICATE)]),
            ..settings(Protocol::Tls, 443, forward(&[(&group, 1)]))
        };
        listener::create(world, at(0), &owner.arn, &settings, &[])
            .unwrap()
            .arn
    }

    #[test]
    fn the_default_certificate_appears_twice_if_it_is_in_the_list_as_well() {
        let mut world = world();
        let arn = secure(&mut world);
        add(&mut world, &arn, &[named(CERTIFICATE), named(SECOND)]).unwrap();
        add(&mut world, &arn, &[named(SECOND)]).unwrap();
        let shown = describe(&world, &arn, &PageRequest::default()).unwrap().items;
        let shown: Vec<_> = shown
            .iter()
            .map(|one| (one.arn.as_str(), one.is_default))
            .collect();
        assert_eq!(
            shown,
            [(CERTIFICATE, true), (CERTIFICATE, false), (SECOND, false)]
        );
    }

    #[test]
    fn the_default_certificate_cannot_be_removed() {
        let mut world = world();
        let arn = secure(&mut world);
        assert_eq!(
            remove(&mut world, &arn, &[named(CERTIFICATE)]).unwrap_err().code,
            "OperationNotPermitted"
        );
        add(&mut world, &arn, &[named(CERTIFICATE)]).unwrap();
        remove(&mut world, &arn, &[named(CERTIFICATE)]).unwrap();
        assert_eq!(
            describe(&world, &arn, &PageRequest::default())
                .unwrap()
                .items
                .len(),
            1
        );
    }

    #[test]
    fn unknown_certificates_and_too_many_are_refused() {
        let mut world = world();
        let arn = secure(&mut world);
        assert_eq!(
            add(&mut world, &arn, &[named("arn:gone")]).unwrap_err().code,
            "CertificateNotFound"
        );
        world.quotas.certificates_per_load_balancer = 1;
        let both = [named(CERTIFICATE), named(SECOND)];
        assert_eq!(
            add(&mut world, &arn, &both).unwrap_err().code,
            "TooManyCertificates"
        );
    }
}
