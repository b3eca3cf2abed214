//! Mutual TLS of HTTPS listeners: whether clients must show a certificate, and what it is verified with.

use serde::Serialize;

use super::{Elb, limits, listener::Listener, words::Protocol};
use crate::world::{ApiError, World};

/// `MutualAuthentication` of a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MutualAuthentication {
    /// `off`, `passthrough` or `verify`.
    pub mode: String,
    /// `TrustStoreArn`, with `verify` only. Requests may send it empty with other modes.
    pub trust_store: Option<String>,
    /// `IgnoreClientCertificateExpiry`, with `verify` only; `false` unless given.
    pub ignore_expiry: Option<bool>,
    /// `AdvertiseTrustStoreCaNames`, with `verify` only: `on` or `off`, the latter unless given.
    pub advertise_ca_names: Option<String>,
}

impl MutualAuthentication {
    fn of_mode(mode: &str) -> Self {
        Self {
            mode: mode.to_owned(),
            ..Self::default()
        }
    }
}

/// Puts what a request says into a listener whose protocol is set; without it the present setting stays, and HTTPS
/// listeners begin with `off`.
///
/// # Errors
/// `ValidationError`, `TrustStoreNotFound`, `TrustStoreNotReady`, `TooManyListeners` for more verifying listeners
/// than a load balancer may have.
pub(super) fn set(
    world: &World,
    listener: &mut Listener,
    wanted: Option<&MutualAuthentication>,
) -> Result<(), ApiError> {
    let https = listener.protocol == Protocol::Https;
    let Some(wanted) = wanted else {
        let kept = listener.mutual_authentication.take();
        listener.mutual_authentication =
            https.then(|| kept.unwrap_or_else(|| MutualAuthentication::of_mode("off")));
        return Ok(());
    };
    if !https {
        return Err(ApiError::validation(format!(
            "Mutual authentication cannot be specified for {} listeners",
            listener.protocol
        )));
    }
    let checked = match wanted.mode.as_str() {
        "off" | "passthrough" => without_store(wanted)?,
        "verify" => verifying(&world.elb, wanted)?,
        mode => {
            return Err(ApiError::validation(format!(
                "The mutual authentication mode '{mode}' must be one of off, passthrough, verify"
            )));
        }
    };
    listener.mutual_authentication = Some(checked);
    check_quota(world, listener)
}

fn without_store(wanted: &MutualAuthentication) -> Result<MutualAuthentication, ApiError> {
    let store = wanted.trust_store.as_deref().unwrap_or_default();
    let refused = [
        (!store.is_empty(), "TrustStoreArn"),
        (wanted.ignore_expiry.is_some(), "IgnoreClientCertificateExpiry"),
        (wanted.advertise_ca_names.is_some(), "AdvertiseTrustStoreCaNames"),
    ];
    match refused.into_iter().find(|(given, _)| *given) {
        None => Ok(MutualAuthentication::of_mode(&wanted.mode)),
        Some((_, field)) => Err(ApiError::validation(format!(
            "{field} can only be specified with the mutual authentication mode 'verify', not with '{}'",
            wanted.mode
        ))),
    }
}

fn verifying(elb: &Elb, wanted: &MutualAuthentication) -> Result<MutualAuthentication, ApiError> {
    let arn = wanted.trust_store.as_deref().unwrap_or_default();
    if arn.is_empty() {
        return Err(ApiError::validation(
            "A trust store must be specified with the mutual authentication mode 'verify'",
        ));
    }
    if !elb.trust_store(arn)?.active {
        let message = format!("Trust store '{arn}' is not active yet");
        return Err(ApiError::new("TrustStoreNotReady", message));
    }
    let advertise = wanted.advertise_ca_names.as_deref().unwrap_or("off");
    if !["on", "off"].contains(&advertise) {
        return Err(ApiError::validation(format!(
            "1 validation error detected: Value '{advertise}' at 'advertiseTrustStoreCaNames' failed to satisfy \
             constraint: Member must satisfy enum value set: [on, off]"
        )));
    }
    Ok(MutualAuthentication {
        mode: wanted.mode.clone(),
        trust_store: Some(arn.to_owned()),
        ignore_expiry: Some(wanted.ignore_expiry.unwrap_or(false)),
        advertise_ca_names: Some(advertise.to_owned()),
    })
}

fn verifies(listener: &Listener) -> bool {
    let mutual = listener.mutual_authentication.as_ref();
    mutual.is_some_and(|mutual| mutual.mode == "verify")
}

