//! Actions that authenticate or validate tokens.

use super::{
    super::{Params, Xml},
    read,
};
use crate::world::{
    ApiError,
    elb::authentication::{Claim, Cognito, Jwt, Oidc, Session},
};

fn session(params: &Params) -> Result<Session, ApiError> {
    let usual = Session::default();
    let text = |name: &str, usual: String| read::text(params, name).unwrap_or(usual);
    let entries = params.children("AuthenticationRequestExtraParams.entry");
    let entry = |child: &Params| {
        Ok((
            child.required("key")?.to_owned(),
            child.required("value")?.to_owned(),
        ))
    };
    Ok(Session {
        cookie: text("SessionCookieName", usual.cookie),
        scope: text("Scope", usual.scope),
        timeout: params.int("SessionTimeout")?.unwrap_or(usual.timeout),
        parameters: entries.iter().map(entry).collect::<Result<_, ApiError>>()?,
        on_unauthenticated: text("OnUnauthenticatedRequest", usual.on_unauthenticated),
    })
}

fn write_session(xml: &mut Xml, session: &Session) {
    xml.text("SessionCookieName", &session.cookie)
        .text("Scope", &session.scope)
        .text("SessionTimeout", session.timeout);
    xml.list(
        "AuthenticationRequestExtraParams",
        "entry",
        &session.parameters,
        |xml, (key, value)| {
            xml.text("key", key).text("value", value);
        },
    );
    xml.text("OnUnauthenticatedRequest", &session.on_unauthenticated);
}

/// The configuration `name` of an action.
fn config(params: &Params, name: &str) -> Params {
    let lead = format!("{name}.");
    let below = params.0.range(lead.clone()..);
    let own = below.map_while(|(key, value)| Some((key.strip_prefix(&lead)?.to_owned(), value.clone())));
    Params(own.collect())
}

pub(super) fn read_cognito(action: &Params) -> Result<Cognito, ApiError> {
    let params = config(action, "AuthenticateCognitoConfig");
    Ok(Cognito {
        user_pool: params.required("UserPoolArn")?.to_owned(),
        client: params.required("UserPoolClientId")?.to_owned(),
        domain: params.required("UserPoolDomain")?.to_owned(),
        session: session(&params)?,
    })
}

pub(super) fn write_cognito(xml: &mut Xml, cognito: &Cognito) {
    xml.text("Type", "authenticate-cognito");
    xml.element("AuthenticateCognitoConfig", |xml| {
        xml.text("UserPoolArn", &cognito.user_pool)
            .text("UserPoolClientId", &cognito.client)
            .text("UserPoolDomain", &cognito.domain);
        write_session(xml, &cognito.session);
    });
}

pub(super) fn read_oidc(action: &Params) -> Result<Oidc, ApiError> {
    let params = config(action, "AuthenticateOidcConfig");
    let required = |name: &str| params.required(name).map(str::to_owned);
    Ok(Oidc {
        issuer: required("Issuer")?,
        authorization_endpoint: required("AuthorizationEndpoint")?,
        token_endpoint: required("TokenEndpoint")?,
        user_info_endpoint: required("UserInfoEndpoint")?,
        client: required("ClientId")?,
        client_secret: read::text(&params, "ClientSecret"),
        use_existing_secret: params.bool("UseExistingClientSecret")? == Some(true),
        session: session(&params)?,
    })
}

/// The secret is not shown.
pub(super) fn write_oidc(xml: &mut Xml, oidc: &Oidc) {
    xml.text("Type", "authenticate-oidc");
    xml.element("AuthenticateOidcConfig", |xml| {
        xml.text("Issuer", &oidc.issuer)
            .text("AuthorizationEndpoint", &oidc.authorization_endpoint)
            .text("TokenEndpoint", &oidc.token_endpoint)
            .text("UserInfoEndpoint", &oidc.user_info_endpoint)
            .text("ClientId", &oidc.client);
        write_session(xml, &oidc.session);
    });
}

pub(super) fn read_jwt(action: &Params) -> Result<Jwt, ApiError> {
    let params = config(action, "JwtValidationConfig");
    let claim = |child: &Params| {
        Ok(Claim {
            format: child.required("Format")?.to_owned(),
            name: child.required("Name")?.to_owned(),
            values: child.list("Values.member"),
        })
    };
    let claims = params.children("AdditionalClaims.member");
    Ok(Jwt {
        jwks_endpoint: params.required("JwksEndpoint")?.to_owned(),
        issuer: params.required("Issuer")?.to_owned(),
        claims: claims.iter().map(claim).collect::<Result<_, ApiError>>()?,
    })
}

pub(super) fn write_jwt(xml: &mut Xml, jwt: &Jwt) {
    xml.text("Type", "jwt-validation");
    xml.element("JwtValidationConfig", |xml| {
        xml.text("JwksEndpoint", &jwt.jwks_endpoint)
            .text("Issuer", &jwt.issuer);
        xml.list("AdditionalClaims", "member", &jwt.claims, |xml, claim| {
            xml.text("Format", &claim.format).text("Name", &claim.name);
            xml.list("Values", "member", &claim.values, |xml, value| {
                xml.data(value);
            });
        });
    });
}
