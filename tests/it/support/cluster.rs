//! Kubernetes for one process: a map of objects behind `kube::Client`'s tower service.
//!
//! It answers GET, list with a label selector, create, merge patch, strategic merge patch of conditions, PUT,
//! delete with preconditions and finalizers, and the status subresource, with resource versions, generations,
//! UIDs, and the API server's refusals (404, 409, 422). There is no watch: tests read the map.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use serde_json::{Map, Value, json};

use super::fuse::Fuse;
use super::groups;

/// The objects of a cluster. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Cluster(Arc<Mutex<Objects>>);

#[derive(Clone, Debug, Default)]
struct Objects {
    by_path: BTreeMap<Path, Value>,
    version: u64,
    uids: u64,
    /// Refusals to come: a write whose description starts with the text answers with this status once.
    refusals: Vec<(String, u16)>,
}

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Path {
    /// `/api/v1/services`, `/apis/GROUP/VERSION/PLURAL`.
    collection: String,
    namespace: String,
    name: String,
}

/// A request as the API server reads it.
struct Call {
    method: Method,
    path: Path,
    /// `status`, or empty.
    sub: String,
    query: BTreeMap<String, String>,
    content_type: String,
    body: Value,
}

/// Status code and body of an answer.
type Answer = (u16, Value);

impl Cluster {
    /// A client of this cluster. Its writes pass the fuse.
    pub fn client(&self, fuse: &Fuse) -> kube::Client {
        let (cluster, fuse) = (self.clone(), fuse.clone());
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let (cluster, fuse) = (cluster.clone(), fuse.clone());
            async move { Ok::<_, std::convert::Infallible>(cluster.serve(request, &fuse).await) }
        });
        kube::Client::new(service, "default")
    }

    /// Another cluster with the same objects.
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().clone())))
    }

    async fn serve(&self, request: Request<kube::client::Body>, fuse: &Fuse) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect_bytes().await.unwrap();
        let (status, body) = match groups::discovered(parts.uri.path()) {
            Some(served) => (200, served),
            None => self.carry_out(&Call::read(&parts, &body), fuse).await,
        };
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap()
    }

    async fn carry_out(&self, call: &Call, fuse: &Fuse) -> Answer {
        let act = async { self.0.lock().unwrap().answer(call) };
        if call.method == Method::GET {
            act.await
        } else {
            fuse.write(call.describe(), act).await
        }
    }

    /// Creates or replaces an object, as a user with `kubectl apply` would: spec and metadata, not status.
    pub fn apply(&self, manifest: &Value) {
        let mut objects = self.0.lock().unwrap();
        let path = Path::of(manifest);
        let existing = objects.by_path.get(&path).cloned();
        match existing {
            None => {
                let (status, answer) = objects.create(path, manifest.clone());
                assert!(status < 300, "{answer}");
            }
            Some(old) => {
                let mut new = manifest.clone();
                for field in ["uid", "creationTimestamp", "finalizers", "generation"] {
                    if let Some(value) = old["metadata"].get(field) {
                        new["metadata"][field] = value.clone();
                    }
                }
                new["status"] = old["status"].clone();
                objects.store(path, &old, new);
            }
        }
    }

    /// Deletes an object, as a user would.
    pub fn delete(&self, collection: &str, namespace: &str, name: &str) {
        let path = Path {
            collection: collection.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let (status, answer) = self.0.lock().unwrap().delete(&path, &json!({}));
        assert!(status < 300, "{answer}");
    }

    /// All objects of a collection.
    pub fn list<T: serde::de::DeserializeOwned>(&self, collection: &str) -> Vec<T> {
        let mut found = Vec::new();
        self.visit(collection, |object| {
            found.push(serde_json::from_value(object.clone()).unwrap());
        });
        found
    }

    /// Looks at all objects of a collection.
    pub fn visit(&self, collection: &str, mut look: impl FnMut(&Value)) {
        let objects = self.0.lock().unwrap();
        let found = objects
            .by_path
            .iter()
            .filter(|(path, _)| path.collection == collection);
        found.for_each(|(_, object)| look(object));
    }

    /// Changes every object of a collection, as another controller would; those without finalizers whose
    /// deletion is under way go.
    pub fn change_all(&self, collection: &str, change: impl Fn(&mut Value)) {
        let mut objects = self.0.lock().unwrap();
        let paths: Vec<Path> = objects
            .by_path
            .keys()
            .filter(|path| path.collection == collection)
            .cloned()
            .collect();
        for path in paths {
            let old = objects.by_path[&path].clone();
            let mut new = old.clone();
            change(&mut new);
            if new != old {
                objects.store(path, &old, new);
            }
        }
    }

    /// Lets the next write whose description starts so fail with this status, carried out or not: it is not.
    pub fn refuse_once(&self, write: &str, status: u16) {
        self.0.lock().unwrap().refusals.push((write.to_owned(), status));
    }
}

