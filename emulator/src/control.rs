//! The control API: JSON under `/_emulator`, and the same functions for tests in process.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    aws::Release,
    calls::{Call, CallFilter, OperationCount},
    faults::{ActiveFault, Fault, FaultRule},
    seed::Seed,
    server::{Emulator, plain},
    throttle::Throttling,
    world::{HistoryEntry, ScriptedHealth},
};

/// The states that health can be scripted to.
const HEALTH: [&str; 6] = [
    "healthy",
    "unhealthy",
    "initial",
    "unused",
    "draining",
    "unavailable",
];

/// What `GET /_emulator` says.
const OVERVIEW: [&str; 13] = [
    "GET /_emulator/state",
    "GET /_emulator/calls?since=SEQ&actor=KEY&operation=NAME&mutations=true",
    "GET /_emulator/operations",
    "GET /_emulator/history?since=SEQ",
    "POST /_emulator/reset",
    "GET /_emulator/faults",
    "POST /_emulator/faults",
    "DELETE /_emulator/faults?id=N",
    "GET /_emulator/held",
    "POST /_emulator/release",
    "GET /_emulator/health",
    "POST /_emulator/health",
    "GET /_emulator",
];

impl Emulator {
    /// The whole account as JSON, keys sorted, with the emulated time as `now`.
    pub fn state_json(&self) -> Value {
        let limits = self.throttling();
        self.with_world(|world, now| {
            let mut value = serde_json::to_value(&*world).unwrap_or_default();
            if let Some(fields) = value.as_object_mut() {
                fields.insert("now".into(), json!(now));
                fields.insert("speed".into(), json!(self.clock().speed()));
                fields.insert("throttling".into(), json!(limits));
            }
            value
        })
    }

    /// The rate limits that calls met so far, and how many calls were refused.
    pub fn throttling(&self) -> Throttling {
        let now = self.clock().now();
        self.state().buckets.report(now)
    }

    /// The AWS calls that a filter keeps.
    pub fn calls(&self, filter: &CallFilter) -> Vec<Call> {
        self.state().calls.list(filter)
    }

    /// Every operation that is answered, with its count since the start.
    pub fn operations(&self) -> Vec<OperationCount> {
        self.state().calls.operations()
    }

    /// The number of the latest AWS call.
    pub fn last_call(&self) -> u64 {
        self.state().calls.last()
    }

    /// Every state change of a target so far.
    pub fn history(&self) -> Vec<HistoryEntry> {
        self.with_world(|world, _| world.history.clone())
    }

    /// Puts a fault in force; answers its number.
    pub fn add_fault(&self, rule: FaultRule) -> u64 {
        let now = self.clock().now();
        let mut state = self.state();
        let past_needed = matches!(rule.fault, Fault::Stale { .. });
        let id = state.faults.add(rule);
        if past_needed {
            state.world.advance(now);
            self.remember(&mut state, now);
        }
        id
    }

    /// The faults in force, with their hits.
    pub fn faults(&self) -> Vec<ActiveFault> {
        self.state().faults.list()
    }

    /// Removes a fault; whether it was there.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.state().faults.remove(id)
    }

    /// Removes all faults. Held calls stay held.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Scripts the health of targets; takes the place of an earlier script for the same ones.
    pub fn script_health(&self, script: ScriptedHealth) {
        self.with_world(|world, _| {
            world.scripted_health.retain(|s| !same_targets(s, &script));
            world.scripted_health.push(script);
        });
    }

    /// Goes back to real checks for the targets of a script, or, with `*` as group and target, for all.
    pub fn unscript_health(&self, target_group: &str, target: &str, port: Option<u16>) {
        self.with_world(|world, _| {
            world.scripted_health.retain(|s| {
                let group = target_group == "*" || s.target_group == target_group;
                let target = target == "*" || s.target == target;
                !(group && target && (port.is_none() || s.port == port))
            });
        });
    }
}

fn same_targets(one: &ScriptedHealth, other: &ScriptedHealth) -> bool {
    one.target_group == other.target_group && one.target == other.target && one.port == other.port
}

/// A refusal with a sentence.
struct Refusal(StatusCode, String);

type Answer = Result<Value, Refusal>;

fn bad(sentence: impl Into<String>) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, sentence.into())
}

/// Answers a request under `/_emulator`.
pub(crate) fn answer(emulator: &Emulator, request: &Request<Bytes>) -> Response<Bytes> {
    let (status, value) = match route(emulator, request) {
        Ok(value) => (StatusCode::OK, value),
        Err(Refusal(status, sentence)) => (status, json!({ "error": sentence })),
    };
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    plain(status, "application/json", text)
}

fn route(emulator: &Emulator, request: &Request<Bytes>) -> Answer {
    let path = request.uri().path().trim_end_matches('/');
    let name = path
        .strip_prefix("/_emulator")
        .unwrap_or_default()
        .trim_start_matches('/');
    let query = Query::read(request);
    match (request.method(), name) {
        (&Method::GET, "") => Ok(json!({ "requests": OVERVIEW })),
        (&Method::GET, "state") => Ok(emulator.state_json()),
        (&Method::GET, "calls") => calls(emulator, &query),
        (&Method::GET, "operations") => Ok(json!({ "operations": emulator.operations() })),
        (&Method::GET, "history") => history(emulator, &query),
        (&Method::POST, "reset") => reset(emulator, request),
        (&Method::GET, "faults") => Ok(json!({ "faults": emulator.faults() })),
        (&Method::POST, "faults") => add_faults(emulator, request),
        (&Method::DELETE, "faults") => remove_faults(emulator, &query),
        (&Method::GET, "held") => Ok(json!({ "held": emulator.held() })),
        (&Method::POST, "release") => release(emulator, request),
        (&Method::GET, "health") => {
            Ok(json!({ "scripts": emulator.with_world(|w, _| w.scripted_health.clone()) }))
        }
        (&Method::POST, "health") => health(emulator, request),
        (method, _) => {
            let requests = OVERVIEW.join(", ");
            Err(Refusal(
                StatusCode::NOT_FOUND,
                format!("there is no {method} {path}; there are {requests}"),
            ))
        }
    }
}

