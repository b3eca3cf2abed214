//! What all describe calls share: ids, filters, pages.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Params, Xml, invalid};
use crate::world::{ApiError, World, ec2::Tags};

/// A kind of resource that a describe call lists.
pub trait Described {
    /// Parameter that names ids, for example `SubnetId`.
    const ID_PARAMETER: &'static str;
    /// Code of the error for an id that is not there.
    const NOT_FOUND: &'static str;
    /// How AWS calls the id in that error, for example `subnet ID`.
    const NOUN: &'static str;
    /// Largest `MaxResults`; the smallest is 5.
    const LARGEST_PAGE: usize = 1_000;
    /// Whether ids and `MaxResults` exclude each other.
    const IDS_OR_PAGES: bool = false;
    /// Filters, besides `tag:KEY` and `tag-key`.
    const FILTERS: &'static [&'static str];

    /// Its id.
    fn id(&self) -> &str;
    /// Its tags.
    fn tags(&self) -> &Tags;
    /// The values that a filter of [`Described::FILTERS`] compares.
    fn values(&self, world: &World, filter: &str) -> Vec<String>;
}

/// One page of an answer.
pub struct Page<'a, T> {
    /// The resources, by id.
    pub items: Vec<&'a T>,
    /// Where the next page starts.
    pub next_token: Option<String>,
}

/// Selects what a describe call asks for.
///
/// # Errors
/// The kind's not-found code for unknown ids; `InvalidParameterValue` for an unknown filter, a page size out of
/// range or a token that is not ours; `InvalidParameterCombination`; `FilterLimitExceeded` above 200 values.
pub fn select<'a, T: Described>(
    world: &World,
    params: &Params,
    all: impl Iterator<Item = &'a T>,
) -> Result<Page<'a, T>, ApiError> {
    let ids = params.list(T::ID_PARAMETER);
    let filters = Filters::read(params, T::FILTERS)?;
    let (size, after) = page_of::<T>(world, params, &ids)?;
    let mut items: Vec<&T> = all.collect();
    items.sort_by(|a, b| a.id().cmp(b.id()));
    check_ids::<T>(&ids, &items)?;
    items.retain(|item| ids.is_empty() || ids.iter().any(|id| id == item.id()));
    items.retain(|item| filters.keep(world, *item));
    if let Some(after) = after {
        items.retain(|item| item.id() > after.as_str());
    }
    let more = items.len() > size;
    items.truncate(size);
    let action = params.get("Action").unwrap_or_default();
    let next_token = if more {
        items.last().map(|item| token(action, item.id()))
    } else {
        None
    };
    Ok(Page { items, next_token })
}

impl<T> Page<'_, T> {
    /// Writes the list and, where there is more, the token of the next page.
    pub fn write(&self, name: &str, fill: impl Fn(&mut Xml, &T)) -> String {
        let mut xml = Xml::new();
        xml.list(name, "item", &self.items, |xml, item| fill(xml, item));
        xml.opt("nextToken", self.next_token.as_ref());
        xml.finish()
    }
}

/// `<tagSet>`.
pub fn tag_set(xml: &mut Xml, tags: &Tags) {
    xml.list("tagSet", "item", tags, |xml, (key, value)| {
        xml.text("key", key).text("value", value);
    });
}

fn check_ids<T: Described>(ids: &[String], items: &[&T]) -> Result<(), ApiError> {
    let missing: Vec<&str> = ids
        .iter()
        .filter(|id| !items.iter().any(|item| item.id() == id.as_str()))
        .map(String::as_str)
        .collect();
    let noun = T::NOUN;
    match missing.as_slice() {
        [] => Ok(()),
        [id] => Err(ApiError::new(
            T::NOT_FOUND,
            format!("The {noun} '{id}' does not exist"),
        )),
        several => Err(ApiError::new(
            T::NOT_FOUND,
            format!("The {noun}s '{}' do not exist", several.join(", ")),
        )),
    }
}

