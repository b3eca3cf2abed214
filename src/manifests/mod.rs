//! Manifests that are not in a cluster: files in, objects out, each with the place it stands at.

mod assigned;
mod overlay;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use assigned::{Assigned, UNKNOWN};
pub use overlay::{Ground, Overlay, lay, others};

/// Names that files of a folder have to end with.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// An object as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Where it stands.
    pub place: Place,
    /// The whole object.
    pub object: Value,
}

/// A document in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Which document of it, from 1.
    pub document: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: document {}", self.file.display(), self.document)
    }
}

/// Why manifests cannot be read. One sentence each.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A file or folder is not there, or may not be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// Its path.
        path: String,
        /// What happened.
        reason: String,
    },
    /// There is no file to read.
    #[error("{path} has no file that ends with .yaml, .yml or .json")]
    Empty {
        /// Path of the folder.
        path: String,
    },
    /// Not YAML.
    #[error("{place}: this is not YAML: {reason}")]
    Syntax {
        /// Where.
        place: Place,
        /// What is wrong, with its line in the file.
        reason: String,
    },
    /// A field that cannot be.
    #[error("{place}: {object}: {field}: {reason}")]
    Field {
        /// Where.
        place: Place,
        /// Kind, namespace and name.
        object: String,
        /// Path of the field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Manifest {
    /// `apiVersion`; empty without one.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// `kind`; empty without one.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    fn text(&self, path: &str) -> &str {
        self.object
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Kind, namespace and name, as far as they are there.
    fn described(&self) -> String {
        let (namespace, name) = (self.text("/metadata/namespace"), self.text("/metadata/name"));
        if namespace.is_empty() {
            format!("{} {name}", self.kind())
        } else {
            format!("{} {namespace}/{name}", self.kind())
        }
    }

    fn wrong(&self, field: &str, reason: impl Into<String>) -> ManifestError {
        ManifestError::Field {
            place: self.place.clone(),
            object: self.described(),
            field: field.to_owned(),
            reason: reason.into(),
        }
    }
}

/// All objects of files and of the files in folders, in order of path and position. Lists are taken apart.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Manifest>, ManifestError> {
    let mut all = Vec::new();
    for path in paths {
        for file in files(path)? {
            let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
            all.extend(parse(&file, &text)?);
        }
    }
    Ok(all)
}

fn unreadable(path: &Path, error: &std::io::Error) -> ManifestError {
    ManifestError::Unreadable {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

/// The file itself, or the manifests in a folder and its folders, in order of path.
fn files(path: &Path) -> Result<Vec<PathBuf>, ManifestError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let (mut found, mut open) = (Vec::new(), vec![path.to_owned()]);
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&folder, &error))?.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if path.is_dir() {
                open.push(path);
            } else if ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
                found.push(path);
            }
        }
    }
    if found.is_empty() {
        return Err(ManifestError::Empty {
            path: path.display().to_string(),
        });
    }
    found.sort();
    Ok(found)
}

/// The objects of a file. Documents without content are passed over.
pub fn parse(file: &Path, text: &str) -> Result<Vec<Manifest>, ManifestError> {
    let mut all = Vec::new();
    for (position, (first_line, document)) in documents(text).into_iter().enumerate() {
        let place = Place {
            file: file.to_owned(),
            document: position + 1,
        };
        let object: Value = if is_blank(document) {
            Value::Null
        } else {
            let options = serde_saphyr::options! { with_snippet: false };
            serde_saphyr::from_str_with_options(document, options).map_err(|error| {
                let line = error.location().map_or(0, |location| location.line());
                let said: Vec<String> = error.to_string().lines().map(|l| l.trim().to_owned()).collect();
                ManifestError::Syntax {
                    place: place.clone(),
                    reason: format!("line {} of the file: {}", first_line + line, said.join(" ")),
                }
            })?
        };
        take_apart(Manifest { place, object }, &mut all)?;
    }
    Ok(all)
}

/// The documents of a YAML stream with the number of lines before each.
fn documents(text: &str) -> Vec<(u64, &str)> {
    let (mut found, mut start, mut at, mut before, mut line) = (Vec::new(), 0, 0, 0, 0);
    for piece in text.split_inclusive('\n') {
        line += 1;
        let marker = piece.strip_prefix("---");
        if marker.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            let document = text.get(start..at).unwrap_or_default();
            if !found.is_empty() || !is_blank(document) {
                found.push((before, document));
            }
            // What follows the marker on its line belongs to the document.
            (start, before) = (at + 3, line - 1);
        }
        at += piece.len();
    }
    found.push((before, text.get(start..).unwrap_or_default()));
    found
}

