//! A definition as rows of path and constraints, to compare with upstream's published one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// The generated definition of a file.
pub fn definition(file: &str) -> Value {
    let files = elbow_crds::yaml::all();
    let (_, text) = files
        .iter()
        .find(|(name, _)| *name == file)
        .expect("the file is generated");
    serde_saphyr::from_str(text).expect("YAML")
}

/// One version of it.
pub fn version(file: &str, name: &str) -> Value {
    definition(file)["spec"]["versions"]
        .as_array()
        .expect("versions")
        .iter()
        .find(|version| version["name"] == name)
        .expect("the version is there")
        .clone()
}

/// Every node of the schema of a version as path and constraints.
pub fn rows(version: &Value) -> Vec<(String, Value)> {
    let mut rows = Vec::new();
    flatten("", &version["schema"]["openAPIV3Schema"], &mut rows);
    rows
}

/// Every node of a schema as `path` and its constraints without descriptions and children.
fn flatten(path: &str, schema: &Value, rows: &mut Vec<(String, Value)>) {
    let mut own = schema.as_object().expect("a schema is an object").clone();
    own.remove("description");
    let children = [own.remove("properties"), own.remove("items")];
    rows.push((path.to_owned(), Value::Object(own)));
    if let Some(properties) = &children[0] {
        for (name, child) in properties.as_object().expect("properties") {
            flatten(&format!("{path}.{name}"), child, rows);
        }
    }
    if let Some(items) = &children[1] {
        flatten(&format!("{path}[]"), items, rows);
    }
}

/// Asserts the same paths with the same constraints, in any order.
pub fn assert_rows(found: &[(String, Value)], expected: &[(&str, Value)]) {
    let found: Vec<(&str, &Value)> = found.iter().map(|(path, row)| (path.as_str(), row)).collect();
    let expected: Vec<(&str, &Value)> = expected.iter().map(|(path, row)| (*path, row)).collect();
    let paths = |rows: &[(&str, &Value)]| -> BTreeSet<String> {
        rows.iter().map(|(path, _)| (*path).to_owned()).collect()
    };
    assert_eq!(paths(&found), paths(&expected), "the same fields");
    for (path, row) in &expected {
        let (_, own) = found
            .iter()
            .find(|(other, _)| other == path)
            .expect("compared above");
        assert_eq!(own, row, "constraints of {path}");
    }
}

/// A column of `kubectl get`: name, type, JSON path, priority.
pub type Column<'a> = (&'a str, &'a str, &'a str, i64);

/// The columns of a version.
pub fn columns(version: &Value) -> Vec<Column<'_>> {
    let columns = version["additionalPrinterColumns"].as_array();
    columns.expect("columns").iter().map(column).collect()
}

fn column(column: &Value) -> Column<'_> {
    let text = |key: &str| column[key].as_str().expect("a text");
    let priority = column["priority"].as_i64().unwrap_or(0);
    (text("name"), text("type"), text("jsonPath"), priority)
}

/// Asserts group, scope and names of a definition, and the name that follows from them.
pub fn assert_names(definition: &Value, scope: &str, kind: &str, plural: &str, singular: &str) {
    assert_eq!(definition["metadata"]["name"], format!("{plural}.elbv2.k8s.aws"));
    assert_eq!(definition["spec"]["group"], "elbv2.k8s.aws");
    assert_eq!(definition["spec"]["scope"], scope);
    let names = json!({
        "kind": kind,
        "listKind": format!("{kind}List"),
        "plural": plural,
        "singular": singular,
    });
    assert_eq!(definition["spec"]["names"], names);
}
