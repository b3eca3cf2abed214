//! Security policies and ALPN policies that exist.
//!
//! A selection of AWS's list: names are exact, protocols and ciphers shortened.

use crate::world::ApiError;

/// The policy a TLS or HTTPS listener gets when none is asked for through the API.
pub const DEFAULT: &str = "ELBSecurityPolicy-2016-08";

/// A security policy: name, protocols, ciphers in order of preference.
#[derive(Clone, Copy, Debug)]
pub struct SslPolicy {
    /// Name.
    pub name: &'static str,
    /// TLS versions.
    pub protocols: &'static [&'static str],
    /// OpenSSL names.
    pub ciphers: &'static [&'static str],
}

const TLS13: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];
const TLS12: &[&str] = &["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"];
const BOTH: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
];

const fn policy(
    name: &'static str,
    protocols: &'static [&'static str],
    ciphers: &'static [&'static str],
) -> SslPolicy {
    SslPolicy {
        name,
        protocols,
        ciphers,
    }
}

/// Every policy, sorted by name.
pub const ALL: &[SslPolicy] = &[
    policy(
        "ELBSecurityPolicy-2016-08",
        &["TLSv1", "TLSv1.1", "TLSv1.2"],
        TLS12,
    ),
    policy("ELBSecurityPolicy-FS-1-2-2019-08", &["TLSv1.2"], TLS12),
    policy("ELBSecurityPolicy-FS-1-2-Res-2020-10", &["TLSv1.2"], TLS12),
    policy(
        "ELBSecurityPolicy-FS-2018-06",
        &["TLSv1", "TLSv1.1", "TLSv1.2"],
        TLS12,
    ),
    policy(
        "ELBSecurityPolicy-TLS-1-1-2017-01",
        &["TLSv1.1", "TLSv1.2"],
        TLS12,
    ),
    policy("ELBSecurityPolicy-TLS-1-2-2017-01", &["TLSv1.2"], TLS12),
    policy("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", &["TLSv1.2"], TLS12),
    policy(
        "ELBSecurityPolicy-TLS13-1-0-2021-06",
        &["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
        BOTH,
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-1-2021-06",
        &["TLSv1.1", "TLSv1.2", "TLSv1.3"],
        BOTH,
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        &["TLSv1.2", "TLSv1.3"],
        BOTH,
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06",
        &["TLSv1.2", "TLSv1.3"],
        BOTH,
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
        &["TLSv1.2", "TLSv1.3"],
        BOTH,
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        &["TLSv1.2", "TLSv1.3"],
        BOTH,
    ),
    policy("ELBSecurityPolicy-TLS13-1-3-2021-06", &["TLSv1.3"], TLS13),
];

/// ALPN policies of TLS listeners.
const ALPN: &[&str] = &[
    "HTTP1Only",
    "HTTP2Only",
    "HTTP2Optional",
    "HTTP2Preferred",
    "None",
];

/// `SSLPolicyNotFound` unless the policy exists.
pub fn check(name: &str) -> Result<(), ApiError> {
    if ALL.iter().any(|policy| policy.name == name) {
        return Ok(());
    }
    Err(ApiError::new(
        "SSLPolicyNotFound",
        format!("SSL policy '{name}' not found"),
    ))
}

/// `ALPNPolicyNotFound` unless the policy exists.
pub fn check_alpn(name: &str) -> Result<(), ApiError> {
    if ALPN.contains(&name) {
        return Ok(());
    }
    Err(ApiError::new(
        "ALPNPolicyNotFound",
        format!("ALPN policy '{name}' not found"),
    ))
}

/// DescribeSSLPolicies: all or those named, in the order of the list.
pub fn describe(names: &[String]) -> Result<Vec<SslPolicy>, ApiError> {
    for name in names {
        check(name)?;
    }
    Ok(ALL
        .iter()
        .filter(|policy| names.is_empty() || names.iter().any(|name| name == policy.name))
        .copied()
        .collect())
}
