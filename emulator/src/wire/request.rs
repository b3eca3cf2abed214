//! From an HTTP request to an AWS operation.

use bytes::Bytes;

use serde_json::Value;

use super::{Params, Service, cbor};
use crate::world::ApiError;

/// How a request is written and wants its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A form in, XML out.
    Query,
    /// `application/x-amz-json-1.1`, the operation in the header `X-Amz-Target`.
    Json,
    /// `rpc-v2-cbor`, the operation in the path
    /// (<https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>).
    Cbor,
}

impl Protocol {
    /// The content type of its answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Query => "text/xml",
            Self::Json => "application/x-amz-json-1.1",
            Self::Cbor => "application/cbor",
        }
    }

    /// An answer in the form of its service, XML or JSON, as it is sent.
    pub fn encoded(self, body: String) -> Bytes {
        match self {
            Self::Query | Self::Json => body.into(),
            Self::Cbor => {
                let value: Value = serde_json::from_str(&body).unwrap_or_default();
                cbor::encode(&value).into()
            }
        }
    }
}

/// One AWS call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsRequest {
    /// The service it is for.
    pub service: Service,
    /// The operation, for example `CreateLoadBalancer`.
    pub operation: String,
    /// The access key id, or `anonymous`. Signatures are not checked.
    pub actor: String,
    /// Its parameters, from body and query string.
    pub params: Params,
    /// How it was written.
    pub protocol: Protocol,
}

/// Why a request is no call, with the form that the answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The service whose form the answer has.
    pub service: Service,
    /// How the request was written.
    pub protocol: Protocol,
    /// What is wrong.
    pub error: ApiError,
}

impl AwsRequest {
    /// Reads a request in any of the protocols.
    ///
    /// # Errors
    /// `MissingAction` without an operation, `SerializationException` for a body that is not understood,
    /// `InvalidAction` for a service that is not emulated.
    pub fn read(request: &http::Request<Bytes>) -> Result<Self, Unreadable> {
        let Some((protocol, prefix, operation)) = target(request) else {
            let refused = |(service, error)| Unreadable {
                service,
                protocol: Protocol::Query,
                error,
            };
            return Self::read_query(request).map_err(refused);
        };
        // The form of the answer is that of any service of the protocol, if this one is not known.
        let refused = |error| Unreadable {
            service: Service::by_target(&prefix).unwrap_or(Service::Acm),
            protocol,
            error,
        };
        let credential = credential(request, &Params::default());
        let mut scope = credential.as_deref().unwrap_or_default().split('/');
        let actor = scope
            .next()
            .filter(|key| !key.is_empty())
            .unwrap_or("anonymous")
            .to_owned();
        let name = scope.nth(2).unwrap_or(&prefix);
        let Some(service) = Service::by_target(&prefix) else {
            return Err(refused(not_emulated(&operation, name)));
        };
        let params = document(protocol, request.body()).ok_or_else(|| {
            let message = "The body of the request cannot be read";
            refused(ApiError::new("SerializationException", message))
        })?;
        Ok(Self {
            service,
            operation,
            actor,
            params,
            protocol,
        })
    }

    /// Reads a Query request: POST with a form, or GET with a query string.
    ///
    /// The service is the one of the credential scope, else the one that the API version belongs to, else the one
    /// that has the operation. The service of the form that an error has comes with it.
    fn read_query(request: &http::Request<Bytes>) -> Result<Self, (Service, ApiError)> {
        let mut params = Params::decode(request.uri().query().unwrap_or_default().as_bytes());
        params.0.extend(Params::decode(request.body()).0);
        let credential = credential(request, &params);
        let mut scope = credential.as_deref().unwrap_or_default().split('/');
        let actor = scope
            .next()
            .filter(|key| !key.is_empty())
            .unwrap_or("anonymous")
            .to_owned();
        params.0.retain(|name, _| !name.starts_with("X-Amz-"));
        let service = service(scope.nth(2), &params).map_err(|error| (Service::Elb, error))?;
        let Some(operation) = params.get("Action").map(str::to_owned) else {
            return Err((
                service,
                ApiError::new("MissingAction", "The request must contain the parameter Action."),
            ));
        };
        Ok(Self {
            service,
            operation,
            actor,
            params,
            protocol: Protocol::Query,
        })
    }
}

