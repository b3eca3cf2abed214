//! Label selectors.
//!
//! In: a `LabelSelector` of the API. Out: a checked selector, or one sentence about what is wrong with it
//! (rules of `k8s.io/apimachinery` `LabelSelectorAsSelector`).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

/// One requirement on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    DoesNotExist(String),
}

/// A checked label selector; without requirements it matches everything.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

impl Selector {
    /// Checks a selector; `None` matches everything.
    pub fn parse(selector: Option<&LabelSelector>) -> Result<Self, String> {
        let Some(selector) = selector else {
            return Ok(Self::default());
        };
        let labels = selector.match_labels.iter().flatten();
        let mut requirements: Vec<_> = labels
            .map(|(key, value)| Requirement::In(key.clone(), vec![value.clone()]))
            .collect();
        for expression in selector.match_expressions.iter().flatten() {
            requirements.push(requirement(expression)?);
        }
        Ok(Self { requirements })
    }

    /// Whether labels satisfy every requirement. An absent label satisfies `NotIn`.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.requirements.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::DoesNotExist(key) => !labels.contains_key(key),
        })
    }
}

fn requirement(expression: &LabelSelectorRequirement) -> Result<Requirement, String> {
    let key = expression.key.clone();
    let values = expression.values.clone().unwrap_or_default();
    let made = match expression.operator.as_str() {
        "In" if !values.is_empty() => Requirement::In(key, values),
        "NotIn" if !values.is_empty() => Requirement::NotIn(key, values),
        "Exists" if values.is_empty() => Requirement::Exists(key),
        "DoesNotExist" if values.is_empty() => Requirement::DoesNotExist(key),
        "In" | "NotIn" => {
            return Err(format!(
                "the expression on label {key} with operator {} needs at least one value",
                expression.operator
            ));
        }
        "Exists" | "DoesNotExist" => {
            return Err(format!(
                "the expression on label {key} with operator {} must not have values",
                expression.operator
            ));
        }
        other => {
            return Err(format!(
                "the expression on label {key} has the operator '{other}'; allowed are In, NotIn, Exists and \
                 DoesNotExist"
            ));
        }
    };
    Ok(made)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn selector(operator: &str, values: &[&str]) -> LabelSelector {
        LabelSelector {
            match_labels: Some(labels(&[("role", "web")])),
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: "zone".to_owned(),
                operator: operator.to_owned(),
                values: Some(values.iter().map(|v| (*v).to_owned()).collect()),
            }]),
        }
    }

    #[test]
    fn requirements_are_combined_and_an_absent_label_is_not_in_anything() {
        let not_in = Selector::parse(Some(&selector("NotIn", &["a"]))).unwrap();
        assert!(not_in.matches(&labels(&[("role", "web")])));
        assert!(!not_in.matches(&labels(&[("role", "web"), ("zone", "a")])));
        assert!(!not_in.matches(&labels(&[("role", "db")])));
        let exists = Selector::parse(Some(&selector("Exists", &[]))).unwrap();
        assert!(!exists.matches(&labels(&[("role", "web")])));
        assert!(exists.matches(&labels(&[("role", "web"), ("zone", "z")])));
    }

    #[test]
    fn nothing_and_an_empty_selector_match_everything() {
        assert!(Selector::parse(None).unwrap().matches(&labels(&[])));
        assert!(
            Selector::parse(Some(&LabelSelector::default()))
                .unwrap()
                .matches(&labels(&[]))
        );
    }

    #[test]
    fn a_wrong_operator_or_number_of_values_is_refused_in_one_sentence() {
        for (operator, values) in [("Gt", vec!["1"]), ("In", vec![]), ("Exists", vec!["x"])] {
            let message = Selector::parse(Some(&selector(operator, &values))).unwrap_err();
            assert!(
                message.contains("zone") && message.contains(operator),
                "{message}"
            );
        }
    }
}
