//! The AWS protocols: requests as forms, JSON or CBOR in, XML, JSON or CBOR out. Only translates.

pub mod acm;
pub mod cbor;
pub mod ec2;
pub mod elb;
pub mod params;
pub mod request;
pub mod sts;
pub mod tagging;
pub mod xml;

use jiff::Timestamp;

pub use params::Params;
pub use request::{AwsRequest, Protocol};
pub use xml::Xml;

use crate::world::{ApiError, World};

/// What a body writes where the request id belongs; the server puts the real one in its place.
pub const REQUEST_ID: &str = "@request-id@";

/// The AWS services that are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// EC2.
    Ec2,
    /// ELBv2.
    #[serde(rename = "elasticloadbalancing")]
    Elb,
    /// STS.
    Sts,
    /// ACM.
    Acm,
    /// Resource Groups Tagging.
    Tagging,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ec2, Self::Elb, Self::Sts, Self::Acm, Self::Tagging];

    /// The name in credential scopes and IAM actions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Elb => "elasticloadbalancing",
            Self::Sts => "sts",
            Self::Acm => "acm",
            Self::Tagging => "tagging",
        }
    }

    /// The service of a credential scope.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// The service that a target prefix of the JSON and CBOR protocols names.
    pub fn by_target(prefix: &str) -> Option<Self> {
        match prefix {
            "CertificateManager" => Some(Self::Acm),
            "ResourceGroupsTaggingAPI_20170126" => Some(Self::Tagging),
            _ => None,
        }
    }

    /// The operations that are answered, sorted.
    pub fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Ec2 => &ec2::OPERATIONS,
            Self::Elb => &elb::OPERATIONS,
            Self::Sts => &sts::OPERATIONS,
            Self::Acm => &acm::OPERATIONS,
            Self::Tagging => &tagging::OPERATIONS,
        }
    }

    /// Whether an operation changes something. Reads are what starts with Describe, Get or List, and the
    /// operations of STS.
    pub fn mutates(self, operation: &str) -> bool {
        self != Self::Sts
            && !["Describe", "Get", "List"]
                .iter()
                .any(|verb| operation.starts_with(verb))
    }

    /// The body of an error answer, in the service's own form.
    pub fn error_body(self, status: u16, code: &str, message: &str) -> String {
        if matches!(self, Self::Acm | Self::Tagging) {
            return serde_json::json!({ "__type": code, "message": message }).to_string();
        }
        let mut xml = Xml::new();
        if self == Self::Ec2 {
            xml.element("Response", |xml| {
                xml.element("Errors", |xml| {
                    xml.element("Error", |xml| {
                        xml.text("Code", code).text("Message", message);
                    });
                });
                xml.text("RequestID", REQUEST_ID);
            });
        } else {
            xml.element("ErrorResponse", |xml| {
                xml.element("Error", |xml| {
                    xml.text("Type", if status < 500 { "Sender" } else { "Receiver" });
                    xml.text("Code", code).text("Message", message);
                });
                xml.text("RequestId", REQUEST_ID);
            });
        }
        let namespace = match self {
            Self::Ec2 | Self::Acm | Self::Tagging => return xml.finish(),
            Self::Elb => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        };
        xml.finish().replacen(
            "<ErrorResponse>",
            &format!("<ErrorResponse xmlns=\"{namespace}\">"),
            1,
        )
    }
}

/// The answer to an operation that a JSON service does not have.
fn unknown_operation(operation: &str) -> ApiError {
    ApiError::new(
        "UnknownOperationException",
        format!("Could not find operation {operation}"),
    )
}

/// Answers a request on an account that was advanced to `now`: the full body, XML or JSON.
pub fn dispatch(world: &mut World, now: Timestamp, request: &AwsRequest) -> Result<String, ApiError> {
    match request.service {
        Service::Ec2 => ec2::dispatch(world, now, &request.params),
        Service::Elb => elb::dispatch(world, now, &request.params),
        Service::Sts => sts::dispatch(world, now, &request.params, &request.actor),
        Service::Acm => {
            acm::dispatch(world, now, &request.operation, &request.params).map(|value| value.to_string())
        }
        Service::Tagging => {
            tagging::dispatch(world, &request.operation, &request.params).map(|value| value.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn every_listed_operation_is_answered() {
        for service in Service::ALL {
            assert!(service.operations().is_sorted(), "{service:?}");
            for operation in service.operations() {
                let request = AwsRequest {
                    service,
                    operation: (*operation).to_owned(),
                    actor: "anonymous".to_owned(),
                    params: Params([("Action".to_owned(), (*operation).to_owned())].into()),
                    protocol: Protocol::Query,
                };
                let mut world = Seed::default().world().clone();
                let answer = dispatch(&mut world, Timestamp::UNIX_EPOCH, &request);
                let code = answer.err().map(|error| error.code);
                let unknown = ["InvalidAction", "UnknownOperationException"];
                assert!(!code.is_some_and(|code| unknown.contains(&code)), "{operation}");
            }
        }
    }
}