struct Query(BTreeMap<String, String>);

impl Query {
    fn read(request: &Request<Bytes>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn allow(&self, names: &[&str]) -> Result<(), Refusal> {
        match self.0.keys().find(|name| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(bad(format!(
                "there is no query parameter '{name}'; there are {}",
                names.join(", ")
            ))),
        }
    }

    fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let parse = |text: &String| {
            text.parse()
                .map_err(|_| bad(format!("{name} is '{text}'; give a whole number")))
        };
        self.0.get(name).map(parse).transpose()
    }
}

fn calls(emulator: &Emulator, query: &Query) -> Answer {
    query.allow(&["since", "actor", "operation", "mutations"])?;
    let mutations = match query.0.get("mutations").map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(bad(format!("mutations is '{other}'; write true or false"))),
    };
    let filter = CallFilter {
        since: query.number("since")?.unwrap_or(0),
        actor: query.0.get("actor").cloned(),
        operation: query.0.get("operation").cloned(),
        mutations,
    };
    Ok(json!({ "calls": emulator.calls(&filter), "last": emulator.last_call() }))
}

fn history(emulator: &Emulator, query: &Query) -> Answer {
    query.allow(&["since"])?;
    let since = usize::try_from(query.number("since")?.unwrap_or(0)).unwrap_or(usize::MAX);
    let entries = emulator.history();
    let numbered: Vec<Value> = entries
        .iter()
        .enumerate()
        .skip(since)
        .map(|(at, entry)| numbered(at, entry))
        .collect();
    Ok(json!({ "history": numbered, "last": entries.len() }))
}

fn numbered(at: usize, entry: &HistoryEntry) -> Value {
    let mut value = serde_json::to_value(entry).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("seq".into(), json!(at + 1));
    }
    value
}

fn body<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, Refusal> {
    serde_json::from_slice(request.body())
        .map_err(|error| bad(format!("the body is not understood: {error}")))
}

/// Without a body back to the seed of the start, with a YAML body to that seed.
fn reset(emulator: &Emulator, request: &Request<Bytes>) -> Answer {
    if request.body().is_empty() {
        emulator.reset();
        return Ok(json!({}));
    }
    let text =
        std::str::from_utf8(request.body()).map_err(|_| bad("the body is not UTF-8; send a seed in YAML"))?;
    let seed = Seed::parse("in the body", text).map_err(|error| bad(error.to_string()))?;
    emulator.reset_to(&seed);
    Ok(json!({}))
}

fn add_faults(emulator: &Emulator, request: &Request<Bytes>) -> Answer {
    let rules: Vec<FaultRule> = match body::<Value>(request)? {
        Value::Array(_) => body(request)?,
        _ => vec![body(request)?],
    };
    let ids: Vec<u64> = rules.into_iter().map(|rule| emulator.add_fault(rule)).collect();
    Ok(json!({ "ids": ids }))
}

fn remove_faults(emulator: &Emulator, query: &Query) -> Answer {
    query.allow(&["id"])?;
    match query.number("id")? {
        None => emulator.clear_faults(),
        Some(id) if emulator.remove_fault(id) => {}
        Some(id) => {
            let sentence = format!("there is no fault {id}; GET /_emulator/faults lists those in force");
            return Err(Refusal(StatusCode::NOT_FOUND, sentence));
        }
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseBody {
    /// Number of the held call; left out: all.
    #[serde(default)]
    seq: Option<u64>,
    how: Release,
}

fn release(emulator: &Emulator, request: &Request<Bytes>) -> Answer {
    let wanted: ReleaseBody = body(request)?;
    let released = emulator.release(wanted.seq, wanted.how);
    match wanted.seq {
        Some(seq) if released == 0 => {
            let sentence = format!("there is no held call {seq}; GET /_emulator/held lists those waiting");
            Err(Refusal(StatusCode::NOT_FOUND, sentence))
        }
        _ => Ok(json!({ "released": released })),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthBody {
    /// ARN or name, or `*`.
    target_group: String,
    /// Instance id or address, or `*`.
    target: String,
    #[serde(default)]
    port: Option<u16>,
    /// Null: back to real checks.
    state: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

fn health(emulator: &Emulator, request: &Request<Bytes>) -> Answer {
    let HealthBody {
        target_group,
        target,
        port,
        state,
        reason,
    } = body(request)?;
    match state {
        None => emulator.unscript_health(&target_group, &target, port),
        Some(state) if HEALTH.contains(&state.as_str()) => {
            emulator.script_health(ScriptedHealth {
                target_group,
                target,
                port,
                state,
                reason,
            });
        }
        Some(other) => {
            return Err(bad(format!(
                "state is '{other}'; write {} or null",
                HEALTH.join(", ")
            )));
        }
    }
    Ok(json!({}))
}
