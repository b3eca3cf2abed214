//! From an HTTP request to an AWS operation.

use bytes::Bytes;

use super::{Params, Service};
use crate::world::ApiError;

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
}

impl AwsRequest {
    /// Reads a Query request: POST with a form, or GET with a query string.
    ///
    /// The service is the one of the credential scope, else the one that the API version belongs to, else the one
    /// that has the operation.
    ///
    /// # Errors
    /// `MissingAction` without an operation; `InvalidAction` for a service that is not emulated. The service of the
    /// error's form comes with it.
    pub fn read(request: &http::Request<Bytes>) -> Result<Self, (Service, ApiError)> {
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
        let service = service(scope.nth(2), request, &params).map_err(|error| (Service::Elb, error))?;
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
        })
    }
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

fn service(
    scope: Option<&str>,
    request: &http::Request<Bytes>,
    params: &Params,
) -> Result<Service, ApiError> {
    if let Some(name) = scope {
        let target = request
            .headers()
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok());
        let operation = target.or(params.get("Action")).unwrap_or("this operation");
        let message = format!(
            "{operation}: the service '{name}' is not emulated; ec2, elasticloadbalancing and sts are"
        );
        return Service::by_name(name).ok_or_else(|| ApiError::new("InvalidAction", message));
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
    #![allow(clippy::unwrap_used)]
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

    #[test]
    fn a_service_that_is_not_emulated_is_named() {
        let header = "AWS4-HMAC-SHA256 Credential=K/20261121/us-west-2/acm/aws4_request, Signature=00";
        let (_, error) = AwsRequest::read(&post(header, "{}")).unwrap_err();
        assert_eq!(error.code, "InvalidAction");
        assert!(error.message.contains("'acm'"), "{error}");
    }
}
