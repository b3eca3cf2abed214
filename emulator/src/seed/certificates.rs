//! Certificates of the seed, and the S3 objects that trust stores read.

use super::{
    SeedError,
    build::Build,
    document::{self, DescribedCertificate},
};
use crate::world::{
    acm::{Certificate, KEY_ALGORITHMS, STATUSES, TYPES},
    s3::Object,
};

impl Build<'_> {
    pub(super) fn certificate(
        &mut self,
        path: &str,
        written: &document::Certificate,
    ) -> Result<(), SeedError> {
        let made = match written {
            document::Certificate::Arn(arn) => {
                self.certificate_arn(path, arn)?;
                Certificate::imported(arn)
            }
            document::Certificate::Described(described) => self.described(path, described)?,
        };
        self.world.certificates.put(made);
        Ok(())
    }

    fn certificate_arn(&self, field: &str, arn: &str) -> Result<(), SeedError> {
        if arn.starts_with("arn:") && (arn.contains(":acm:") || arn.contains(":iam:")) {
            return Ok(());
        }
        let allowed = "give the ARN of an ACM or IAM certificate, arn:aws:acm:REGION:ACCOUNT:certificate/ID";
        Err(self.fault(field, arn, allowed))
    }

    fn described(&self, path: &str, written: &DescribedCertificate) -> Result<Certificate, SeedError> {
        self.certificate_arn(&format!("{path}.arn"), &written.arn)?;
        let usual = if written.certificate_authority_arn.is_some() {
            "PRIVATE"
        } else {
            "IMPORTED"
        };
        let kind = self.word(&format!("{path}.type"), written.kind.as_deref(), usual, &TYPES)?;
        let keys = (written.key_algorithm.as_deref(), "RSA_2048");
        let key_algorithm = self.word(&format!("{path}.key_algorithm"), keys.0, keys.1, &KEY_ALGORITHMS)?;
        let status = (written.status.as_deref(), "ISSUED");
        let status = self.word(&format!("{path}.status"), status.0, status.1, &STATUSES)?;
        let base = Certificate::imported(&written.arn);
        Ok(Certificate {
            domains: written.domains.clone(),
            kind,
            status,
            key_algorithm,
            authority: written.certificate_authority_arn.clone(),
            validation: (kind == "AMAZON_ISSUED").then_some("DNS"),
            issued: base.issued.filter(|_| status != "PENDING_VALIDATION"),
            tags: written.tags.clone(),
            ..base
        })
    }

    fn word(
        &self,
        field: &str,
        text: Option<&str>,
        usual: &'static str,
        allowed: &[&'static str],
    ) -> Result<&'static str, SeedError> {
        let Some(text) = text else { return Ok(usual) };
        let found = allowed.iter().copied().find(|word| *word == text);
        found.ok_or_else(|| self.fault(field, text, format!("write {}", allowed.join(", "))))
    }

    pub(super) fn s3(&mut self, written: Option<Vec<document::S3Object>>) {
        let object = |one: document::S3Object| {
            let holds = Object {
                ca_certificates: one.ca_certificates,
                revoked_entries: one.revoked_entries,
            };
            (format!("{}/{}", one.bucket, one.key), holds)
        };
        self.world.s3.objects = written.map(|list| list.into_iter().map(object).collect());
    }
}
