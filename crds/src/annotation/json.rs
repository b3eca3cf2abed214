//! JSON annotations, decoded the way Go's `encoding/json` decodes into a struct.
//!
//! In: the raw value and a type whose fields are `Option` (or have a default). Out: the value, or the rule it
//! breaks. Unknown fields are ignored, field names match in any case, of a repeated field the last one wins,
//! `null` is absent; a wrong type, a fraction for an integer, trailing data and the empty text are errors.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::{Error, Number};

/// Decodes `text` like Go would decode it into a struct with the fields of `T`.
pub fn parse_json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str::<Node>(text)
        .and_then(T::deserialize)
        .map_err(|error| format!("it must be JSON of the documented form ({error})"))
}

/// A JSON value that keeps the order of its fields, repeated ones included.
#[derive(Clone, Debug)]
enum Node {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        Number::from_f64(value)
            .map(Node::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Object(fields))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

impl IntoDeserializer<'_, Error> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The fields a struct knows, under its own spelling, each once. As in Go (`encoding/json`) a second object is read
/// into the first one, and a `null` takes away what was there; Go keeps it in the few fields that are no pointers.
fn known_fields(entries: Vec<(String, Node)>, fields: &'static [&'static str]) -> Vec<(&'static str, Node)> {
    let mut known: Vec<(&'static str, Node)> = Vec::new();
    for (name, value) in entries {
        let exact = fields.iter().find(|field| **field == name);
        let folded = || fields.iter().find(|field| field.eq_ignore_ascii_case(&name));
        let Some(field) = exact.or_else(folded) else {
            continue;
        };
        let earlier = known.iter().position(|(earlier, _)| earlier == field);
        let earlier = earlier.map(|position| known.swap_remove(position).1);
        match (earlier, value) {
            (_, Node::Null) => {}
            (Some(Node::Object(mut merged)), Node::Object(later)) => {
                merged.extend(later);
                known.push((field, Node::Object(merged)));
            }
            (_, value) => known.push((field, value)),
        }
    }
    known
}

impl<'de> Deserializer<'de> for Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Number(value) => value.deserialize_any(visitor),
            Self::String(value) => visitor.visit_string(value),
            Self::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
            Self::Object(fields) => visitor.visit_map(MapDeserializer::new(fields.into_iter())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let entries = match self {
            Self::Null => Vec::new(),
            Self::Object(entries) => entries,
            _ => return Err(de::Error::custom("an object is expected")),
        };
        visitor.visit_map(MapDeserializer::new(known_fields(entries, fields).into_iter()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::String(word) => {
                IntoDeserializer::<Error>::into_deserializer(word).deserialize_enum(name, variants, visitor)
            }
            _ => Err(de::Error::custom("a word is expected")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    #[derive(Debug, PartialEq, Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Inner {
        service_name: Option<String>,
        weight: Option<i32>,
    }

    #[derive(Debug, PartialEq, Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Outer {
        type_: Option<String>,
        target_groups: Option<Vec<Inner>>,
        enabled: Option<bool>,
        inner: Option<Inner>,
    }

    fn outer(text: &str) -> Result<Outer, String> {
        parse_json(text)
    }

    #[test]
    fn field_names_match_in_any_case_and_the_last_one_wins() {
        let value =
            outer(r#"{"TARGETGROUPS":[{"ServiceName":"a","weight":1,"WEIGHT":2,"other":3}]}"#).unwrap();
        let inner = Inner {
            service_name: Some("a".to_owned()),
            weight: Some(2),
        };
        assert_eq!(value.target_groups, Some(vec![inner]));
    }

    #[test]
    fn null_is_absent_everywhere() {
        assert_eq!(outer("null").unwrap(), Outer::default());
        assert_eq!(
            outer(r#"{"enabled":null,"targetGroups":null}"#).unwrap(),
            Outer::default()
        );
        assert_eq!(
            outer(r#"{"targetGroups":[null]}"#).unwrap().target_groups,
            Some(vec![Inner::default()])
        );
    }

    #[test]
    fn an_object_is_read_into_an_earlier_one_and_null_takes_it_away() {
        let value = outer(
            r#"{"inner":{"serviceName":"a","weight":1},"Inner":{"weight":2},"enabled":true,"Enabled":null}"#,
        );
        let inner = Inner {
            service_name: Some("a".to_owned()),
            weight: Some(2),
        };
        let wanted = Outer {
            inner: Some(inner),
            ..Outer::default()
        };
        assert_eq!(value.unwrap(), wanted);
    }

    #[test]
    fn wrong_types_fractions_trailing_data_and_empty_texts_are_errors() {
        for text in [
            "",
            "{}x",
            "[]",
            "7",
            r#"{"enabled":"true"}"#,
            r#"{"targetGroups":[{"weight":1.5}]}"#,
            r#"{"targetGroups":[{"weight":2147483648}]}"#,
            r#"{"targetGroups":[{"weight":"1"}]}"#,
            r#"{"targetGroups":{}}"#,
        ] {
            assert!(outer(text).is_err(), "value {text:?}");
        }
    }
}
