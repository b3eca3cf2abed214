//! The ACM protocol: JSON 1.1, target prefix `CertificateManager`. Only translates.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Params;
use crate::world::{
    ApiError, World,
    acm::{
        self, Certificate, KEY_ALGORITHMS, STATUSES, list,
        request::{self, Request},
        tags, validation, word,
    },
};

/// The operations answered here.
pub const OPERATIONS: [&str; 6] = [
    "AddTagsToCertificate",
    "DeleteCertificate",
    "DescribeCertificate",
    "ListCertificates",
    "ListTagsForCertificate",
    "RequestCertificate",
];

/// Answers one ACM request.
pub fn dispatch(
    world: &mut World,
    now: Timestamp,
    operation: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    if !OPERATIONS.contains(&operation) {
        return Err(super::unknown_operation(operation));
    }
    match operation {
        "AddTagsToCertificate" => {
            tags::add(world, arn(params)?, &pairs(params)?)?;
            Ok(json!({}))
        }
        "DeleteCertificate" => {
            request::delete(world, arn(params)?)?;
            Ok(json!({}))
        }
        "DescribeCertificate" => {
            let found = acm::find(world, arn(params)?)?;
            Ok(json!({ "Certificate": detail(world, found) }))
        }
        "ListCertificates" => list_certificates(world, params),
        "ListTagsForCertificate" => {
            let found = &acm::find(world, arn(params)?)?.tags;
            let tags: Vec<Value> = found.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
            Ok(json!({ "Tags": tags }))
        }
        "RequestCertificate" => {
            let made = request::request(world, now, &requested(params)?)?;
            Ok(json!({ "CertificateArn": made }))
        }
        _ => Err(super::unknown_operation(operation)),
    }
}

fn arn(params: &Params) -> Result<&str, ApiError> {
    required(params, "CertificateArn")
}

fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, ApiError> {
    params.get(name).ok_or_else(|| {
        validation(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

fn number(params: &Params, name: &str) -> Result<Option<i64>, ApiError> {
    params.int(name).map_err(|error| validation(error.message))
}

fn pairs(params: &Params) -> Result<Vec<(String, String)>, ApiError> {
    let pair = |tag: &Params| {
        let key = required(tag, "Key")?.to_owned();
        Ok((key, tag.get("Value").unwrap_or_default().to_owned()))
    };
    params.children("Tags").iter().map(pair).collect()
}

fn words(params: &Params, name: &str, allowed: &[&'static str]) -> Result<Vec<&'static str>, ApiError> {
    let texts = params.list(name);
    texts.iter().map(|text| word(name, text, allowed)).collect()
}

fn list_certificates(world: &World, params: &Params) -> Result<Value, ApiError> {
    let by_creation = match (params.get("SortBy"), params.get("SortOrder")) {
        (None, None) => None,
        (Some(by), Some(order)) => {
            word("sortBy", by, &["CREATED_AT"])?;
            Some(word("sortOrder", order, &["ASCENDING", "DESCENDING"])? == "DESCENDING")
        }
        _ => return Err(validation("SortBy and SortOrder must be specified together")),
    };
    let query = list::Query {
        statuses: words(params, "CertificateStatuses", &STATUSES)?,
        key_types: words(params, "Includes.keyTypes", &KEY_ALGORITHMS)?,
        by_creation,
        size: number(params, "MaxItems")?,
        token: params.get("NextToken").map(str::to_owned),
    };
    let page = list::list(world, &query)?;
    let summaries: Vec<Value> = page.items.iter().map(|found| summary(world, found)).collect();
    Ok(without_nulls(
        json!({ "CertificateSummaryList": summaries, "NextToken": page.next }),
    ))
}

fn summary(world: &World, found: &Certificate) -> Value {
    without_nulls(json!({
        "CertificateArn": found.arn,
        "DomainName": found.domains.first(),
        "SubjectAlternativeNameSummaries": found.domains,
        "HasAdditionalSubjectAlternativeNames": false,
        "Status": found.status,
        "Type": found.kind,
        "KeyAlgorithm": found.key_algorithm,
        "InUse": !acm::in_use_by(world, &found.arn).is_empty(),
        "RenewalEligibility": "INELIGIBLE",
        "CreatedAt": seconds(found.created),
        "IssuedAt": issued(found),
        "ImportedAt": (found.kind == "IMPORTED").then(|| seconds(found.created)),
    }))
}

fn detail(world: &World, found: &Certificate) -> Value {
    let validations: Vec<Value> = match found.validation {
        None => Vec::new(),
        Some(method) => found
            .domains
            .iter()
            .map(|domain| validated(found, method, domain))
            .collect(),
    };
    without_nulls(json!({
        "CertificateArn": found.arn,
        "DomainName": found.domains.first(),
        "SubjectAlternativeNames": found.domains,
        "DomainValidationOptions": (!validations.is_empty()).then_some(validations),
        "Subject": found.domains.first().map(|domain| format!("CN={domain}")),
        "Status": found.status,
        "Type": found.kind,
        "KeyAlgorithm": found.key_algorithm,
        "InUseBy": acm::in_use_by(world, &found.arn),
        "RenewalEligibility": "INELIGIBLE",
        "CertificateAuthorityArn": found.authority,
        "Options": { "CertificateTransparencyLoggingPreference": "ENABLED" },
        "CreatedAt": seconds(found.created),
        "IssuedAt": issued(found),
        "ImportedAt": (found.kind == "IMPORTED").then(|| seconds(found.created)),
    }))
}

fn validated(found: &Certificate, method: &str, domain: &str) -> Value {
    let (name, value) = request::validation_record(&found.arn, domain);
    let status = if found.usable() {
        "SUCCESS"
    } else {
        "PENDING_VALIDATION"
    };
    without_nulls(json!({
        "DomainName": domain,
        "ValidationDomain": domain.strip_prefix("*.").unwrap_or(domain),
        "ValidationStatus": status,
        "ValidationMethod": method,
        "ResourceRecord": (method == "DNS").then(|| json!({"Name": name, "Type": "CNAME", "Value": value})),
    }))
}

fn issued(found: &Certificate) -> Option<i64> {
    let public = found.kind != "IMPORTED" && found.usable();
    found.issued.filter(|_| public).map(seconds)
}

/// Times are seconds since 1970 in this protocol.
fn seconds(at: Timestamp) -> i64 {
    at.as_second()
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    value
}

fn requested(params: &Params) -> Result<Request, ApiError> {
    let method = params.get("ValidationMethod");
    let algorithm = params.get("KeyAlgorithm");
    Ok(Request {
        domain: required(params, "DomainName")?.to_owned(),
        alternatives: params.list("SubjectAlternativeNames"),
        validation: method
            .map(|text| word("validationMethod", text, &["EMAIL", "DNS", "HTTP"]))
            .transpose()?,
        key_algorithm: algorithm
            .map(|text| word("keyAlgorithm", text, &KEY_ALGORITHMS))
            .transpose()?,
        authority: params.get("CertificateAuthorityArn").map(str::to_owned),
        token: params.get("IdempotencyToken").map(str::to_owned),
        tags: pairs(params)?,
    })
}
