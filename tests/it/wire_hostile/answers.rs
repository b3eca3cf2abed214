//! Answers that are none: other content, redirects, too late, cut.

use std::time::Duration;

use elbow::aws::Fault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::ResponseTemplate;

use super::{ATTEMPTS, CALLS, Call, all_calls_fail_as, assert_clear, client, requests, server};

#[tokio::test]
async fn good_answers_of_the_table_are_understood() {
    for call in CALLS {
        let server = server(ResponseTemplate::new(200).set_body_raw(call.good_answer(), "text/xml")).await;
        call.make(&client(&server.uri()).await)
            .await
            .unwrap_or_else(|error| panic!("{call:?}: {error}"));
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), 1);
        let agent = requests[0].headers.get("user-agent").unwrap().to_str().unwrap();
        assert!(
            agent.starts_with("elbv2.k8s.aws/") && agent.contains("elbow/"),
            "{agent}"
        );
    }
}

#[tokio::test]
async fn a_page_of_html_with_status_200_is_not_an_answer() {
    let page = "<html><body>Please sign in</body></html>";
    all_calls_fail_as("HTML 200", Fault::Transient, || {
        server(ResponseTemplate::new(200).set_body_raw(page, "text/html"))
    })
    .await;
}

#[tokio::test]
async fn a_page_of_html_with_a_server_error_is_not_an_answer() {
    let page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>";
    all_calls_fail_as("HTML 502", Fault::Transient, || {
        server(ResponseTemplate::new(502).set_body_raw(page, "text/html"))
    })
    .await;
}

#[tokio::test]
async fn an_empty_body_is_not_an_answer() {
    for status in [200, 204, 400, 500] {
        all_calls_fail_as(&format!("empty {status}"), Fault::Transient, || {
            server(ResponseTemplate::new(status))
        })
        .await;
    }
}

#[tokio::test]
async fn other_content_is_not_an_answer() {
    let bodies: [&[u8]; 3] = [
        b"{\"message\":\"no\"}",
        &[0xff, 0xfe, 0x00, 0x80],
        b"<NotWhatWasAsked><x/></NotWhatWasAsked>",
    ];
    for body in bodies {
        for call in CALLS {
            let server = server(ResponseTemplate::new(200).set_body_raw(body.to_vec(), "text/xml")).await;
            let error = call.make(&client(&server.uri()).await).await.unwrap_err();
            assert_eq!(error.fault, Fault::Transient, "{call:?}: {error}");
            assert_clear(&error, "other content");
            let expected = if call.repeats() { ATTEMPTS as usize } else { 1 };
            assert_eq!(requests(&server).await, expected, "{call:?}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 307, 308] {
        let elsewhere = server(ResponseTemplate::new(200)).await;
        let target = elsewhere.uri();
        all_calls_fail_as(&format!("redirect {status}"), Fault::Transient, || {
            server(ResponseTemplate::new(status).insert_header("location", target.as_str()))
        })
        .await;
        assert_eq!(requests(&elsewhere).await, 0);
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_none() {
    all_calls_fail_as("slow", Fault::Transient, || {
        server(ResponseTemplate::new(200).set_delay(Duration::from_secs(20)))
    })
    .await;
}

/// A server that reads a request, writes some bytes and closes, and how often it was asked.
async fn cutting_server(
    bytes: Vec<u8>,
) -> (
    String,
    tokio::task::JoinHandle<()>,
    std::sync::Arc<std::sync::atomic::AtomicUsize>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    });
    (url, task, asked)
}

async fn read_request(stream: &mut tokio::net::TcpStream) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await.unwrap_or_default();
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return;
            }
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if read == 0 || body.len() >= length.unwrap_or_default() {
            return;
        }
    }
}

#[tokio::test]
async fn a_cut_answer_is_none() {
    let whole = |call: Call| call.good_answer().len();
    for call in CALLS {
        let half = &call.good_answer()[..whole(call) / 2];
        let answers = [
            Vec::new(),
            b"HTTP/1.1 200 OK\r\n".to_vec(),
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{half}", whole(call)).into_bytes(),
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{half}\r\n",
                half.len()
            )
            .into_bytes(),
            // Cut by something in between that mends the framing: a shorter list must not come of it.
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{half}", half.len()).into_bytes(),
            b"this is not HTTP at all\r\n\r\n".to_vec(),
        ];
        for (number, answer) in answers.into_iter().enumerate() {
            let (url, task, asked) = cutting_server(answer).await;
            let error = call.make(&client(&url).await).await.unwrap_err();
            let case = format!("{call:?}, cut {number}");
            assert_eq!(
                (error.fault, error.answered),
                (Fault::Transient, !call.is_mutation()),
                "{case}: {error}"
            );
            assert_clear(&error, &case);
            let expected = if call.repeats() { ATTEMPTS as usize } else { 1 };
            assert_eq!(
                asked.load(std::sync::atomic::Ordering::SeqCst),
                expected,
                "{case}"
            );
            task.abort();
        }
    }
}

#[tokio::test]
async fn nobody_listening_is_one_clear_sentence_and_nothing_was_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for call in CALLS {
        let error = call.make(&client(&url).await).await.unwrap_err();
        assert_eq!(
            (error.fault, error.answered),
            (Fault::Transient, true),
            "{call:?}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.to_lowercase().contains("refused") && text.contains(&url),
            "{text}"
        );
        assert_clear(&error, "refused");
    }
}
