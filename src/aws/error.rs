//! Errors of AWS calls. In: what the SDK or the wire reported. Out: an [`AwsError`] classified by error
//! **code**; nobody reads message text.

use std::fmt;

/// A service we call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Elastic Load Balancing v2.
    Elb,
    /// EC2.
    Ec2,
}

impl Service {
    /// The service id of the AWS SDKs, used in `--aws-api-endpoints` and `--aws-api-throttle`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Elb => "Elastic Load Balancing v2",
            Self::Ec2 => "EC2",
        }
    }

    /// Prefix of its IAM actions.
    pub fn iam_prefix(self) -> &'static str {
        match self {
            Self::Elb => "elasticloadbalancing",
            Self::Ec2 => "ec2",
        }
    }
}

/// Class of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// What the call names does not exist.
    NotFound,
    /// It exists already (name, port, rule, priority).
    Duplicate,
    /// Something still uses it.
    InUse,
    /// Too many calls; repeated by the attempt loop until its attempts are used up.
    Throttled,
    /// A quota or a lack of capacity.
    Quota,
    /// Credentials are wrong or may not do this.
    Denied,
    /// AWS refuses the request as it stands.
    Invalid,
    /// AWS refuses it in the present state (deletion protection).
    NotPermitted,
    /// Network, time-outs, server errors, answers that AWS did not write.
    Transient,
    /// The lease had run out before the call was sent.
    LeaseLost,
    /// A code this version does not know.
    Unknown,
}

/// A failed call. Displays as one sentence with operation, code and AWS request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// The service.
    pub service: Service,
    /// Class.
    pub fault: Fault,
    /// API operation, for example `CreateListener`.
    pub operation: &'static str,
    /// AWS's error code; ours (`TimedOut`, `ConnectionFailed`, `BadAnswer`, `NoCredentials`, `LeaseLost`,
    /// `UnknownValue`) where AWS gave none.
    pub code: String,
    /// AWS's message, or one sentence of ours.
    pub message: String,
    /// AWS request id of the last attempt.
    pub request_id: Option<String>,
    /// Whether it is certain that nothing was changed. `false` after a mutation without an answer: it may
    /// have happened.
    pub answered: bool,
}

impl AwsError {
    /// An error that AWS answered with, classified by its code.
    pub fn answered(service: Service, operation: &'static str, code: &str, message: &str) -> Self {
        Self {
            service,
            fault: classify(code, 400),
            operation,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: None,
            answered: true,
        }
    }

    /// An answer of AWS with a value this version does not know.
    pub(crate) fn unknown_value(service: Service, operation: &'static str, message: &str) -> Self {
        Self {
            fault: Fault::Unknown,
            ..Self::answered(service, operation, "UnknownValue", message)
        }
    }

    /// The IAM action of the call, for example `ec2:DescribeSubnets`.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service.iam_prefix(), self.operation)
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}: {}",
            self.service.iam_prefix(),
            self.operation,
            self.code,
            self.message
        )?;
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for AwsError {}

/// Codes by which AWS services say "too many calls" (ELBv2 and EC2 API references, "Common errors").
const THROTTLED: [&str; 14] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequests",
    "TooManyRequestsException",
    "SlowDown",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "EC2ThrottledException",
];

const DENIED: [&str; 18] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "AuthorizationError",
    "Blocked",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurityToken",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

const TRANSIENT: [&str; 13] = [
    "CapacityReservationPending",
    "HealthUnavailable",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "PriorRequestNotComplete",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServerInternal",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Unavailable",
];

const IN_USE: [&str; 4] = [
    "DependencyViolation",
    "ResourceInUse",
    "TargetGroupAssociationLimit",
    "TrustStoreInUse",
];

const INVALID: [&str; 11] = [
    "AvailabilityZoneNotSupported",
    "DuplicateTagKeys",
    "IncompatibleProtocols",
    "MalformedQueryString",
    "ReservedPrefix",
    "UnknownParameter",
    "UnsupportedOperation",
    "Unsupported",
    "UnsupportedProtocol",
    "ValidationError",
    "ValidationException",
];

