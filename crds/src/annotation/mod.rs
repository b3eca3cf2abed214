//! Annotations: parsing by type, and the table of all keys.
//!
//! In: an object's annotations and a prefix. Out: typed values, or an [`AnnotationError`] that names the key,
//! the value and what is allowed. Rules are upstream's (`pkg/annotations/parser.go`).

pub mod ingress;
mod json;
pub mod own;
mod parse;
pub mod service;
mod table;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

pub use json::parse_json;
pub use parse::{parse_bool, parse_int32, parse_int64, parse_string_list, parse_string_map};

/// An annotation that could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("annotation {key} has the value '{value}': {rule}")]
pub struct AnnotationError {
    /// Full key.
    pub key: String,
    /// Value as written.
    pub value: String,
    /// What is allowed and how to fix it.
    pub rule: String,
}

/// Type of an annotation's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnnotationType {
    /// The raw value.
    String,
    /// See [`Annotations::bool`].
    Bool,
    /// See [`Annotations::int32`].
    Int32,
    /// See [`Annotations::int64`].
    Int64,
    /// See [`Annotations::string_list`].
    StringList,
    /// See [`Annotations::string_map`].
    StringMap,
    /// See [`Annotations::json`].
    Json,
}

impl AnnotationType {
    /// The word for it in the user documentation.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Bool => "yes/no",
            Self::Int32 | Self::Int64 => "number",
            Self::StringList => "list",
            Self::StringMap => "map",
            Self::Json => "JSON",
        }
    }
}

/// The annotations of an object under one prefix (`service.beta.kubernetes.io`, without the slash).
#[derive(Clone, Copy, Debug)]
pub struct Annotations<'a> {
    map: &'a BTreeMap<String, String>,
    prefix: &'a str,
}

impl<'a> Annotations<'a> {
    /// The annotations of `map` whose keys begin with `prefix/`.
    pub fn new(map: &'a BTreeMap<String, String>, prefix: &'a str) -> Self {
        Self { map, prefix }
    }

    /// Full key of a suffix.
    pub fn key(&self, suffix: &str) -> String {
        format!("{}/{suffix}", self.prefix)
    }

    /// Suffixes of all annotations under the prefix, sorted.
    pub fn suffixes(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let prefix = self.prefix;
        self.map
            .keys()
            .filter_map(move |key| key.strip_prefix(prefix)?.strip_prefix('/'))
    }

    /// Raw value, not trimmed; present even when empty.
    pub fn string(&self, suffix: &str) -> Option<&'a str> {
        self.map.get(&self.key(suffix)).map(String::as_str)
    }

    /// `1 t T TRUE true True` or `0 f F FALSE false False`.
    pub fn bool(&self, suffix: &str) -> Result<Option<bool>, AnnotationError> {
        self.parsed(suffix, parse_bool)
    }

    /// A base-10 signed 32-bit integer with an optional sign, no blanks.
    pub fn int32(&self, suffix: &str) -> Result<Option<i32>, AnnotationError> {
        self.parsed(suffix, parse_int32)
    }

    /// A base-10 signed 64-bit integer with an optional sign, no blanks.
    pub fn int64(&self, suffix: &str) -> Result<Option<i64>, AnnotationError> {
        self.parsed(suffix, parse_int64)
    }

    /// Items between commas, trimmed, empty ones dropped; `Some(vec![])` if the key is there without items.
    pub fn string_list(&self, suffix: &str) -> Option<Vec<String>> {
        self.string(suffix).map(parse_string_list)
    }

    /// `key=value` pairs between commas, with upstream's escapes.
    pub fn string_map(&self, suffix: &str) -> Result<Option<BTreeMap<String, String>>, AnnotationError> {
        self.parsed(suffix, parse_string_map)
    }

    /// JSON, decoded like Go does: unknown fields ignored, field names in any case, `null` is absent.
    pub fn json<T: DeserializeOwned>(&self, suffix: &str) -> Result<Option<T>, AnnotationError> {
        self.parsed(suffix, parse_json)
    }

    /// The value read by `parse`, whose `Err` is the rule the value breaks.
    pub fn parsed<T>(
        &self,
        suffix: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, AnnotationError> {
        let Some(value) = self.string(suffix) else {
            return Ok(None);
        };
        parse(value).map(Some).map_err(|rule| AnnotationError {
            key: self.key(suffix),
            value: value.to_owned(),
            rule,
        })
    }
}
