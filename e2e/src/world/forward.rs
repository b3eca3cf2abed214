//! The sockets of a node: connections and datagrams handed on to pods, and the health answer.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;

use super::ports::Behind;
use super::server::response;

/// A UDP "connection" is forgotten after this silence; kube-proxy's is 30 s.
const UDP_SILENCE: Duration = Duration::from_secs(30);
const DATAGRAM_LIMIT: usize = 65_535;

/// Hands each connection to the next pod, at its mapped address. Pods that leave keep their connections.
pub async fn tcp(listener: TcpListener, behind: Receiver<Behind>) {
    let mut connections = JoinSet::new();
    let mut turn = 0_usize;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                turn = turn.wrapping_add(1);
                if let Some(pod) = choose(&behind, turn) {
                    connections.spawn(join(client, pod));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn join(mut client: TcpStream, pod: SocketAddrV4) {
    // A pod that refuses: the client sees its connection closed.
    if let Ok(mut server) = TcpStream::connect(pod).await {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}

/// Hands datagrams on; a sender keeps its pod while that pod is behind the port.
pub async fn udp(socket: UdpSocket, behind: Receiver<Behind>) {
    let socket = Arc::new(socket);
    let mut sessions: BTreeMap<SocketAddr, (SocketAddrV4, Arc<UdpSocket>)> = BTreeMap::new();
    let mut replies = JoinSet::new();
    let mut datagram = vec![0; DATAGRAM_LIMIT];
    let mut turn = 0_usize;
    loop {
        let (length, sender) = tokio::select! {
            received = socket.recv_from(&mut datagram) => match received {
                Ok(received) => received,
                Err(_) => continue,
            },
            Some(ended) = replies.join_next() => {
                if let Ok(sender) = ended {
                    sessions.remove(&sender);
                }
                continue;
            }
        };
        let known = sessions
            .get(&sender)
            .filter(|(pod, _)| is_behind(&behind, *pod))
            .map(|(_, to)| Arc::clone(to));
        let to_pod = if let Some(to_pod) = known {
            to_pod
        } else {
            turn = turn.wrapping_add(1);
            let Some(pod) = choose(&behind, turn) else {
                continue;
            };
            let Some(to_pod) = connect(pod).await else {
                continue;
            };
            sessions.insert(sender, (pod, Arc::clone(&to_pod)));
            replies.spawn(reply(Arc::clone(&to_pod), Arc::clone(&socket), sender));
            to_pod
        };
        let _ = to_pod.send(datagram.get(..length).unwrap_or_default()).await;
    }
}

async fn connect(pod: SocketAddrV4) -> Option<Arc<UdpSocket>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.ok()?;
    socket.connect(pod).await.ok()?;
    Some(Arc::new(socket))
}

/// Carries answers back until the pod is silent or unreachable.
async fn reply(from_pod: Arc<UdpSocket>, to: Arc<UdpSocket>, sender: SocketAddr) -> SocketAddr {
    let mut datagram = vec![0; DATAGRAM_LIMIT];
    while let Ok(Ok(length)) = tokio::time::timeout(UDP_SILENCE, from_pod.recv(&mut datagram)).await {
        let _ = to
            .send_to(datagram.get(..length).unwrap_or_default(), sender)
            .await;
    }
    sender
}

/// Answers as kube-proxy's service health server does: 200 with a ready pod on this node, else 503
/// (<https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/proxy/healthcheck/service_health.go>).
pub async fn health(listener: TcpListener, behind: Receiver<Behind>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(tell_health(client, behind.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn tell_health(mut client: TcpStream, behind: Receiver<Behind>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if !matches!(client.read_buf(&mut head).await, Ok(read) if read > 0) {
            return;
        }
    }
    let Behind::Count {
        namespace,
        name,
        local,
    } = behind.borrow().clone()
    else {
        return;
    };
    let status = if local > 0 { 200 } else { 503 };
    let body = serde_json::json!({
        "service": { "namespace": namespace, "name": name },
        "localEndpoints": local,
        "serviceProxyHealthy": true,
    });
    let _ = client
        .write_all(response(status, "application/json", &body.to_string()).as_bytes())
        .await;
    let _ = client.shutdown().await;
}

fn choose(behind: &Receiver<Behind>, turn: usize) -> Option<SocketAddrV4> {
    match &*behind.borrow() {
        Behind::Pods(pods) if !pods.is_empty() => pods.get(turn % pods.len()).copied(),
        _ => None,
    }
}

fn is_behind(behind: &Receiver<Behind>, pod: SocketAddrV4) -> bool {
    matches!(&*behind.borrow(), Behind::Pods(pods) if pods.contains(&pod))
}