fn page_of<T: Described>(
    world: &World,
    params: &Params,
    ids: &[String],
) -> Result<(usize, Option<String>), ApiError> {
    let asked = params.int("MaxResults")?;
    if asked.is_some() && !ids.is_empty() && T::IDS_OR_PAGES {
        let message = format!(
            "The parameter {} cannot be used with the parameter maxResults",
            T::ID_PARAMETER
        );
        return Err(ApiError::new("InvalidParameterCombination", message));
    }
    let largest = T::LARGEST_PAGE;
    let size = match asked {
        None => largest,
        Some(size) => usize::try_from(size).ok().filter(|size| (5..=largest).contains(size)).ok_or_else(|| {
            invalid(format!("Value ( {size} ) for parameter maxResults is invalid. Expecting a value between 5 and {largest}."))
        })?,
    };
    let size = world.page_size.map_or(size, |cap| size.min(cap.max(1) as usize));
    let after = params.get("NextToken").filter(|t| !t.is_empty()).map(|t| {
        let action = params.get("Action").unwrap_or_default();
        read_token(action, t).ok_or_else(|| invalid("Unable to parse pagination token"))
    });
    Ok((size, after.transpose()?))
}

fn token(action: &str, last: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{action} {last}"))
}

fn read_token(action: &str, token: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix(action)?.strip_prefix(' ').map(str::to_owned)
}

/// `Filter.N`: all must hold, each with any of its values; `*` and `?` are wildcards.
pub struct Filters(Vec<(String, Vec<String>)>);

impl Filters {
    /// Reads the filters of a request, of which only `allowed` and tag filters exist.
    pub fn read(params: &Params, allowed: &[&str]) -> Result<Self, ApiError> {
        let mut filters = Vec::new();
        for filter in params.children("Filter") {
            let name = super::required(&filter, "Name")?.to_owned();
            if !(allowed.contains(&name.as_str()) || name == "tag-key" || name.starts_with("tag:")) {
                return Err(invalid(format!("The filter '{name}' is invalid")));
            }
            let values = filter.list("Value");
            if values.is_empty() {
                return Err(ApiError::new(
                    "MissingParameter",
                    format!("The filter '{name}' must have a value"),
                ));
            }
            filters.push((name, values));
        }
        if filters.iter().map(|(_, values)| values.len()).sum::<usize>() > 200 {
            let message =
                "The request uses too many filters or too many filter values; the maximum is 200 values.";
            return Err(ApiError::new("FilterLimitExceeded", message));
        }
        Ok(Self(filters))
    }

    /// Whether a resource passes.
    pub fn keep<T: Described>(&self, world: &World, item: &T) -> bool {
        self.accept(item.tags(), |name| item.values(world, name))
    }

    /// Whether something with these tags and filter values passes.
    pub fn accept(&self, tags: &Tags, values: impl Fn(&str) -> Vec<String>) -> bool {
        self.0.iter().all(|(name, wanted)| {
            let own = match name.strip_prefix("tag:") {
                Some(key) => tags.get(key).cloned().into_iter().collect(),
                None if name == "tag-key" => tags.keys().cloned().collect(),
                None => values(name),
            };
            own.iter()
                .any(|value| wanted.iter().any(|pattern| matches(pattern, value)))
        })
    }
}

/// Whether a text matches a pattern with `*` (any run), `?` (one character or none) and `\` (the next one as it is).
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    let mut tail = text.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = rest.as_str();
            matches(rest, text) || tail.next().is_some() && matches(pattern, tail.as_str())
        }
        Some('?') => {
            matches(rest.as_str(), text) || tail.next().is_some() && matches(rest.as_str(), tail.as_str())
        }
        Some('\\') if !rest.as_str().is_empty() => {
            tail.next() == rest.next() && matches(rest.as_str(), tail.as_str())
        }
        Some(c) => tail.next() == Some(c) && matches(rest.as_str(), tail.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_values_take_wildcards_and_escapes() {
        for (pattern, text, expected) in [
            ("kube*", "kubernetes", true),
            ("*net*", "kubernetes", true),
            ("?ube", "kube", true),
            ("kube", "Kube", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_token_of_another_operation_is_not_ours() {
        let token = token("DescribeVpcs", "vpc-1");
        assert_eq!(read_token("DescribeVpcs", &token).as_deref(), Some("vpc-1"));
        assert_eq!(read_token("DescribeSubnets", &token), None);
        assert_eq!(read_token("DescribeVpcs", "vpc-1"), None);
    }
}
