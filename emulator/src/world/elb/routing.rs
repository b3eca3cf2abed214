//! The rule engine: which rule of a listener a request meets, and what is done with it.
//!
//! Pure and without preparation: conditions carry their compiled patterns, so a decision allocates nothing and
//! can be asked for millions of times, of a listener or of any list of rules.

use std::net::IpAddr;

use super::{
    action::{Action, Redirect},
    listener::Listener,
    rule::Rule,
};

/// A request of a client, as the listener sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The host header, with or without a port.
    pub host: &'a str,
    /// The path with its slash, as sent.
    pub path: &'a str,
    /// The query without its question mark, as sent.
    pub query: &'a str,
    /// Method.
    pub method: &'a str,
    /// Names and values in order; a name may be repeated.
    pub headers: &'a [(&'a str, &'a str)],
    /// The peer; no header changes it.
    pub source_ip: IpAddr,
    /// The server name of the TLS handshake ([`super::sni::certificate`]).
    pub sni: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// The host without its port.
    pub fn host_name(&self) -> &'a str {
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
            _ => self.host,
        }
    }

    /// Keys and values of the query, as sent; a key alone has an empty value.
    pub fn query_pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

/// What is done with a request.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The rule that it meets; absent: the default rule.
    pub rule: Option<&'a Rule>,
    /// The actions of that rule, in order.
    pub actions: &'a [Action],
}

/// What a listener does with a request: the first rule by priority whose conditions are all met, else the
/// default actions.
pub fn route<'a>(listener: &'a Listener, request: &Request<'_>) -> Decision<'a> {
    decision(
        listener.rules.values().find(|rule| rule.matches(request)),
        &listener.default_actions,
    )
}

/// As [`route`], for rules in any order that need not be those of a listener.
pub fn route_among<'a>(
    rules: impl IntoIterator<Item = &'a Rule>,
    default_actions: &'a [Action],
    request: &Request<'_>,
) -> Decision<'a> {
    let met = rules.into_iter().filter(|rule| rule.matches(request));
    decision(met.min_by_key(|rule| rule.priority), default_actions)
}

fn decision<'a>(rule: Option<&'a Rule>, default_actions: &'a [Action]) -> Decision<'a> {
    Decision {
        rule,
        actions: rule.map_or(default_actions, |rule| &rule.actions),
    }
}

/// Where a redirect sends a request that came in on `port`, with the placeholders filled in.
pub fn location(redirect: &Redirect, request: &Request<'_>, port: u16) -> String {
    let port = port.to_string();
    let fill = |text: &str| {
        text.replace("#{protocol}", request.scheme)
            .replace("#{host}", request.host_name())
            .replace("#{port}", &port)
            .replace("#{path}", request.path.strip_prefix('/').unwrap_or(request.path))
            .replace("#{query}", request.query)
    };
    let query = match fill(&redirect.query) {
        query if query.is_empty() => query,
        query => format!("?{query}"),
    };
    format!(
        "{}://{}:{}{}{query}",
        fill(&redirect.protocol).to_ascii_lowercase(),
        fill(&redirect.host),
        fill(&redirect.port),
        fill(&redirect.path),
    )
}
