//! The annotations of an Ingress with those of one of its backend Services over them.
//!
//! In: a member and a Service. Out: values and problems, on the Ingress: it is the one whose rule does not work.

use std::collections::BTreeMap;

use elbow_crds::annotation::ingress::PREFIX;
use elbow_crds::annotation::{AnnotationError, Annotations};
use elbow_crds::limits::Range;
use elbow_crds::problem::ProblemCode;

use super::member::Member;
use crate::intent::reader::describe;
use crate::model::Origins;
use crate::view::Service;

/// Annotations that may stand on the Service (it wins, key by key) or on the Ingress.
pub(super) struct BackendAnnotations<'s> {
    map: BTreeMap<String, String>,
    service: &'s Service,
    field: &'s str,
}

impl<'s> BackendAnnotations<'s> {
    /// `field` is the backend, which is at fault where the Service's annotation is.
    pub fn new(member: &Member<'_>, service: &'s Service, field: &'s str) -> Self {
        let mut map = member.of.ingress.meta.annotations.clone();
        map.extend(service.meta.annotations.clone());
        Self { map, service, field }
    }

    /// Typed access.
    pub fn annotations(&self) -> Annotations<'_> {
        Annotations::new(&self.map, PREFIX)
    }

    /// Raw value.
    pub fn string(&self, suffix: &str) -> Option<&str> {
        self.map.get(&self.annotations().key(suffix)).map(String::as_str)
    }

    /// A value, or a fault.
    pub fn take<T>(&self, member: &mut Member<'_>, value: Result<Option<T>, AnnotationError>) -> Option<T> {
        value.unwrap_or_else(|error| {
            self.fault_key(member, &error.key, ProblemCode::Malformed, &describe(&error));
            None
        })
    }

    /// A value read by `parse`, whose `Err` is the rule that is broken: a fault.
    pub fn parsed<T>(
        &self,
        member: &mut Member<'_>,
        suffix: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.take(member, self.annotations().parsed(suffix, parse))
    }

    /// Integer; an unreadable one is a fault.
    pub fn int32(&self, member: &mut Member<'_>, suffix: &str) -> Option<i32> {
        self.take(member, self.annotations().int32(suffix))
    }

    /// An integer that AWS will refuse outside its range, which is only a warning: AWS has the last word.
    pub fn number(&self, member: &mut Member<'_>, suffix: &str, range: &Range) -> Option<i32> {
        let value = self.int32(member, suffix)?;
        if !range.allows(value) {
            let message = format!(
                "{} is {value}, AWS allows {} to {}; choose a value in that range",
                range.what, range.min, range.max
            );
            let (field, message) = self.place(&self.annotations().key(suffix), &message);
            member.warn(&field, ProblemCode::NotAllowed, message);
        }
        Some(value)
    }

    /// Map; an unreadable one is a fault.
    pub fn map(&self, member: &mut Member<'_>, suffix: &str) -> Option<BTreeMap<String, String>> {
        self.take(member, self.annotations().string_map(suffix))
    }

    /// Map on the Service alone; an unreadable one is a fault.
    pub fn of_service(&self, member: &mut Member<'_>, suffix: &str) -> Option<BTreeMap<String, String>> {
        let key = self.annotations().key(suffix);
        self.service.meta.annotations.get(&key)?;
        self.map(member, suffix)
    }

    /// The backend.
    pub fn field(&self) -> &'s str {
        self.field
    }

    /// A fault at an annotation.
    pub fn fault(&self, member: &mut Member<'_>, suffix: &str, code: ProblemCode, message: &str) {
        self.fault_key(member, &self.annotations().key(suffix), code, message);
    }

    fn fault_key(&self, member: &mut Member<'_>, key: &str, code: ProblemCode, message: &str) {
        let (field, message) = self.place(key, message);
        member.fault(&field, code, message);
    }

    /// Where a person has to look.
    fn place(&self, key: &str, message: &str) -> (String, String) {
        if self.service.meta.annotations.contains_key(key) {
            let name = &self.service.meta.name;
            let message = format!("the annotation {key} of the Service {name}: {message}");
            (self.field.to_owned(), message)
        } else {
            (key.to_owned(), message.to_owned())
        }
    }

    /// Those of `suffixes` that are there, on either object.
    pub fn present(&self, member: &Member<'_>, suffixes: &[&str]) -> Origins {
        let annotations = self.annotations();
        let origin = |suffix: &&str| {
            annotations.string(suffix)?;
            let key = annotations.key(suffix);
            let mut origin = member.origin(&key);
            if self.service.meta.annotations.contains_key(&key) {
                origin.object = self.service.object();
            }
            Some(origin)
        };
        suffixes.iter().filter_map(origin).collect()
    }
}
