//! The certificates of one run: an authority, the server, and a client certificate per user.
//!
//! Kubernetes takes the common name as the user and each organisation as a group
//! (<https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates>).

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// A run never lasts longer; a certificate that leaks is worth nothing the day after.
const LIFETIME: Duration = Duration::hours(24);
/// Tolerated difference to the clock that a client looks at.
const BACKDATED: Duration = Duration::minutes(5);

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key (PKCS #8).
    pub key_pem: String,
}

/// Issues the certificates of one run; its key never leaves the process.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority.
    pub fn create() -> Result<Self> {
        let mut params = lasting(CertificateParams::default());
        params.distinguished_name = named("elbow-e2e", None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().context("cannot make the authority's key")?;
        let issuer = CertifiedIssuer::self_signed(params, key).context("cannot sign the authority")?;
        Ok(Self { issuer })
    }

    /// The authority's own certificate.
    pub fn certificate_pem(&self) -> String {
        self.issuer.pem()
    }

    /// For servers on 127.0.0.1 and localhost.
    pub fn server(&self, name: &str) -> Result<Identity> {
        let hosts = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let params = CertificateParams::new(hosts).context("cannot name the server")?;
        self.issue(params, named(name, None), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// For the Kubernetes user `name`, member of `group` if given.
    pub fn user(&self, name: &str, group: Option<&str>) -> Result<Identity> {
        let params = CertificateParams::default();
        self.issue(params, named(name, group), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(
        &self,
        params: CertificateParams,
        name: DistinguishedName,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity> {
        let mut params = lasting(params);
        params.distinguished_name = name;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().context("cannot make a key")?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .context("cannot sign a certificate")?;
        Ok(Identity {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

/// The key pair that signs service account tokens: private PKCS #8 PEM, public PEM.
pub fn token_keys() -> Result<(String, String)> {
    let key = KeyPair::generate().context("cannot make the key for service account tokens")?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn lasting(mut params: CertificateParams) -> CertificateParams {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - BACKDATED;
    params.not_after = now + LIFETIME;
    params
}

fn named(common_name: &str, organisation: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    if let Some(organisation) = organisation {
        name.push(DnType::OrganizationName, organisation);
    }
    name
}
