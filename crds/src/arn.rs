//! Amazon Resource Names.
//!
//! In: text. Out: its six parts. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>

use std::fmt;

/// An ARN: `arn:partition:service:region:account:resource`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub partition: String,
    /// `elasticloadbalancing`, `acm`, ...
    pub service: String,
    /// Region; empty for global services.
    pub region: String,
    /// Account id; empty for some services.
    pub account: String,
    /// The rest, colons and slashes included.
    pub resource: String,
}

impl Arn {
    /// Reads an ARN; `None` if a part is missing or partition, service or resource is empty.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().map(str::to_owned);
        if next()? != "arn" {
            return None;
        }
        let arn = Self {
            partition: next()?,
            service: next()?,
            region: next()?,
            account: next()?,
            resource: next()?,
        };
        let complete = [&arn.partition, &arn.service, &arn.resource]
            .iter()
            .all(|part| !part.is_empty());
        complete.then_some(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "arn:{}:{}:{}:{}:{}",
            self.partition, self.service, self.region, self.account, self.resource
        )
    }
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

    #[test]
    fn an_arn_keeps_the_colons_of_its_resource() {
        let text = "arn:aws:elasticloadbalancing:us-west-2:000000000000:targetgroup/web/1:2";
        let arn = Arn::parse(text).unwrap();
        assert_eq!(arn.resource, "targetgroup/web/1:2");
        assert_eq!(arn.to_string(), text);
    }

    #[test]
    fn half_an_arn_is_none() {
        for text in [
            "",
            "arn:aws:acm",
            "arn:c1",
            "urn:aws:acm:r:a:b",
            "arn:aws:acm:r:a:",
        ] {
            assert!(Arn::parse(text).is_none(), "{text}");
        }
    }
}
