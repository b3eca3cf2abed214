//! The programs "inside" the pods: each container port is served on the pod's mapped address.
//!
//! TCP: an HTTP request is answered with 200 and `NAMESPACE/NAME` of the pod; any other bytes come back as
//! they are. UDP: each datagram comes back behind `NAMESPACE/NAME` and a space.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// An HTTP head that is longer is not one that a test sent.
const HEAD_LIMIT: usize = 16 * 1024;
/// The largest datagram of UDP over IPv4.
const DATAGRAM_LIMIT: usize = 65_535;

/// The open ports of one pod; dropping it closes them and all connections.
#[derive(Debug)]
pub struct PodServer {
    _tasks: JoinSet<()>,
}

impl PodServer {
    /// Opens every container port of `pod` on `address` (a loopback address).
    pub async fn open(pod: &Pod, address: Ipv4Addr) -> Result<Self> {
        let name = format!(
            "{}/{}",
            pod.metadata.namespace.as_deref().unwrap_or_default(),
            pod.metadata.name.as_deref().unwrap_or_default()
        );
        let mut tasks = JoinSet::new();
        for (port, is_udp) in ports(pod) {
            let place = SocketAddrV4::new(address, port);
            let cannot = || format!("cannot listen on {place} for the pod {name}");
            if is_udp {
                let socket = UdpSocket::bind(place).await.with_context(cannot)?;
                tasks.spawn(serve_udp(socket, name.clone()));
            } else {
                let listener = TcpListener::bind(place).await.with_context(cannot)?;
                tasks.spawn(serve_tcp(listener, name.clone()));
            }
        }
        Ok(Self { _tasks: tasks })
    }
}

/// Number and whether it is UDP, each once.
fn ports(pod: &Pod) -> Vec<(u16, bool)> {
    let containers = pod
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    let declared = containers
        .iter()
        .flat_map(|container| container.ports.iter().flatten());
    let mut ports: Vec<(u16, bool)> = declared
        .filter_map(|port| {
            let number = u16::try_from(port.container_port).ok()?;
            Some((number, port.protocol.as_deref() == Some("UDP")))
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

async fn serve_tcp(listener: TcpListener, name: String) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(answer(stream, name.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(mut stream: TcpStream, name: String) {
    // The client going away in the middle is its own affair.
    let _ = converse(&mut stream, &name).await;
}

async fn converse(stream: &mut TcpStream, name: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    if stream.read_buf(&mut head).await? == 0 {
        return Ok(());
    }
    if !is_http(&head) {
        stream.write_all(&head).await?;
        let (mut reader, mut writer) = stream.split();
        tokio::io::copy(&mut reader, &mut writer).await?;
        return Ok(());
    }
    while !head.windows(4).any(|window| window == b"\r\n\r\n") && head.len() < HEAD_LIMIT {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    stream
        .write_all(response(200, "text/plain", name).as_bytes())
        .await?;
    stream.shutdown().await
}

fn is_http(head: &[u8]) -> bool {
    let methods = ["GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE ", "OPTIONS "];
    methods.iter().any(|method| head.starts_with(method.as_bytes()))
}

/// A whole HTTP/1.1 response that ends the connection.
pub fn response(status: u16, content_type: &str, body: &str) -> String {
    let phrase = if status == 200 {
        "OK"
    } else {
        "Service Unavailable"
    };
    format!(
        "HTTP/1.1 {status} {phrase}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn serve_udp(socket: UdpSocket, name: String) {
    let mut datagram = vec![0; DATAGRAM_LIMIT];
    loop {
        // An error here is the ICMP answer to an earlier reply whose receiver is gone.
        let Ok((length, sender)) = socket.recv_from(&mut datagram).await else {
            continue;
        };
        let mut reply = format!("{name} ").into_bytes();
        reply.extend_from_slice(datagram.get(..length).unwrap_or_default());
        let _ = socket.send_to(&reply, sender).await;
    }
}
