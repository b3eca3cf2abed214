//! The STS protocol, API version 2011-06-15.