/// Protocol, service prefix and operation of a request that is not in the Query protocol.
fn target(request: &http::Request<Bytes>) -> Option<(Protocol, String, String)> {
    if let Some(rest) = request.uri().path().strip_prefix("/service/") {
        let (prefix, operation) = rest.split_once("/operation/")?;
        return Some((Protocol::Cbor, prefix.to_owned(), operation.to_owned()));
    }
    let header = request.headers().get("x-amz-target")?.to_str().ok()?;
    let (prefix, operation) = header.split_once('.')?;
    Some((Protocol::Json, prefix.to_owned(), operation.to_owned()))
}

/// The parameters of a body; an empty one has none.
fn document(protocol: Protocol, body: &[u8]) -> Option<Params> {
    if body.is_empty() {
        return Some(Params::default());
    }
    let value = match protocol {
        Protocol::Cbor => cbor::decode(body)?,
        _ => serde_json::from_slice::<Value>(body).ok()?,
    };
    value.is_object().then(|| Params::of_json(&value))
}

fn not_emulated(operation: &str, service: &str) -> ApiError {
    let message = format!(
        "{operation}: the service '{service}' is not emulated; ec2, elasticloadbalancing, sts, acm and tagging are"
    );
    ApiError::new("InvalidAction", message)
}

/// `KEY/DATE/REGION/SERVICE/aws4_request`, from the header or, for presigned requests, the query.
fn credential(request: &http::Request<Bytes>, params: &Params) -> Option<String> {
    let header = request
        .headers()
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let signed = header
        .and_then(|h| h.split_once("Credential="))
        .and_then(|(_, rest)| rest.split([',', ' ']).next());
    signed
        .or_else(|| params.get("X-Amz-Credential"))
        .map(str::to_owned)
}

