//! The EC2 protocol, API version 2016-11-15.