/// The class of an error code; the HTTP status decides only about codes that are unknown.
pub(crate) fn classify(code: &str, status: u16) -> Fault {
    let code = code
        .strip_prefix("Client.")
        .or_else(|| code.strip_prefix("Server."))
        .unwrap_or(code);
    let bare = code.strip_suffix("Exception").unwrap_or(code);
    if THROTTLED.contains(&code) {
        Fault::Throttled
    } else if DENIED.contains(&code) {
        Fault::Denied
    } else if TRANSIENT.contains(&code) {
        Fault::Transient
    } else if IN_USE.contains(&bare) || code.ends_with(".InUse") {
        Fault::InUse
    } else if bare.ends_with("NotFound") {
        Fault::NotFound
    } else if bare == "OperationNotPermitted" {
        Fault::NotPermitted
    } else if INVALID.contains(&code) || code.ends_with(".Malformed") {
        Fault::Invalid
    } else if bare.starts_with("Duplicate") || code.ends_with(".Duplicate") || bare == "PriorityInUse" {
        Fault::Duplicate
    } else if bare.starts_with("TooMany")
        || bare.ends_with("LimitExceeded")
        || bare.starts_with("Insufficient")
    {
        Fault::Quota
    } else if ["Invalid", "Missing", "Malformed"]
        .iter()
        .any(|word| code.starts_with(word))
    {
        Fault::Invalid
    } else {
        by_status(status)
    }
}

/// The class of an answer without a code we know.
pub(crate) fn by_status(status: u16) -> Fault {
    match status {
        429 | 503 => Fault::Throttled,
        401 | 403 => Fault::Denied,
        500.. => Fault::Transient,
        _ => Fault::Unknown,
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
    fn codes_of_the_reference_have_their_class() {
        let rows: [(&[&str], Fault); 9] = [
            (
                &[
                    "LoadBalancerNotFound",
                    "InvalidGroup.NotFound",
                    "InvalidPermission.NotFound",
                    "InvalidSubnetID.NotFound",
                    "CertificateNotFound",
                    "ListenerNotFoundException",
                ],
                Fault::NotFound,
            ),
            (
                &[
                    "DuplicateLoadBalancerName",
                    "DuplicateListener",
                    "PriorityInUse",
                    "InvalidPermission.Duplicate",
                    "InvalidGroup.Duplicate",
                ],
                Fault::Duplicate,
            ),
            (
                &[
                    "ResourceInUse",
                    "DependencyViolation",
                    "TargetGroupAssociationLimit",
                ],
                Fault::InUse,
            ),
            (
                &[
                    "Throttling",
                    "ThrottlingException",
                    "RequestLimitExceeded",
                    "TooManyRequestsException",
                    "RequestThrottled",
                    "SlowDown",
                    "Client.RequestLimitExceeded",
                ],
                Fault::Throttled,
            ),
            (
                &[
                    "TooManyListeners",
                    "TooManyTags",
                    "RulesPerSecurityGroupLimitExceeded",
                    "CapacityUnitsLimitExceeded",
                    "InsufficientCapacity",
                ],
                Fault::Quota,
            ),
            (
                &[
                    "AccessDenied",
                    "UnauthorizedOperation",
                    "AuthFailure",
                    "ExpiredToken",
                    "InvalidClientTokenId",
                ],
                Fault::Denied,
            ),
            (
                &[
                    "ValidationError",
                    "InvalidConfigurationRequest",
                    "InvalidGroupId.Malformed",
                    "DuplicateTagKeys",
                    "IncompatibleProtocols",
                    "MissingParameter",
                ],
                Fault::Invalid,
            ),
            (&["OperationNotPermitted"], Fault::NotPermitted),
            (
                &[
                    "InternalError",
                    "ServiceUnavailable",
                    "PriorRequestNotComplete",
                    "HealthUnavailable",
                ],
                Fault::Transient,
            ),
        ];
        for (codes, fault) in rows {
            for code in codes {
                assert_eq!(classify(code, 400), fault, "{code}");
            }
        }
    }

    #[test]
    fn an_unknown_code_is_classified_by_its_status() {
        assert_eq!(classify("Bonkers", 400), Fault::Unknown);
        assert_eq!(classify("Bonkers", 403), Fault::Denied);
        assert_eq!(classify("Bonkers", 429), Fault::Throttled);
        assert_eq!(classify("Bonkers", 502), Fault::Transient);
    }
}
