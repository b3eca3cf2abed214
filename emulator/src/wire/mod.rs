//! The AWS protocols: form-encoded requests in, XML out. Only translates.

pub mod ec2;
pub mod elb;
pub mod params;
pub mod sts;
pub mod xml;

pub use params::Params;
pub use xml::Xml;

/// What a body writes where the request id belongs; the server puts the real one in its place.
pub const REQUEST_ID: &str = "@request-id@";
