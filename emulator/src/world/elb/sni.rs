//! Which certificate a TLS handshake gets.

use super::listener::Listener;

/// The certificate that a listener presents to a client that asks for `server_name`: one that names it exactly,
/// else one that covers it with a wildcard, else, or without a name, the default certificate. `None` for a
/// listener without certificates.
///
/// `names` gives the domain names of a certificate. Among equally specific ones the default certificate is taken
/// first, then the lowest ARN; AWS would go on with key type, hash and validity, which say nothing about routing
/// ("Server certificates" in the user guide).
pub fn certificate<'a, 'n, N>(
    listener: &'a Listener,
    server_name: Option<&str>,
    names: impl Fn(&str) -> N,
) -> Option<&'a str>
where
    N: IntoIterator<Item = &'n str>,
{
    let default = listener.certificate.as_deref()?;
    let Some(wanted) = server_name else {
        return Some(default);
    };
    let extra = listener.extra_certificates.iter().map(String::as_str);
    let candidates = std::iter::once(default).chain(extra);
    let rated = candidates.filter_map(|arn| {
        let best = names(arn)
            .into_iter()
            .filter_map(|name| specificity(name, wanted))
            .max()?;
        Some((best, arn))
    });
    let mut chosen: Option<(Specificity, &str)> = None;
    for (rate, arn) in rated {
        if chosen.is_none_or(|(best, _)| rate > best) {
            chosen = Some((rate, arn));
        }
    }
    Some(chosen.map_or(default, |(_, arn)| arn))
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Wildcard,
    Exact,
}

/// A wildcard stands for exactly one label (RFC 6125, section 6.4.3).
fn specificity(name: &str, wanted: &str) -> Option<Specificity> {
    if name.eq_ignore_ascii_case(wanted) {
        return Some(Specificity::Exact);
    }
    let domain = name.strip_prefix("*.")?;
    let (_, rest) = wanted.split_once('.')?;
    rest.eq_ignore_ascii_case(domain).then_some(Specificity::Wildcard)
}
