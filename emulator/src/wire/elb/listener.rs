//! Operations on listeners and their certificates.

use jiff::Timestamp;

use super::{
    super::{Params, Xml},
    actions, read,
};
use crate::world::{
    ApiError, World,
    elb::{
        certificate::{self, Named, Shown},
        listener::{self, Listener},
        listener_settings::ListenerSettings,
        mutual_authentication::MutualAuthentication,
        words::Protocol,
    },
};

fn settings(params: &Params) -> Result<ListenerSettings, ApiError> {
    Ok(ListenerSettings {
        port: params.int("Port")?,
        protocol: read::word(params, "Protocol", Protocol::parse)?,
        ssl_policy: read::text(params, "SslPolicy"),
        certificates: params
            .has("Certificates")
            .then(|| certificates(params))
            .transpose()?,
        alpn_policy: params.has("AlpnPolicy").then(|| params.list("AlpnPolicy.member")),
        mutual_authentication: mutual_authentication(params)?,
        default_actions: params
            .has("DefaultActions")
            .then(|| actions::read(params, "DefaultActions.member"))
            .transpose()?,
    })
}

fn mutual_authentication(params: &Params) -> Result<Option<MutualAuthentication>, ApiError> {
    if !params.has("MutualAuthentication") {
        return Ok(None);
    }
    Ok(Some(MutualAuthentication {
        mode: params.required("MutualAuthentication.Mode")?.to_owned(),
        trust_store: read::text(params, "MutualAuthentication.TrustStoreArn"),
        ignore_expiry: params.bool("MutualAuthentication.IgnoreClientCertificateExpiry")?,
        advertise_ca_names: read::text(params, "MutualAuthentication.AdvertiseTrustStoreCaNames"),
    }))
}

fn certificates(params: &Params) -> Result<Vec<Named>, ApiError> {
    let one = |child: &Params| {
        Ok(Named {
            arn: child.required("CertificateArn")?.to_owned(),
            is_default: child.bool("IsDefault")?,
        })
    };
    params.children("Certificates.member").iter().map(one).collect()
}

pub(super) fn create(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    let owner = params.required("LoadBalancerArn")?;
    let tags = read::pairs(params, "Tags.member")?;
    let created = listener::create(world, now, owner, &settings(params)?, &tags)?;
    Ok(answer([&created]))
}

pub(super) fn modify(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let changed = listener::modify(world, params.required("ListenerArn")?, &settings(params)?)?;
    Ok(answer([&changed]))
}

pub(super) fn delete(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    listener::delete(world, params.required("ListenerArn")?)?;
    Ok(Xml::new())
}

pub(super) fn describe(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let arns = params.list("ListenerArns.member");
    let page = listener::describe(
        &world.elb,
        params.get("LoadBalancerArn"),
        &arns,
        &read::page(world, params)?,
    )?;
    let mut xml = answer(&page.items);
    xml.opt("NextMarker", page.next);
    Ok(xml)
}

fn answer<'a>(found: impl IntoIterator<Item = &'a Listener>) -> Xml {
    let mut xml = Xml::new();
    xml.list("Listeners", "member", found, one);
    xml
}

fn one(xml: &mut Xml, listener: &Listener) {
    xml.text("ListenerArn", &listener.arn)
        .text("LoadBalancerArn", &listener.load_balancer)
        .text("Port", listener.port)
        .text("Protocol", listener.protocol);
    if let Some(certificate) = &listener.certificate {
        xml.list("Certificates", "member", [certificate], |xml, arn| {
            xml.text("CertificateArn", arn);
        });
    }
    xml.opt("SslPolicy", listener.ssl_policy.as_ref());
    xml.list(
        "DefaultActions",
        "member",
        &listener.default_actions,
        actions::write,
    );
    if let Some(policy) = &listener.alpn_policy {
        xml.list("AlpnPolicy", "member", [policy], |xml, policy| {
            xml.data(policy);
        });
    }
    if let Some(mutual) = &listener.mutual_authentication {
        xml.element("MutualAuthentication", |xml| {
            xml.text("Mode", &mutual.mode);
            xml.opt("TrustStoreArn", mutual.trust_store.as_ref());
            // A store in use cannot be deleted, so the association always stands.
            xml.opt(
                "TrustStoreAssociationStatus",
                mutual.trust_store.as_ref().map(|_| "active"),
            );
            xml.opt("IgnoreClientCertificateExpiry", mutual.ignore_expiry);
            xml.opt("AdvertiseTrustStoreCaNames", mutual.advertise_ca_names.as_ref());
        });
    }
}

fn certificate_list(found: Vec<Shown>) -> Xml {
    let mut xml = Xml::new();
    xml.list("Certificates", "member", found, |xml, one| {
        xml.text("CertificateArn", &one.arn)
            .text("IsDefault", one.is_default);
    });
    xml
}

pub(super) fn add_certificates(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let added = certificate::add(world, params.required("ListenerArn")?, &certificates(params)?)?;
    Ok(certificate_list(added))
}

pub(super) fn remove_certificates(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    certificate::remove(world, params.required("ListenerArn")?, &certificates(params)?)?;
    Ok(Xml::new())
}

pub(super) fn describe_certificates(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let page = certificate::describe(
        world,
        params.required("ListenerArn")?,
        &read::page(world, params)?,
    )?;
    let mut xml = certificate_list(page.items);
    xml.opt("NextMarker", page.next);
    Ok(xml)
}
