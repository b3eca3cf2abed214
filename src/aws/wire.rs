//! The wire: our User-Agent on every request, and a check that an answer was written by AWS.
//!
//! In: any HTTP client. Out: the same client, whose answers are complete XML documents, or an error that says
//! in one sentence what came instead. The SDK would take an HTML page with status 200 for the success of a
//! deletion and a document cut short for a shorter list.

use std::fmt;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// More than any answer of AWS: a page of 1,000 instances is about 8 MB.
const LONGEST_ANSWER: usize = 64 << 20;

/// An answer that AWS did not write, or not completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadAnswer {
    /// HTTP status.
    pub(super) status: u16,
    /// What came, as the object of a sentence.
    pub(super) what: String,
}

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the endpoint answered with HTTP status {} and {}",
            self.status, self.what
        )
    }
}

impl std::error::Error for BadAnswer {}

/// A request that got no answer, with the endpoint it was sent to.
#[derive(Debug)]
pub(super) struct NoAnswer {
    /// Scheme, host and port.
    pub(super) endpoint: String,
    cause: ConnectorError,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer from the endpoint {}", self.endpoint)
    }
}

impl std::error::Error for NoAnswer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// An HTTP client for AWS APIs that speak XML.
#[derive(Debug)]
pub(super) struct AwsWire {
    inner: SharedHttpClient,
    user_agent: String,
}

impl AwsWire {
    pub(super) fn new(inner: SharedHttpClient, user_agent: String) -> Self {
        Self { inner, user_agent }
    }
}

impl HttpClient for AwsWire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Wire {
            inner: self.inner.http_connector(settings, components),
            user_agent: self.user_agent.clone(),
        })
    }
}

#[derive(Debug)]
struct Wire {
    inner: SharedHttpConnector,
    user_agent: String,
}

impl HttpConnector for Wire {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        // Signing is done by now; the User-Agent is not part of the signature.
        request
            .headers_mut()
            .insert("user-agent", self.user_agent.clone());
        let root = expected_root(&request);
        let endpoint = endpoint(request.uri());
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer
                .await
                .map_err(|cause| ConnectorError::io(Box::new(NoAnswer { endpoint, cause })))?;
            checked(answer, &root).await
        })
    }
}

fn endpoint(uri: &str) -> String {
    url::Url::parse(uri).map_or_else(|_| uri.to_owned(), |url| url.origin().ascii_serialization())
}

/// First element of the answer to a request of the query protocol: `<Action>Response`.
fn expected_root(request: &HttpRequest) -> String {
    let body = request.body().bytes().unwrap_or_default();
    let action = std::str::from_utf8(body).unwrap_or_default();
    let action = action
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
        .unwrap_or_default();
    format!("{action}Response")
}

async fn checked(mut response: HttpResponse, root: &str) -> Result<HttpResponse, ConnectorError> {
    let status = response.status().as_u16();
    let bad = |what: String| ConnectorError::other(Box::new(BadAnswer { status, what }), None);
    if (300..400).contains(&status) {
        let target = response.headers().get("location").unwrap_or("nowhere");
        return Err(bad(format!(
            "a redirect to {target}, which is not followed; check the endpoint URL"
        )));
    }
    let mut stream = ByteStream::new(response.take_body());
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| ConnectorError::io(Box::new(error)))?;
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            return Err(bad("more than 64 MiB of content".to_owned()));
        }
    }
    let expected = (status < 300).then_some(root);
    match describe(&body, expected) {
        None => {
            *response.body_mut() = SdkBody::from(body);
            Ok(response)
        }
        Some(what) => Err(bad(what)),
    }
}

/// What a body is if it is not one complete XML document of AWS, with the expected root if one is named.
fn describe(body: &[u8], expected: Option<&str>) -> Option<String> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Some("binary content instead of an AWS answer".to_owned());
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Some("an empty body instead of an AWS answer".to_owned());
    }
    let Some((root, rest)) = root_element(text) else {
        return Some("text that is not XML instead of an AWS answer".to_owned());
    };
    if root.eq_ignore_ascii_case("html") || root.eq_ignore_ascii_case("!doctype") {
        return Some("an HTML page instead of an AWS answer".to_owned());
    }
    let closed = rest.strip_suffix('>').map(str::trim_end).is_some_and(|rest| {
        rest.ends_with(&format!("</{root}")) || (rest.ends_with('/') && !rest.contains('<'))
    });
    if !closed {
        return Some(format!("an AWS answer that is cut off ({root} is never closed)"));
    }
    let other = expected.filter(|expected| *expected != root);
    other.map(|expected| format!("the document {root} instead of {expected}"))
}

/// Name of the first element, after the XML declaration and comments, and what follows the name.
fn root_element(mut text: &str) -> Option<(&str, &str)> {
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix("<?") {
            text = rest.split_once("?>")?.1;
        } else if let Some(rest) = text.strip_prefix("<!--") {
            text = rest.split_once("-->")?.1;
        } else {
            let rest = text.strip_prefix('<')?;
            let end = rest
                .find(|c: char| c.is_whitespace() || c == '>' || c == '/')
                .unwrap_or(rest.len());
            return rest.split_at_checked(end).filter(|(name, _)| !name.is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_document_passes() {
        for body in [
            "<?xml version=\"1.0\"?>\n<DescribeTagsResponse xmlns=\"x\"><A/></DescribeTagsResponse>\n",
            "<DeleteTagsResponse><return>true</return></DeleteTagsResponse>",
            "<DeleteTagsResponse/>",
        ] {
            assert_eq!(describe(body.as_bytes(), None), None, "{body}");
        }
    }

    #[test]
    fn anything_else_is_named() {
        for (body, word) in [
            ("", "empty"),
            ("<html><body>Sign in</body></html>", "HTML"),
            ("<!DOCTYPE html><html></html>", "HTML"),
            ("{\"ok\":true}", "not XML"),
            ("<DescribeTagsResponse><Tags><member>", "cut off"),
            ("<DescribeTagsResponse><Tags/>", "cut off"),
            ("<DescribeTagsResponse", "cut off"),
            (
                "<Other></Other>",
                "the document Other instead of DescribeTagsResponse",
            ),
        ] {
            let what = describe(body.as_bytes(), Some("DescribeTagsResponse")).unwrap_or_default();
            assert!(what.contains(word), "{body}: {what}");
        }
        assert!(describe(&[0xff, 0xfe, 0x00], None).is_some());
    }
}
