//! What the tables of annotations have in common: what may follow a suffix, how a suffix is looked up, and how a table
//! becomes a page of the user documentation.

use std::fmt::Write as _;

/// What stands behind the last part of a suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The suffix is complete.
    None,
    /// A port number of the Service: `.443`.
    Port,
    /// Protocol and port of a listener: `.HTTPS-443`.
    Listener,
    /// Name of a backend Service, or of an action: `.web`.
    Name,
    /// Name and port of a backend Service, as the Ingress refers to it: `.web.80`.
    NamePort,
}

impl Variant {
    /// How it is written in the user documentation.
    pub fn form(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Port => ".<port>",
            Self::Listener => ".<PROTOCOL>-<port>",
            Self::Name => ".<name>",
            Self::NamePort => ".<service>.<port>",
        }
    }

    /// Whether `suffix` is `start` with such an ending.
    pub(super) fn fits(self, start: &str, suffix: &str) -> bool {
        let Some(rest) = suffix.strip_prefix(start) else {
            return false;
        };
        match (self, rest.strip_prefix('.')) {
            (Self::None, _) => rest.is_empty(),
            (Self::Port | Self::Listener | Self::Name, Some(ending)) => !ending.is_empty(),
            (Self::NamePort, Some(ending)) => ending
                .rsplit_once('.')
                .is_some_and(|(name, port)| !name.is_empty() && !port.is_empty()),
            (_, None) => false,
        }
    }
}

/// The known suffix that differs by at most three edits, for "did you mean".
pub(super) fn nearest(known: impl Iterator<Item = &'static str>, suffix: &str) -> Option<&'static str> {
    known
        .map(|known| (edits(suffix, known), known))
        .filter(|(distance, _)| *distance <= 3)
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein distance of two short ASCII texts.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.bytes().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(x != y);
            left = replaced.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// A page of the user documentation, in Markdown.
pub(super) struct Page(String);

impl Page {
    /// The introduction. `kind`: the kind of object, with its article; `tables`: "this table" or "these tables";
    /// `remark`: what else there is to say about them.
    pub fn new(kind: &str, prefix: &str, tables: &str, remark: &str) -> Self {
        let object = kind.rsplit(' ').next().unwrap_or(kind);
        Self(format!(
            "# Annotations of {kind}\n\nAll keys begin with `{prefix}/`. A value that cannot be read is reported as an \
             event on the {object}, and what exists stays as it is; a key that is not in {tables}, or has no effect \
             where it stands, is a warning.{remark}\n\n{TYPES}"
        ))
    }

    /// A paragraph.
    pub fn text(&mut self, text: &str) {
        let _ = writeln!(self.0, "\n{text}");
    }

    /// The head of a table.
    pub fn columns(&mut self, columns: &[&str]) {
        let rule = "---|".repeat(columns.len());
        let _ = writeln!(self.0, "\n| {} |\n|{rule}", columns.join(" | "));
    }

    /// A row of the table.
    pub fn row(&mut self, cells: &[&str]) {
        let _ = writeln!(self.0, "| {} |", cells.join(" | "));
    }

    /// The page.
    pub fn finish(self) -> String {
        self.0
    }
}

const TYPES: &str = "\
Types: *text* is taken as it is; *yes/no* is `true` or `false`; *list* is cut at commas; *map* is `key=value` pairs \
between commas (a backslash takes the next character as it is); *JSON* ignores the case of field names.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_insertions_deletions_and_replacements() {
        assert_eq!(edits("abc", "abc"), 0);
        assert_eq!(edits("abc", "abd"), 1);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