fn check_quota(world: &World, listener: &Listener) -> Result<(), ApiError> {
    if !verifies(listener) {
        return Ok(());
    }
    let others = world.elb.listeners.values().filter(|other| {
        other.load_balancer == listener.load_balancer && other.arn != listener.arn && verifies(other)
    });
    let limit = world.quotas.verifying_listeners_per_load_balancer;
    let what = "listeners with the mutual authentication mode 'verify' per load balancer";
    limits::check("TooManyListeners", limit, others.count() + 1, what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::world::elb::{
        certificate::Named,
        listener,
        listener_settings::ListenerSettings,
        target_group::CreateTargetGroup,
        tests::{CERTIFICATE, at, create_application, create_group, forward, settings, tcp, world},
        trust_store::{self, tests::make},
    };

    fn secure(world: &mut World, protocol: Protocol) -> (String, ListenerSettings) {
        let owner = create_application(world, "web").arn;
        let http = CreateTargetGroup {
            protocol: Some(Protocol::Http),
            ..tcp("web")
        };
        let group = create_group(world, &http).arn;
        let https = protocol == Protocol::Https;
        let wanted = ListenerSettings {
            certificates: https.then(|| {
                vec![Named {
                    arn: CERTIFICATE.into(),
                    is_default: None,
                }]
            }),
            ..settings(protocol, 443, forward(&[(&group, 1)]))
        };
        (owner, wanted)
    }

    fn verify(store: &str) -> MutualAuthentication {
        MutualAuthentication {
            trust_store: Some(store.into()),
            ..MutualAuthentication::of_mode("verify")
        }
    }

    fn modified(
        world: &mut World,
        arn: &str,
        wanted: MutualAuthentication,
    ) -> Result<MutualAuthentication, &'static str> {
        let settings = ListenerSettings {
            mutual_authentication: Some(wanted),
            ..ListenerSettings::default()
        };
        let changed = listener::modify(world, arn, &settings).map_err(|error| error.code)?;
        Ok(changed.mutual_authentication.unwrap())
    }

    #[test]
    fn it_is_off_at_first_verifies_with_defaults_and_goes_back() {
        let mut world = world();
        let (owner, wanted) = secure(&mut world, Protocol::Https);
        let made = listener::create(&mut world, at(0), &owner, &wanted, &[]).unwrap();
        assert_eq!(
            made.mutual_authentication,
            Some(MutualAuthentication::of_mode("off"))
        );
        let store = make(&mut world, "one").unwrap().arn;
        let shown = modified(&mut world, &made.arn, verify(&store)).unwrap();
        assert_eq!(
            (shown.ignore_expiry, shown.advertise_ca_names.as_deref()),
            (Some(false), Some("off"))
        );
        assert_eq!(trust_store::associations(&world.elb, &store), [made.arn.as_str()]);
        assert_eq!(
            trust_store::delete(&mut world, &store).unwrap_err().code,
            "TrustStoreInUse"
        );
        let passthrough = MutualAuthentication {
            trust_store: Some(String::new()),
            ..MutualAuthentication::of_mode("passthrough")
        };
        let shown = modified(&mut world, &made.arn, passthrough).unwrap();
        assert_eq!(shown, MutualAuthentication::of_mode("passthrough"));
        trust_store::delete(&mut world, &store).unwrap();
    }

    #[test]
    fn what_does_not_fit_the_mode_is_refused() {
        let mut world = world();
        let (owner, wanted) = secure(&mut world, Protocol::Https);
        let arn = listener::create(&mut world, at(0), &owner, &wanted, &[])
            .unwrap()
            .arn;
        let store = make(&mut world, "one").unwrap().arn;
        let off = || MutualAuthentication::of_mode("off");
        let advertise = |word: &str| Some(word.to_owned());
        let gone = format!("{store}0");
        for (wrong, code) in [
            (MutualAuthentication::of_mode("on"), "ValidationError"),
            (MutualAuthentication::of_mode("verify"), "ValidationError"),
            (verify(""), "ValidationError"),
            (verify("one"), "ValidationError"),
            (verify(&gone), "TrustStoreNotFound"),
            (
                MutualAuthentication {
                    trust_store: Some(store.clone()),
                    ..off()
                },
                "ValidationError",
            ),
            (
                MutualAuthentication {
                    ignore_expiry: Some(false),
                    ..off()
                },
                "ValidationError",
            ),
            (
                MutualAuthentication {
                    advertise_ca_names: advertise("off"),
                    ..off()
                },
                "ValidationError",
            ),
            (
                MutualAuthentication {
                    advertise_ca_names: advertise("yes"),
                    ..verify(&store)
                },
                "ValidationError",
            ),
        ] {
            assert_eq!(
                modified(&mut world, &arn, wrong.clone()).unwrap_err(),
                code,
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_store_must_be_active_and_two_listeners_may_verify() {
        let mut world = world();
        world.delays.trust_store = 5;
        let (owner, wanted) = secure(&mut world, Protocol::Https);
        let store = make(&mut world, "one").unwrap().arn;
        let on = |port| ListenerSettings {
            port: Some(port),
            mutual_authentication: Some(verify(&store)),
            ..wanted.clone()
        };
        let create = |world: &mut World, port| listener::create(world, at(0), &owner, &on(port), &[]);
        assert_eq!(create(&mut world, 443).unwrap_err().code, "TrustStoreNotReady");
        world.advance(at(5));
        create(&mut world, 443).unwrap();
        create(&mut world, 444).unwrap();
        assert_eq!(create(&mut world, 445).unwrap_err().code, "TooManyListeners");
    }

    #[test]
    fn only_https_listeners_have_it() {
        let mut world = world();
        let (owner, plain) = secure(&mut world, Protocol::Http);
        let made = listener::create(&mut world, at(0), &owner, &plain, &[]).unwrap();
        assert_eq!(made.mutual_authentication, None);
        let refused = modified(&mut world, &made.arn, MutualAuthentication::of_mode("off"));
        assert_eq!(refused.unwrap_err(), "ValidationError");
    }
}