fn service(scope: Option<&str>, params: &Params) -> Result<Service, ApiError> {
    if let Some(name) = scope {
        let operation = params.get("Action").unwrap_or("this operation");
        let query = [Service::Ec2, Service::Elb, Service::Sts];
        let named = Service::by_name(name).filter(|service| query.contains(service));
        return named.ok_or_else(|| not_emulated(operation, name));
    }
    match (params.get("Version"), params.get("Action")) {
        (Some("2016-11-15"), _) => Ok(Service::Ec2),
        (Some("2011-06-15"), _) => Ok(Service::Sts),
        (Some("2015-12-01"), _) => Ok(Service::Elb),
        (_, Some(action)) if super::ec2::OPERATIONS.contains(&action) => Ok(Service::Ec2),
        (_, Some(action)) if super::sts::OPERATIONS.contains(&action) => Ok(Service::Sts),
        _ => Ok(Service::Elb),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn post(authorization: &str, body: &str) -> http::Request<Bytes> {
        let request = http::Request::post("/").header("authorization", authorization);
        request.body(Bytes::from(body.to_owned())).unwrap()
    }

    #[test]
    fn the_credential_scope_names_service_and_actor() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIAONE/20261121/us-west-2/ec2/aws4_request, SignedHeaders=host, Signature=00";
        let read = AwsRequest::read(&post(header, "Action=DescribeVpcs&Version=2016-11-15")).unwrap();
        assert_eq!(
            (read.service, read.actor.as_str(), read.operation.as_str()),
            (Service::Ec2, "AKIAONE", "DescribeVpcs")
        );
    }

    #[test]
    fn without_a_signature_version_and_action_decide() {
        for (body, service) in [
            ("Action=DescribeTags&Version=2015-12-01", Service::Elb),
            ("Action=DescribeTags&Version=2016-11-15", Service::Ec2),
            ("Action=DescribeSubnets", Service::Ec2),
            ("Action=GetCallerIdentity", Service::Sts),
            ("Action=DescribeLoadBalancers", Service::Elb),
        ] {
            let read = AwsRequest::read(&post("", body)).unwrap();
            assert_eq!(
                (read.service, read.actor.as_str()),
                (service, "anonymous"),
                "{body}"
            );
        }
    }

    #[test]
    fn a_get_request_carries_its_parameters_and_credential_in_the_query() {
        let uri = "/?Action=DescribeVpcs&X-Amz-Credential=AKIATWO%2F20261121%2Fus-west-2%2Fec2%2Faws4_request&X-Amz-Signature=00";
        let read = AwsRequest::read(&http::Request::get(uri).body(Bytes::new()).unwrap()).unwrap();
        assert_eq!((read.service, read.actor.as_str()), (Service::Ec2, "AKIATWO"));
        assert_eq!(read.params.0.len(), 1);
    }

    fn signed(service: &str) -> String {
        format!("AWS4-HMAC-SHA256 Credential=K/20261121/us-west-2/{service}/aws4_request, Signature=00")
    }

    #[test]
    fn a_service_that_is_not_emulated_is_named_in_the_form_of_the_request() {
        let refused = AwsRequest::read(&post(&signed("iam"), "Action=ListRoles")).unwrap_err();
        assert_eq!(
            (refused.protocol, refused.error.code),
            (Protocol::Query, "InvalidAction")
        );
        let mut request = post(&signed("wafv2"), "{}");
        request
            .headers_mut()
            .insert("x-amz-target", "AWSWAF_20190729.GetWebACL".parse().unwrap());
        let refused = AwsRequest::read(&request).unwrap_err();
        assert_eq!(
            (refused.protocol, refused.error.code),
            (Protocol::Json, "InvalidAction")
        );
        assert!(refused.error.message.contains("'wafv2'"), "{}", refused.error);
    }

    #[test]
    fn json_and_cbor_requests_name_their_operation_outside_the_body() {
        let body = r#"{"CertificateStatuses": ["ISSUED", "FAILED"], "Includes": {"keyTypes": ["RSA_2048"]}, "MaxItems": 5, "NextToken": null}"#;
        let mut request = post(&signed("acm"), body);
        request.headers_mut().insert(
            "x-amz-target",
            "CertificateManager.ListCertificates".parse().unwrap(),
        );
        let read = AwsRequest::read(&request).unwrap();
        assert_eq!(
            (read.service, read.operation.as_str(), read.actor.as_str()),
            (Service::Acm, "ListCertificates", "K")
        );
        assert_eq!(read.params.list("CertificateStatuses"), ["ISSUED", "FAILED"]);
        assert_eq!(read.params.get("Includes.keyTypes.1"), Some("RSA_2048"));
        assert_eq!(read.params.int("MaxItems"), Ok(Some(5)));
        assert!(!read.params.has("NextToken"));

        let uri = "/service/ResourceGroupsTaggingAPI_20170126/operation/TagResources";
        let body = cbor::encode(&serde_json::json!({"Tags": {"a.b/c": "d"}}));
        let request = http::Request::post(uri).body(Bytes::from(body)).unwrap();
        let read = AwsRequest::read(&request).unwrap();
        assert_eq!((read.service, read.protocol), (Service::Tagging, Protocol::Cbor));
        assert_eq!(read.params.below("Tags")["a.b/c"], "d");

        let broken = http::Request::post(uri)
            .body(Bytes::from_static(&[0x61]))
            .unwrap();
        assert_eq!(
            AwsRequest::read(&broken).unwrap_err().error.code,
            "SerializationException"
        );
    }
}
