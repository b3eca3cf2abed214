//! What condition values are compared with: wildcard patterns and regular expressions, made ready once.

use std::iter::Peekable;

use regex::{Regex, RegexBuilder};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::world::ApiError;

/// A wildcard pattern or a regular expression, with or without regard to case.
///
/// `*` stands for any number of characters, slashes included, `?` for exactly one. A wildcard pattern covers the
/// whole text; a regular expression may match anywhere in it unless it is anchored.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    ignore_case: bool,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Wildcards(Vec<Piece>),
    Regex(Regex),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Byte(u8),
}

impl Pattern {
    /// A wildcard pattern. With `escapes`, as in query strings, `\*` and `\?` stand for themselves.
    pub fn wildcards(text: &str, ignore_case: bool, escapes: bool) -> Self {
        Self {
            text: text.to_owned(),
            ignore_case,
            how: How::Wildcards(pieces(text, ignore_case, escapes)),
        }
    }

    /// A regular expression; `ValidationError` if it is none.
    ///
    /// AWS excludes look-around, back-references, atomic groups, possessive quantifiers and Unicode classes from
    /// its expressions, most of which the engine used here does not know either.
    pub fn regex(text: &str, ignore_case: bool) -> Result<Self, ApiError> {
        let made = RegexBuilder::new(text).case_insensitive(ignore_case).build();
        let regex =
            made.map_err(|_| ApiError::validation(format!("The regular expression '{text}' is not valid")))?;
        Ok(Self {
            text: text.to_owned(),
            ignore_case,
            how: How::Regex(regex),
        })
    }

    /// The pattern as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is a regular expression.
    pub fn is_regex(&self) -> bool {
        matches!(self.how, How::Regex(_))
    }

    /// How many wildcards it has; none in a regular expression.
    pub fn wildcard_count(&self) -> usize {
        match &self.how {
            How::Wildcards(pieces) => pieces
                .iter()
                .filter(|piece| !matches!(piece, Piece::Byte(_)))
                .count(),
            How::Regex(_) => 0,
        }
    }

    /// Whether it matches a text.
    pub fn matches(&self, text: &str) -> bool {
        match &self.how {
            How::Wildcards(pieces) => covers(pieces, text.as_bytes(), self.ignore_case),
            How::Regex(regex) => regex.is_match(text),
        }
    }
}

fn pieces(text: &str, ignore_case: bool, escapes: bool) -> Vec<Piece> {
    let mut bytes = text.bytes().peekable();
    let mut made = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        made.push(match byte {
            b'\\' if escapes => Piece::Byte(escaped(&mut bytes)),
            b'*' => Piece::Any,
            b'?' => Piece::One,
            other if ignore_case => Piece::Byte(other.to_ascii_lowercase()),
            other => Piece::Byte(other),
        });
    }
    made
}

fn escaped(rest: &mut Peekable<std::str::Bytes<'_>>) -> u8 {
    rest.next_if(|next| matches!(next, b'*' | b'?')).unwrap_or(b'\\')
}

/// Remembers only the last `*`: giving it one byte more is all that going back ever needs.
fn covers(pieces: &[Piece], text: &[u8], ignore_case: bool) -> bool {
    let (mut piece, mut byte) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(found) = text.get(byte) {
        let fits = match pieces.get(piece) {
            Some(Piece::Any) => {
                back = Some((piece, byte));
                piece += 1;
                continue;
            }
            Some(Piece::One) => true,
            Some(Piece::Byte(wanted)) if ignore_case => found.to_ascii_lowercase() == *wanted,
            Some(Piece::Byte(wanted)) => found == wanted,
            None => false,
        };
        if fits {
            piece += 1;
            byte += 1;
        } else if let Some((star, from)) = back {
            back = Some((star, from + 1));
            piece = star + 1;
            byte = from + 1;
        } else {
            return false;
        }
    }
    pieces
        .get(piece..)
        .is_none_or(|rest| rest.iter().all(|piece| *piece == Piece::Any))
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
            && self.ignore_case == other.ignore_case
            && self.is_regex() == other.is_regex()
    }
}

impl Eq for Pattern {}

/// A text, or `{"regex": TEXT}`.
impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_regex() {
            return serializer.serialize_str(&self.text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("regex", &self.text)?;
        map.end()
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

    fn path(pattern: &str, text: &str) -> bool {
        Pattern::wildcards(pattern, false, false).matches(text)
    }

    #[test]
    fn a_star_is_any_number_of_characters_and_a_question_mark_exactly_one() {
        assert!(path("/img/*", "/img/") && path("/img/*", "/img/a/b.png") && !path("/img/*", "/img"));
        assert!(path("/a?c", "/abc") && path("/a?c", "/a/c") && !path("/a?c", "/ac"));
        assert!(path("*", "") && path("**", "x") && !path("?", "") && path("", "") && !path("", "x"));
        assert!(path("/*/x/*.js", "/a/x/b/x/c.js") && !path("/*/x/*.js", "/a/y/c.js"));
        assert!(path("*a*b*c", "aabbabc") && !path("*a*b*c", "aabbabcd"));
    }

    #[test]
    fn case_counts_unless_told_otherwise() {
        assert!(!path("/Img", "/img"));
        assert!(Pattern::wildcards("*.Example.com", true, false).matches("WWW.eXAMPLE.COM"));
        assert!(!Pattern::regex("^/Img", false).unwrap().matches("/img"));
        assert!(Pattern::regex("^A", true).unwrap().matches("ab"));
    }

    #[test]
    fn an_escaped_wildcard_stands_for_itself() {
        let pattern = Pattern::wildcards(r"a\*b?\c", true, true);
        assert!(pattern.matches(r"A*bX\c") && !pattern.matches(r"aXbX\c"));
        assert_eq!(pattern.wildcard_count(), 1);
        assert!(Pattern::wildcards(r"a\*", false, false).matches(r"a\bc"));
    }

    #[test]
    fn a_regular_expression_matches_anywhere_unless_it_is_anchored() {
        assert!(Pattern::regex("b+", false).unwrap().matches("abbc"));
        assert!(!Pattern::regex("^b+$", false).unwrap().matches("abbc"));
        assert_eq!(Pattern::regex("(", false).unwrap_err().code, "ValidationError");
    }
}
