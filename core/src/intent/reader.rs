//! Reading one object: its annotations, and the problems found on the way. All front ends read with it.

use std::collections::BTreeMap;

use elbow_crds::annotation::{AnnotationError, Annotations, own};
use elbow_crds::ingress::Parsed;
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};

use crate::intent::Objects;
use crate::intent::wish::Asked;
use crate::model::{Origin, Origins};
use crate::settings::Settings;

/// An object being read.
pub struct Reader<'a, S> {
    /// The object, with what else is read for it.
    pub of: S,
    /// Its annotations.
    pub annotations: Annotations<'a>,
    /// The operator's settings.
    pub settings: &'a Settings,
    /// Looks up other objects.
    pub objects: &'a dyn Objects,
    object: ObjectRef,
    problems: Vec<Problem>,
}

/// An unreadable annotation as the message of a problem, which names the key itself.
pub(super) fn describe(error: &AnnotationError) -> String {
    format!("the value '{}' cannot be read: {}", error.value, error.rule)
}

impl<'a, S> Reader<'a, S> {
    /// An object about to be read.
    pub fn open(
        of: S,
        object: ObjectRef,
        annotations: Annotations<'a>,
        objects: &'a dyn Objects,
        settings: &'a Settings,
    ) -> Self {
        Self {
            of,
            annotations,
            settings,
            objects,
            object,
            problems: Vec::new(),
        }
    }

    /// The object of problems and events.
    pub fn object(&self) -> &ObjectRef {
        &self.object
    }

    /// What was found so far.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether it has a fault.
    pub fn is_sick(&self) -> bool {
        self.problems.iter().any(Problem::is_fault)
    }

    /// Full key of a suffix.
    pub fn key(&self, suffix: &str) -> String {
        self.annotations.key(suffix)
    }

    /// Records a problem once.
    pub fn push(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// A fault at a field.
    pub fn fault(&mut self, field: &str, code: ProblemCode, message: impl Into<String>) {
        self.push(Problem::fault(&self.object, field, code, message));
    }

    /// A fault at an annotation.
    pub fn fault_at(&mut self, suffix: &str, code: ProblemCode, message: impl Into<String>) {
        self.fault(&self.key(suffix), code, message);
    }

    /// A warning at a field.
    pub fn warn(&mut self, field: &str, code: ProblemCode, message: impl Into<String>) {
        self.push(Problem::warning(&self.object, field, code, message));
    }

    /// A warning at an annotation.
    pub fn warn_at(&mut self, suffix: &str, code: ProblemCode, message: impl Into<String>) {
        self.warn(&self.key(suffix), code, message);
    }

    /// A warning at an annotation that is not in the table; `nearest` is the one that may be meant.
    pub fn warn_unknown(&mut self, suffix: &str, nearest: Option<&str>) {
        let message = match nearest {
            Some(known) => format!("the annotation is not known; did you mean {}?", self.key(known)),
            None => "the annotation is not known to this controller and has no effect".to_owned(),
        };
        self.warn_at(suffix, ProblemCode::Ignored, message);
    }

    /// A field of this object as an origin.
    pub fn origin(&self, field: &str) -> Origin {
        Origin {
            object: self.object.clone(),
            field: field.to_owned(),
        }
    }

    /// An annotation of this object as an origin.
    pub fn origin_at(&self, suffix: &str) -> Origin {
        self.origin(&self.key(suffix))
    }

    /// Those of `suffixes` that are there.
    pub fn present(&self, suffixes: &[&str]) -> Origins {
        let present = suffixes.iter().filter(|suffix| self.string(suffix).is_some());
        present.map(|suffix| self.origin_at(suffix)).collect()
    }

    /// A value with the annotation that asked for it.
    pub fn asked<T>(&self, suffix: &str, value: T) -> Asked<T> {
        Asked {
            value,
            origin: self.origin_at(suffix),
        }
    }

    /// Raw value.
    pub fn string(&self, suffix: &str) -> Option<&'a str> {
        self.annotations.string(suffix)
    }

    /// List value.
    pub fn list(&self, suffix: &str) -> Option<Vec<String>> {
        self.annotations.string_list(suffix)
    }

    /// Boolean; an unreadable one is a fault.
    pub fn bool(&mut self, suffix: &str) -> Option<bool> {
        let value = self.annotations.bool(suffix);
        self.take(value)
    }

    /// Whether the replacement policy lets a load balancer go first; an unreadable one is a fault.
    pub fn deletes_first(&mut self) -> bool {
        let value = own::deletes_first(&self.annotations);
        self.take(value).unwrap_or_default()
    }

    /// Integer; an unreadable one is a fault.
    pub fn int32(&mut self, suffix: &str) -> Option<i32> {
        let value = self.annotations.int32(suffix);
        self.take(value)
    }

    /// Map; an unreadable one is a fault.
    pub fn map(&mut self, suffix: &str) -> Option<BTreeMap<String, String>> {
        let value = self.annotations.string_map(suffix);
        self.take(value)
    }

    /// A value read by `parse`, whose `Err` is the rule that is broken: a fault.
    pub fn parsed<T>(&mut self, suffix: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let value = self.annotations.parsed(suffix, parse);
        self.take(value)
    }

    /// Like [`Self::parsed`], for a parser with warnings.
    pub fn checked<T>(
        &mut self,
        suffix: &str,
        parse: impl Fn(&str) -> Result<Parsed<T>, String>,
    ) -> Option<T> {
        let parsed = self.parsed(suffix, parse)?;
        for warning in parsed.warnings {
            self.warn_at(suffix, ProblemCode::Ignored, warning);
        }
        Some(parsed.value)
    }

    /// The fault an unreadable annotation stands for.
    pub fn malformed(&self, error: &AnnotationError) -> Problem {
        Problem::fault(&self.object, &error.key, ProblemCode::Malformed, describe(error))
    }

    /// The value, or a fault.
    pub fn take<T>(&mut self, value: Result<Option<T>, AnnotationError>) -> Option<T> {
        value.unwrap_or_else(|error| {
            let problem = self.malformed(&error);
            self.push(problem);
            None
        })
    }

    /// One of the listed words, compared exactly; anything else is a fault.
    pub fn word<T>(&mut self, suffix: &str, parse: impl Fn(&str) -> Option<T>, allowed: &str) -> Option<T> {
        let text = self.string(suffix)?;
        let value = parse(text);
        if value.is_none() {
            self.fault_at(
                suffix,
                ProblemCode::NotAllowed,
                format!("the value '{text}' is not allowed; write {allowed}"),
            );
        }
        value
    }
}
