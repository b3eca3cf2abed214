//! kube-proxy on every node: keeps the sockets that `ports` asks for open, at mapped addresses.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::watcher::Event;
use kube::{Api, ResourceExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch::{Sender, channel};
use tokio::task::JoinSet;

use super::forward;
use super::nodes::Machine;
use super::ports::{self, Behind, Kind, Socket};
use super::stage::Stage;
use super::watch;

/// A port that could not be bound (still held by the one before) is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Serves all Services of the cluster, for ever.
pub async fn run(stage: Arc<Stage>) {
    let mut services = Objects::new(watch::follow::<Service>(Api::all(stage.client.clone())));
    let mut slices = Objects::new(watch::follow::<EndpointSlice>(Api::all(stage.client.clone())));
    let mut open: BTreeMap<Socket, Open> = BTreeMap::new();
    loop {
        let retry = !update(&stage, &services.seen, &slices.seen, &mut open).await;
        tokio::select! {
            more = services.next() => if !more { return },
            more = slices.next() => if !more { return },
            () = tokio::time::sleep(RETRY), if retry => {}
        }
    }
}

/// By namespace and name.
type Seen<K> = BTreeMap<(String, String), K>;

/// Objects of one kind as last seen.
struct Objects<K, S> {
    events: S,
    seen: Seen<K>,
    listed: Seen<K>,
}

impl<K: ResourceExt, S: Stream<Item = Event<K>> + Unpin> Objects<K, S> {
    fn new(events: S) -> Self {
        Self {
            events,
            seen: BTreeMap::new(),
            listed: BTreeMap::new(),
        }
    }

    /// Takes in the next event; false if there will be none any more. Cancel safe.
    async fn next(&mut self) -> bool {
        let key = |object: &K| (object.namespace().unwrap_or_default(), object.name_any());
        match self.events.next().await {
            None => return false,
            Some(Event::Init) => self.listed.clear(),
            Some(Event::InitApply(object)) => drop(self.listed.insert(key(&object), object)),
            Some(Event::InitDone) => self.seen = std::mem::take(&mut self.listed),
            Some(Event::Apply(object)) => drop(self.seen.insert(key(&object), object)),
            Some(Event::Delete(object)) => drop(self.seen.remove(&key(&object))),
        }
        true
    }
}

/// An open socket; dropping it closes the socket and what came through it.
struct Open {
    behind: Sender<Behind>,
    _task: JoinSet<()>,
}

/// Opens, closes and redirects; false if a socket could not be opened yet.
async fn update(
    stage: &Stage,
    services: &Seen<Service>,
    slices: &Seen<EndpointSlice>,
    open: &mut BTreeMap<Socket, Open>,
) -> bool {
    let machines: Vec<&Machine> = stage.machines.values().collect();
    let slices = ports::by_service(slices.values());
    let mut wanted = BTreeMap::new();
    for service in services.values() {
        wanted.extend(ports::of_service(service, &slices, &machines));
    }
    open.retain(|socket, _| wanted.contains_key(socket));
    let mut all = true;
    for (socket, behind) in wanted {
        let behind = mapped(stage, behind);
        if let Some(open) = open.get(&socket) {
            open.behind
                .send_if_modified(|old| std::mem::replace(old, behind.clone()) != behind);
            continue;
        }
        match start(stage, socket, behind).await {
            Ok(started) => drop(open.insert(socket, started)),
            Err(error) => {
                tracing::debug!(?socket, %error, "cannot open a node's port yet");
                all = false;
            }
        }
    }
    all
}

fn mapped(stage: &Stage, behind: Behind) -> Behind {
    match behind {
        Behind::Pods(pods) => {
            let map = |pod: SocketAddrV4| Some(SocketAddrV4::new(stage.map(*pod.ip())?, pod.port()));
            Behind::Pods(pods.into_iter().filter_map(map).collect())
        }
        count @ Behind::Count { .. } => count,
    }
}

async fn start(stage: &Stage, socket: Socket, behind: Behind) -> std::io::Result<Open> {
    let Some(node) = stage.map(socket.node) else {
        return Err(std::io::Error::other("the node's address cannot be mapped"));
    };
    let place = SocketAddrV4::new(node, socket.port);
    let (behind, receiver) = channel(behind);
    let mut task = JoinSet::new();
    match socket.kind {
        Kind::Tcp => drop(task.spawn(forward::tcp(TcpListener::bind(place).await?, receiver))),
        Kind::Udp => drop(task.spawn(forward::udp(UdpSocket::bind(place).await?, receiver))),
        Kind::Health => drop(task.spawn(forward::health(TcpListener::bind(place).await?, receiver))),
    }
    Ok(Open { behind, _task: task })
}