impl Path {
    fn of(manifest: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let version = text(&manifest["apiVersion"]);
        let kind = text(&manifest["kind"]).to_lowercase();
        let plural = if kind.ends_with('s') {
            format!("{kind}es")
        } else {
            format!("{kind}s")
        };
        let root = if version.contains('/') { "apis" } else { "api" };
        Self {
            collection: format!("/{root}/{version}/{plural}"),
            namespace: text(&manifest["metadata"]["namespace"]),
            name: text(&manifest["metadata"]["name"]),
        }
    }
}

impl Call {
    fn read(parts: &http::request::Parts, body: &Bytes) -> Self {
        let mut segments: Vec<&str> = parts.uri.path().trim_matches('/').split('/').collect();
        let root = if segments[0] == "api" { 2 } else { 3 };
        let rest = segments.split_off(root);
        let (namespace, rest) = match rest.as_slice() {
            ["namespaces", namespace, plural, tail @ ..] => (*namespace, [&[*plural], tail].concat()),
            all => ("", all.to_vec()),
        };
        let query = parts.uri.query().unwrap_or_default();
        let header = parts.headers.get("content-type");
        Self {
            method: parts.method.clone(),
            path: Path {
                collection: format!("/{}/{}", segments.join("/"), rest[0]),
                namespace: namespace.to_owned(),
                name: rest.get(1).copied().unwrap_or_default().to_owned(),
            },
            sub: rest.get(2).copied().unwrap_or_default().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            content_type: header.map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default(),
            body: serde_json::from_slice(body).unwrap_or(Value::Null),
        }
    }

    fn describe(&self) -> String {
        let plural = self.path.collection.rsplit('/').next().unwrap();
        let name = match self.path.name.as_str() {
            "" => self.body["metadata"]["name"].as_str().unwrap_or("(generated)"),
            name => name,
        };
        let sub = if self.sub.is_empty() {
            String::new()
        } else {
            format!("/{}", self.sub)
        };
        format!("{} {plural}{sub} {}/{name}", self.method, self.path.namespace)
    }
}

