//! Target health checks: checks due in the world in, their outcomes back into it.
//!
//! One task asks the world what is due, dials without holding its lock, and tells it what came of it. Addresses go
//! through the dial map. A TCP check is a connection. An HTTP check is a GET whose answer's status counts. HTTPS
//! and gRPC checks are connections only: this program has no TLS client, and AWS does not verify the certificate
//! of a target either.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet, time};

use crate::{
    server::Emulator,
    world::elb::{self, Outcome, Probe, words::Protocol},
};

/// How soon a registration made meanwhile is noticed, in real time.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// So that a high `--speed` does not turn the loop into a spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// A loaded machine may need this long for a connection however fast emulated time runs.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(200);

/// Checks targets until the future is dropped.
pub async fn run(emulator: Emulator) {
    let mut checks = JoinSet::new();
    loop {
        let (due, next) = emulator.with_world(|world, now| {
            let due = elb::due_probes(world, now);
            (due, elb::next_due(world))
        });
        for probe in due {
            checks.spawn(check(emulator.clone(), probe));
        }
        let clock = emulator.clock();
        let until_next = next.and_then(|at| Duration::try_from(at.duration_since(clock.now())).ok());
        let wait = until_next.map_or(LOOK_AGAIN, |emulated| clock.real(emulated));
        let pause = time::sleep(wait.clamp(SHORTEST_WAIT, LOOK_AGAIN));
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => break,
                Some(ended) = checks.join_next() => if let Err(error) = ended {
                    tracing::error!(%error, "a health check failed to run");
                },
            }
        }
    }
}

async fn check(emulator: Emulator, probe: Probe) {
    let outcome = match probe.address {
        None => Outcome::Connected,
        Some((address, port)) => {
            let map = emulator.options().dial_map;
            let dialled = SocketAddr::new(map.map_or(address, |map| map.apply(address)), port);
            let limit = emulator.clock().real(probe.timeout).max(SHORTEST_TIMEOUT);
            let host = SocketAddr::new(address, port);
            time::timeout(limit, dial(&probe, dialled, host))
                .await
                .unwrap_or(Outcome::TimedOut)
        }
    };
    emulator.with_world(|world, now| elb::record_probe(world, now, &probe, &outcome));
}

/// Dials once; `host` is what the target is called in the request.
async fn dial(probe: &Probe, address: SocketAddr, host: SocketAddr) -> Outcome {
    let Ok(stream) = TcpStream::connect(address).await else {
        return Outcome::Failed;
    };
    if probe.protocol != Protocol::Http {
        return Outcome::Connected;
    }
    get(stream, &probe.path, host)
        .await
        .map_or(Outcome::Failed, Outcome::Status)
}

