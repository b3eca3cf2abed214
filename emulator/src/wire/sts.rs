//! The STS protocol, API version 2011-06-15: GetCallerIdentity and AssumeRole.

use jiff::{SignedDuration, Timestamp};

use super::{Params, REQUEST_ID, Xml};
use crate::world::{ApiError, World, ids::digits_of};

/// The operations answered here.
pub const OPERATIONS: [&str; 2] = ["AssumeRole", "GetCallerIdentity"];

/// Answers one STS request of an actor: the full XML body.
pub fn dispatch(world: &mut World, now: Timestamp, params: &Params, actor: &str) -> Result<String, ApiError> {
    let action = params.get("Action").unwrap_or_default();
    let body = match action {
        "GetCallerIdentity" => caller_identity(world, actor),
        "AssumeRole" => assume_role(world, now, params)?,
        _ => {
            let message = format!("Could not find operation {action} for version 2011-06-15");
            return Err(ApiError::new("InvalidAction", message));
        }
    };
    Ok(format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{body}</{action}Result>\
         <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>"
    ))
}

/// The ARN of an actor: the session of a key that was handed out here, else a user of that name.
pub fn arn_of(world: &World, actor: &str) -> String {
    let user = || format!("arn:{}:iam::{}:user/{actor}", world.partition(), world.account);
    world.sessions.get(actor).cloned().unwrap_or_else(user)
}

fn caller_identity(world: &World, actor: &str) -> String {
    let arn = arn_of(world, actor);
    let account = arn.split(':').nth(4).unwrap_or(&world.account).to_owned();
    let mut xml = Xml::new();
    xml.text("Arn", arn)
        .text("UserId", actor)
        .text("Account", account);
    xml.finish()
}

fn assume_role(world: &mut World, now: Timestamp, params: &Params) -> Result<String, ApiError> {
    let role_arn = params.required("RoleArn")?;
    let session = params.required("RoleSessionName")?;
    let seconds = params.int("DurationSeconds")?.unwrap_or(3_600);
    let mut parts = role_arn.splitn(6, ':').skip(4);
    let (account, role) = (parts.next(), parts.next().and_then(|r| r.strip_prefix("role/")));
    let (Some(account), Some(role)) = (account, role) else {
        return Err(ApiError::validation(format!("{role_arn} is invalid")));
    };
    if !(900..=43_200).contains(&seconds) {
        let message = format!("DurationSeconds is {seconds}; it must be between 900 and 43200");
        return Err(ApiError::validation(message));
    }
    let role = role.rsplit('/').next().unwrap_or(role);
    let arn = format!(
        "arn:{}:sts::{account}:assumed-role/{role}/{session}",
        world.partition()
    );
    let credentials = Credentials::issue(world, &arn);
    let expiration = now
        .saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(now);
    let mut xml = Xml::new();
    xml.element("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", format!("AROAEMULATEDROLE00000:{session}"))
            .text("Arn", &arn);
    });
    xml.element("Credentials", |xml| {
        xml.text("AccessKeyId", &credentials.key)
            .text("SecretAccessKey", &credentials.secret);
        xml.text("SessionToken", &credentials.token)
            .text("Expiration", seconds_only(expiration));
    });
    Ok(xml.finish())
}

/// A key that was handed out. None of it protects anything: every signature is accepted.
pub struct Credentials {
    /// `ASIA...`; the actor in the call log.
    pub key: String,
    /// The secret key.
    pub secret: String,
    /// The session token.
    pub token: String,
}

impl Credentials {
    /// Makes a key for the session with this ARN; the same key whenever the session is the same.
    pub fn issue(world: &mut World, session_arn: &str) -> Self {
        let digits = digits_of(session_arn, 64).to_uppercase();
        let key = format!("ASIA{}", digits.get(..16).unwrap_or_default());
        world.sessions.insert(key.clone(), session_arn.to_owned());
        Self {
            key,
            secret: digits.chars().take(40).collect(),
            token: format!("emulated-{digits}"),
        }
    }
}

/// `2026-11-21T06:40:00Z`: AWS writes no fractions of a second here.
pub fn seconds_only(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
