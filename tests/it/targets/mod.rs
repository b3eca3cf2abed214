//! Bindings, security group rules and the backend security group, run by run: the real SDK against the
//! emulator, Kubernetes as a map of objects, virtual time.

mod backend_group;
mod ip;
mod room;
mod rules;