async fn get(stream: TcpStream, path: &str, host: SocketAddr) -> Option<u16> {
    let request = Request::get(path)
        .header(header::HOST, host.to_string())
        .header(header::USER_AGENT, "ELB-HealthChecker/2.0")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .ok()?;
    let answer = async {
        sender
            .send_request(request)
            .await
            .ok()
            .map(|answer| answer.status().as_u16())
    };
    tokio::pin!(answer);
    tokio::select! {
        status = &mut answer => status,
        _ = connection => answer.await,
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
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::{
        options::Options,
        seed::Seed,
        wire::{Params, elb::dispatch},
        world::elb::target::TargetKey,
    };

    fn probe(protocol: Protocol) -> Probe {
        Probe {
            group: "group".into(),
            target: TargetKey {
                id: "10.0.0.1".into(),
                port: Some(80),
            },
            registration: 0,
            address: None,
            protocol,
            path: "/healthz".into(),
            timeout: Duration::from_secs(5),
        }
    }

    /// Answers one connection with `answer` and yields what it was asked.
    async fn answering(answer: &'static str) -> (SocketAddr, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 1024];
            let length = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(asked[..length].to_vec()).unwrap()
        });
        (address, served)
    }

    #[tokio::test]
    async fn an_http_check_yields_the_status_and_calls_itself_a_health_checker() {
        let (address, served) = answering("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n").await;
        let host = "10.0.0.1:80".parse().unwrap();
        assert_eq!(
            dial(&probe(Protocol::Http), address, host).await,
            Outcome::Status(503)
        );
        let asked = served.await.unwrap();
        assert!(asked.starts_with("GET /healthz HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("host: 10.0.0.1:80\r\n"), "{asked}");
        assert!(asked.contains("user-agent: ELB-HealthChecker/2.0\r\n"), "{asked}");
    }

    #[tokio::test]
    async fn an_answer_that_is_no_http_has_failed() {
        let (address, _served) = answering("hello\r\n\r\n").await;
        assert_eq!(
            dial(&probe(Protocol::Http), address, address).await,
            Outcome::Failed
        );
    }

    #[tokio::test]
    async fn a_tcp_check_is_a_connection_and_a_closed_port_a_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(
            dial(&probe(Protocol::Tcp), address, address).await,
            Outcome::Connected
        );
        drop(listener);
        assert_eq!(
            dial(&probe(Protocol::Tcp), address, address).await,
            Outcome::Failed
        );
    }

    fn ask(emulator: &Emulator, request: &str) -> String {
        emulator.with_world(|world, now| dispatch(world, now, &Params::decode(request.as_bytes())).unwrap())
    }

    /// The text of the first such element.
    fn element<'a>(answer: &'a str, name: &str) -> &'a str {
        let (_, rest) = answer
            .split_once(&format!("<{name}>"))
            .unwrap_or_else(|| panic!("no {name} in {answer}"));
        rest.split_once('<').unwrap().0
    }

    /// A load balancer whose group checks `address` every 5 s: the ARN of the group.
    fn serve(emulator: &Emulator, address: &str, port: u16) -> String {
        let subnet = emulator.with_world(|world, _| {
            let address = address.parse().unwrap();
            world
                .ec2
                .subnets
                .values()
                .find(|subnet| subnet.contains(address))
                .unwrap()
                .clone()
        });
        let made = ask(
            emulator,
            &format!(
                "Action=CreateLoadBalancer&Name=web&Type=network&Scheme=internal&Subnets.member.1={}",
                subnet.id
            ),
        );
        let owner = element(&made, "LoadBalancerArn").to_owned();
        let made = ask(
            emulator,
            &format!(
                "Action=CreateTargetGroup&Name=web&Protocol=TCP&Port={port}&TargetType=ip&VpcId={}\
                 &HealthCheckIntervalSeconds=5&HealthCheckTimeoutSeconds=5",
                subnet.vpc_id
            ),
        );
        let group = element(&made, "TargetGroupArn").to_owned();
        let action =
            format!("DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={group}");
        ask(
            emulator,
            &format!("Action=CreateListener&LoadBalancerArn={owner}&Protocol=TCP&Port=80&{action}"),
        );
        ask(
            emulator,
            &format!("Action=RegisterTargets&TargetGroupArn={group}&Targets.member.1.Id={address}"),
        );
        group
    }

    async fn becomes(emulator: &Emulator, group: &str, state: &str) {
        let seen = || {
            let answer = ask(
                emulator,
                &format!("Action=DescribeTargetHealth&TargetGroupArn={group}"),
            );
            element(&answer, "State").to_owned()
        };
        for _ in 0..1_000 {
            if seen() == state {
                return;
            }
            time::sleep(Duration::from_millis(20)).await;
        }
        panic!("still {}, waited for {state}", seen());
    }

    #[tokio::test]
    async fn a_target_follows_what_listens_on_its_mapped_address() {
        let listener = TcpListener::bind("127.90.128.5:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let options = Options {
            speed: 200.0,
            dial_map: Some("10.0.0.0/16=127.90.0.0/16".parse().unwrap()),
            ..Options::default()
        };
        let emulator = Emulator::new(Seed::default(), options);
        let group = serve(&emulator, "10.0.128.5", address.port());
        let checks = tokio::spawn(run(emulator.clone()));
        becomes(&emulator, &group, "healthy").await;
        drop(listener);
        becomes(&emulator, &group, "unhealthy").await;
        let _listener = TcpListener::bind(address).await.unwrap();
        becomes(&emulator, &group, "healthy").await;
        checks.abort();
    }
}