impl Objects {
    fn answer(&mut self, call: &Call) -> Answer {
        let what = call.describe();
        if let Some(at) = self
            .refusals
            .iter()
            .position(|(write, _)| what.starts_with(write))
        {
            let (_, code) = self.refusals.remove(at);
            return refusal(code, reason(code), "refused by the test");
        }
        match (&call.method, call.path.name.as_str()) {
            (&Method::GET, "") => self.list(call),
            (&Method::GET, _) => match self.by_path.get(&call.path) {
                Some(object) => (200, object.clone()),
                None => not_found(&call.path),
            },
            (&Method::POST, _) => {
                let mut path = call.path.clone();
                call.body["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .clone_into(&mut path.name);
                if path.name.is_empty() {
                    let prefix = call.body["metadata"]["generateName"].as_str().unwrap_or_default();
                    path.name = format!("{prefix}{:05}", self.uids);
                }
                self.create(path, call.body.clone())
            }
            (&Method::PATCH | &Method::PUT, _) => self.change(call),
            (&Method::DELETE, _) => self.delete(&call.path, &call.body),
            _ => refusal(405, "MethodNotAllowed", "not supported"),
        }
    }

    fn list(&self, call: &Call) -> Answer {
        let selector = call.query.get("labelSelector").map_or("", String::as_str);
        let wanted: Vec<(&str, &str)> = selector
            .split(',')
            .filter_map(|term| term.split_once('='))
            .collect();
        let selected = |object: &Value| {
            let labels = &object["metadata"]["labels"];
            wanted
                .iter()
                .all(|(name, value)| labels[*name].as_str() == Some(value.trim_start_matches('=')))
        };
        let items: Vec<Value> = self
            .by_path
            .iter()
            .filter(|(path, _)| path.collection == call.path.collection)
            .filter(|(path, _)| call.path.namespace.is_empty() || path.namespace == call.path.namespace)
            .filter(|(_, object)| selected(object))
            .map(|(_, object)| object.clone())
            .collect();
        let version = self.version.to_string();
        (
            200,
            json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": items}),
        )
    }

    fn create(&mut self, path: Path, mut object: Value) -> Answer {
        if self.by_path.contains_key(&path) {
            return refusal(409, "AlreadyExists", &format!("{} already exists", path.name));
        }
        self.uids += 1;
        self.version += 1;
        let metadata = &mut object["metadata"];
        metadata["name"] = json!(path.name);
        if !path.namespace.is_empty() {
            metadata["namespace"] = json!(path.namespace);
        }
        metadata["uid"] = json!(format!("00000000-0000-4000-8000-{:012}", self.uids));
        metadata["resourceVersion"] = json!(self.version.to_string());
        metadata["generation"] = json!(1);
        metadata["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        self.by_path.insert(path, object.clone());
        (201, object)
    }

    fn change(&mut self, call: &Call) -> Answer {
        let Some(old) = self.by_path.get(&call.path).cloned() else {
            return not_found(&call.path);
        };
        let asked = call.body["metadata"]["resourceVersion"].as_str();
        if asked.is_some_and(|asked| Some(asked) != old["metadata"]["resourceVersion"].as_str()) {
            let text = "the object has been modified; please apply your changes to the latest version";
            return refusal(409, "Conflict", text);
        }
        let mut new = old.clone();
        if call.method == Method::PUT {
            new = call.body.clone();
        } else {
            merge(&mut new, &call.body, call.content_type.contains("strategic"));
        }
        let keep: &[&str] = if call.sub == "status" {
            &["spec", "metadata"]
        } else {
            &["status"]
        };
        if call.sub == "status" || old.get("status").is_some() {
            for field in keep {
                new[*field] = old[*field].clone();
            }
        }
        for field in [
            "uid",
            "name",
            "namespace",
            "creationTimestamp",
            "deletionTimestamp",
            "generation",
        ] {
            match old["metadata"].get(field) {
                Some(value) => new["metadata"][field] = value.clone(),
                None => {
                    new["metadata"].as_object_mut().unwrap().remove(field);
                }
            }
        }
        if adds_finalizer_while_deleting(&old, &new) {
            return refusal(
                422,
                "Invalid",
                "no new finalizers can be added if the object is being deleted",
            );
        }
        (200, self.store(call.path.clone(), &old, new))
    }

    /// Stores a changed object with its new version; one whose last finalizer went while it is being deleted
    /// goes.
    fn store(&mut self, path: Path, old: &Value, mut new: Value) -> Value {
        drop_nulls(&mut new);
        let mut unchanged = new.clone();
        unchanged["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
        if unchanged == *old {
            return unchanged;
        }
        self.version += 1;
        new["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if new.get("spec") != old.get("spec") {
            let generation = old["metadata"]["generation"].as_u64().unwrap_or(0);
            new["metadata"]["generation"] = json!(generation + 1);
        }
        let deleting = new["metadata"].get("deletionTimestamp").is_some();
        if deleting && finalizers(&new).is_empty() {
            self.by_path.remove(&path);
        } else {
            self.by_path.insert(path, new.clone());
        }
        new
    }

    fn delete(&mut self, path: &Path, options: &Value) -> Answer {
        let Some(mut object) = self.by_path.get(path).cloned() else {
            return not_found(path);
        };
        let uid = options["preconditions"]["uid"].as_str();
        if uid.is_some_and(|uid| Some(uid) != object["metadata"]["uid"].as_str()) {
            return refusal(409, "Conflict", "the UID in the precondition does not match");
        }
        if finalizers(&object).is_empty() {
            self.by_path.remove(path);
            return (
                200,
                json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}),
            );
        }
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.by_path.insert(path.clone(), object.clone());
        (200, object)
    }
}

fn finalizers(object: &Value) -> Vec<&str> {
    let list = object["metadata"]["finalizers"].as_array();
    list.map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

fn adds_finalizer_while_deleting(old: &Value, new: &Value) -> bool {
    let before = finalizers(old);
    old["metadata"].get("deletionTimestamp").is_some() && finalizers(new).iter().any(|f| !before.contains(f))
}

/// RFC 7386; with `strategic`, lists of objects that have a `type` are merged by it (conditions).
fn merge(target: &mut Value, patch: &Value, strategic: bool) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let fields = target.as_object_mut().unwrap();
    for (name, value) in patch {
        match value {
            Value::Null => {
                fields.remove(name);
            }
            Value::Array(items) if strategic && items.iter().all(|item| item.get("type").is_some()) => {
                merge_by_type(fields.entry(name).or_insert_with(|| json!([])), items);
            }
            value => merge(fields.entry(name).or_insert(Value::Null), value, strategic),
        }
    }
}

fn merge_by_type(list: &mut Value, items: &[Value]) {
    let list = list.as_array_mut().unwrap();
    for item in items {
        match list.iter_mut().find(|old| old["type"] == item["type"]) {
            Some(old) => merge(old, item, true),
            None => list.push(item.clone()),
        }
    }
}

/// Takes out what the API server does not store: nulls at the top level and in metadata.
fn drop_nulls(object: &mut Value) {
    for part in [Some("metadata"), None] {
        let value = match part {
            Some(name) => &mut object[name],
            None => &mut *object,
        };
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
    }
}

fn reason(code: u16) -> &'static str {
    match code {
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        422 => "Invalid",
        429 => "TooManyRequests",
        _ => "InternalError",
    }
}

fn not_found(path: &Path) -> Answer {
    refusal(404, "NotFound", &format!("{} not found", path.name))
}

fn refusal(code: u16, reason: &str, message: &str) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "reason": reason, "message": message, "code": code,
    });
    (code, status)
}
