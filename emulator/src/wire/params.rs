//! The parameters of a Query request.

use std::collections::BTreeMap;

use crate::world::ApiError;

/// Decoded form parameters, by their full dotted name (`Tags.member.1.Key`, `Filter.1.Value.2`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(pub BTreeMap<String, String>);

impl Params {
    /// Decodes an `application/x-www-form-urlencoded` body.
    pub fn decode(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a parameter that must be there.
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name)
            .ok_or_else(|| ApiError::validation(format!("{name} is required")))
    }

    /// A number, if given.
    pub fn int(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.get(name)
            .map(|v| {
                v.parse()
                    .map_err(|_| ApiError::validation(format!("{name} must be an integer, got '{v}'")))
            })
            .transpose()
    }

    /// A boolean, if given.
    pub fn bool(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.get(name)
            .map(|v| {
                v.parse()
                    .map_err(|_| ApiError::validation(format!("{name} must be true or false, got '{v}'")))
            })
            .transpose()
    }

    /// The scalar list `prefix.1`, `prefix.2`, ... in numeric order. `prefix` includes `.member` for ELBv2.
    pub fn list(&self, prefix: &str) -> Vec<String> {
        self.children(prefix)
            .into_iter()
            .filter_map(|child| child.get("").map(str::to_owned))
            .collect()
    }

    /// The members of a list of structures: each with its own parameters, the prefix cut off; a scalar
    /// member has the empty name. Numeric order.
    pub fn children(&self, prefix: &str) -> Vec<Params> {
        let mut members: BTreeMap<u32, Params> = BTreeMap::new();
        let lead = format!("{prefix}.");
        for (name, value) in self
            .0
            .range(lead.clone()..)
            .take_while(|(n, _)| n.starts_with(&lead))
        {
            let rest = name.get(lead.len()..).unwrap_or_default();
            let (index, field) = rest.split_once('.').unwrap_or((rest, ""));
            if let Ok(index) = index.parse() {
                members
                    .entry(index)
                    .or_default()
                    .0
                    .insert(field.to_owned(), value.clone());
            }
        }
        members.into_values().collect()
    }

    /// What lies below `prefix`, by the rest of its name: the entries of a map of texts.
    pub fn below(&self, prefix: &str) -> BTreeMap<String, String> {
        let lead = format!("{prefix}.");
        let found = self
            .0
            .range(lead.clone()..)
            .take_while(|(name, _)| name.starts_with(&lead));
        let rest = |(name, value): (&String, &String)| {
            (
                name.get(lead.len()..).unwrap_or_default().to_owned(),
                value.clone(),
            )
        };
        found.map(rest).collect()
    }

    /// The parameters of a JSON document, named as those of a form: list members by their number from 1.
    pub fn of_json(document: &serde_json::Value) -> Self {
        let mut params = Self::default();
        params.flatten(String::new(), document);
        params
    }

    fn flatten(&mut self, name: String, value: &serde_json::Value) {
        use serde_json::Value;
        let lead = if name.is_empty() {
            String::new()
        } else {
            format!("{name}.")
        };
        match value {
            Value::Null => {}
            Value::String(text) => {
                self.0.insert(name, text.clone());
            }
            Value::Bool(_) | Value::Number(_) => {
                self.0.insert(name, value.to_string());
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.flatten(format!("{lead}{}", at + 1), item);
                }
            }
            Value::Object(fields) => {
                for (key, item) in fields {
                    self.flatten(format!("{lead}{key}"), item);
                }
            }
        }
    }

    /// Whether any parameter is `name` itself or lies below it.
    pub fn has(&self, name: &str) -> bool {
        let lead = format!("{name}.");
        self.0.contains_key(name)
            || self
                .0
                .range(lead.clone()..)
                .next()
                .is_some_and(|(n, _)| n.starts_with(&lead))
    }
}
