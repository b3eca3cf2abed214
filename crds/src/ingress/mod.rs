//! What a user writes on an Ingress, as checked types.
//!
//! In: raw values of `alb.ingress.kubernetes.io/` annotations. Out: typed values, or the rule a value breaks as one
//! sentence (the message of an [`AnnotationError`](crate::annotation::AnnotationError)). What upstream refuses is
//! refused here, what upstream takes is taken; doubtful input that upstream takes in silence adds a warning. Limits
//! of AWS are asked for apart (`breaches`), because they matter only where the value is used.

pub mod action;
pub mod auth;
mod breaches;
pub mod condition;
pub mod group;
pub mod jwt;
pub mod listen_ports;
pub mod mutual_tls;
pub mod transform;
pub mod values;
pub mod words;

/// A value with the sentences a person should read about it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Parsed<T> {
    /// The value.
    pub value: T,
    /// What was ignored or overruled, one sentence each, in the order of the text.
    pub warnings: Vec<String>,
}

impl<T> Parsed<T> {
    /// A value without warnings.
    pub fn clean(value: T) -> Self {
        Self {
            value,
            warnings: Vec::new(),
        }
    }
}

/// Go has no absent element in a list of texts: `null` is the empty one.
fn texts(values: Option<Vec<Option<String>>>) -> Vec<String> {
    values
        .unwrap_or_default()
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect()
}
