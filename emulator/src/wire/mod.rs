//! The AWS protocols: form-encoded requests in, XML out. Only translates.

pub mod params;
pub mod xml;
