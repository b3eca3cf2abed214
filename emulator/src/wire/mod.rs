//! The AWS protocols: form-encoded requests in, XML out. Only translates.

pub mod ec2;
pub mod elb;
pub mod params;
pub mod request;
pub mod sts;
pub mod xml;

use jiff::Timestamp;

pub use params::Params;
pub use request::AwsRequest;
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
}

impl Service {
    /// The name in credential scopes and IAM actions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Elb => "elasticloadbalancing",
            Self::Sts => "sts",
        }
    }

    /// The service of a credential scope.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Ec2, Self::Elb, Self::Sts]
            .into_iter()
            .find(|service| service.name() == name)
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
            Self::Ec2 => return xml.finish(),
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

/// Answers a request on an account that was advanced to `now`: the full XML body.
pub fn dispatch(world: &mut World, now: Timestamp, request: &AwsRequest) -> Result<String, ApiError> {
    match request.service {
        Service::Ec2 => ec2::dispatch(world, now, &request.params),
        Service::Elb => elb::dispatch(world, now, &request.params),
        Service::Sts => sts::dispatch(world, now, &request.params, &request.actor),
    }
}
