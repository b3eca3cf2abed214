//! What a binding's next run would do to its target group, for people to read.

use std::fmt::{self, Write as _};

use elbow_crds::problem::Problem;

use crate::key::Key;
use crate::targets::cleanup::CleanupWork;
use crate::targets::decide::SyncWork;
use crate::targets::target::Target;

/// The changes one binding is about to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The binding.
    pub key: Key,
    /// ARN of its target group.
    pub target_group: String,
    /// Whether the finalizer comes first.
    pub add_finalizer: bool,
    /// Targets to register.
    pub register: Vec<Target>,
    /// Targets to deregister, after the registration.
    pub deregister: Vec<Target>,
    /// What is in the way; nothing is changed then.
    pub problem: Option<Problem>,
}

impl Preview {
    /// No changes.
    pub fn new(key: Key, target_group: &str) -> Self {
        Self {
            key,
            target_group: target_group.to_owned(),
            add_finalizer: false,
            register: Vec::new(),
            deregister: Vec::new(),
            problem: None,
        }
    }

    /// Enters the work of a run.
    pub fn sync(&mut self, work: &SyncWork) {
        self.register.clone_from(&work.targets);
        self.deregister.clone_from(&work.deregister);
    }

    /// Enters the work of a cleanup.
    pub fn clean_up(&mut self, work: &CleanupWork) {
        self.deregister.clone_from(&work.deregister);
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.key)?;
        if let Some(problem) = &self.problem {
            return writeln!(f, "  problem: {problem}");
        }
        if self.add_finalizer {
            writeln!(f, "  add finalizer")?;
        }
        for target in &self.register {
            writeln!(f, "  register   {}", described(target))?;
        }
        for target in &self.deregister {
            writeln!(f, "  deregister {}", described(target))?;
        }
        match (self.register.len(), self.deregister.len()) {
            (0, 0) if self.add_finalizer => Ok(()),
            (0, 0) => writeln!(f, "  no changes"),
            (new, old) => {
                let group = &self.target_group;
                writeln!(f, "  {new} to register, {old} to deregister in {group}")
            }
        }
    }
}

/// Id, port, and the zone where we name it; else AWS takes that of the instance or of the address.
fn described(target: &Target) -> String {
    let mut text = format!("{} port {}", target.id, target.port);
    if let Some(zone) = &target.availability_zone {
        let _ = write!(text, " zone {zone}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_listed_with_ports_and_zones() {
        let key = Key::Binding {
            namespace: "demo".to_owned(),
            name: "web".to_owned(),
        };
        let mut preview = Preview::new(key, "arn:tg");
        assert_eq!(preview.to_string(), "binding/demo/web\n  no changes\n");
        let outside = Target {
            availability_zone: Some("all".to_owned()),
            ..Target::new("192.168.0.1", 8080)
        };
        preview.register = vec![Target::new("10.0.0.1", 8080), outside];
        preview.deregister = vec![Target::new("10.0.0.2", 8080)];
        assert_eq!(
            preview.to_string(),
            "binding/demo/web\n\
             \x20 register   10.0.0.1 port 8080\n\
             \x20 register   192.168.0.1 port 8080 zone all\n\
             \x20 deregister 10.0.0.2 port 8080\n\
             \x20 2 to register, 1 to deregister in arn:tg\n"
        );
    }
}
