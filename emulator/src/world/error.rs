//! What AWS answers when it refuses.

/// An AWS error answer: code, HTTP status and a message for a person.
///
/// Codes are the wire codes of the ELBv2 and EC2 API references.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// Wire code, for example `LoadBalancerNotFound`.
    pub code: &'static str,
    /// HTTP status: 400 unless the reference says otherwise.
    pub status: u16,
    /// One sentence.
    pub message: String,
}

impl ApiError {
    /// An error with HTTP status 400.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            status: 400,
            message: message.into(),
        }
    }

    /// An error with another HTTP status.
    pub fn with_status(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            status,
            message: message.into(),
        }
    }

    /// `ValidationError`, the code for malformed or missing input.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationError", message)
    }
}
