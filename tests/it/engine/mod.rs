//! The whole engine in one process and on virtual time: the real SDK against the emulator, Kubernetes as a
//! map of objects, the workers as the controller runs them.

mod canonical;
mod converge;
mod crash;
mod driver;
mod examples;
mod faults;
mod group_of_twenty;
mod handover;
mod ingress;
mod ingress_examples;
mod isolation;
mod leaks;
mod manifests;
mod objects;
mod overlap;
mod panics;
mod plan;
mod records;
mod restart;
mod scenarios;
mod sick_members;
mod switches;
mod throttled;
mod turns;
mod upstream;
mod verification;
mod waits;
mod world;