fn is_blank(document: &str) -> bool {
    let mut lines = document.lines().map(str::trim);
    lines.all(|line| line.is_empty() || line.starts_with('#'))
}

/// Lists (`v1 List`, `v1 ServiceList`) hold objects; members of a list of one kind need not name it.
fn take_apart(manifest: Manifest, all: &mut Vec<Manifest>) -> Result<(), ManifestError> {
    if manifest.object.is_null() {
        return Ok(());
    }
    if !manifest.object.is_object() {
        return Err(manifest.wrong("", "this is not an object with apiVersion and kind"));
    }
    let members = manifest.object.get("items").and_then(Value::as_array);
    let (Some(of), Some(members)) = (manifest.kind().strip_suffix("List"), members) else {
        for field in ["apiVersion", "kind"] {
            if manifest.text(&format!("/{field}")).is_empty() {
                return Err(manifest.wrong(field, "the field is missing"));
            }
        }
        all.push(manifest);
        return Ok(());
    };
    for member in members {
        let mut object = member.clone();
        if let Some(fields) = object.as_object_mut()
            && !of.is_empty()
        {
            fields.entry("kind").or_insert_with(|| of.into());
            fields
                .entry("apiVersion")
                .or_insert_with(|| manifest.api_version().into());
        }
        let place = manifest.place.clone();
        take_apart(Manifest { place, object }, all)?;
    }
    Ok(())
}

/// How many objects there are of kinds that nobody reads, by kind.
pub fn counted<'a>(ignored: impl IntoIterator<Item = &'a Manifest>) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for manifest in ignored {
        *counts.entry(manifest.kind()).or_default() += 1;
    }
    let kinds: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    (!kinds.is_empty()).then(|| {
        format!(
            "ignored, of kinds that load balancers do not depend on: {}",
            kinds.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Manifest>, ManifestError> {
        parse(Path::new("a.yaml"), text)
    }

    #[test]
    fn a_file_holds_documents_lists_and_comments() {
        let text = "# about\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n--- # next\n# nothing\n---\n\
                    apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Node, metadata: {name: b}}\n---\n\
                    apiVersion: v1\nkind: ServiceList\nitems:\n- metadata: {name: c}\n";
        let all = parsed(text).unwrap();
        let named: Vec<(usize, String)> = all
            .iter()
            .map(|manifest| (manifest.place.document, manifest.described()))
            .collect();
        let expected = [(1, "Service a"), (3, "Node b"), (4, "Service c")];
        assert_eq!(named, expected.map(|(at, what)| (at, what.to_owned())));
        assert_eq!(all[2].api_version(), "v1");
    }

    #[test]
    fn what_is_wrong_is_told_with_file_document_and_line() {
        let text = "apiVersion: v1\nkind: Node\n---\napiVersion: v1\nkind: [\n";
        let error = parsed(text).unwrap_err().to_string();
        assert!(
            error.starts_with("a.yaml: document 2: this is not YAML: line "),
            "{error}"
        );
        let error = parsed("kind: Node\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "a.yaml: document 1: Node : apiVersion: the field is missing"
        );
        assert!(
            parsed("just text\n")
                .unwrap_err()
                .to_string()
                .contains("not an object")
        );
    }

    #[test]
    fn folders_are_read_in_order_of_path() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("apiVersion: v1\nkind: {}\n", &name[..1])).unwrap();
        };
        let none = read(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(
            none.ends_with("has no file that ends with .yaml, .yml or .json"),
            "{none}"
        );
        for name in ["b.yml", "a.yaml", "c/d.json", "e.txt"] {
            write(name);
        }
        let all = read(&[folder.path().to_owned()]).unwrap();
        let kinds: Vec<&str> = all.iter().map(Manifest::kind).collect();
        assert_eq!(kinds, ["a", "b", "c"]);
        let missing = read(&[folder.path().join("nowhere.yaml")])
            .unwrap_err()
            .to_string();
        assert!(missing.starts_with("cannot read "), "{missing}");
    }
}
