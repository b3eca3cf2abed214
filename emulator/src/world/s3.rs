//! The S3 objects that trust stores read: certificate bundles and revocation lists, as counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What an object holds, as far as anything here looks into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// CA certificates; 0: it is no bundle.
    pub ca_certificates: u32,
    /// Entries of a revocation list; 0: it is none.
    pub revoked_entries: u64,
}

/// Objects by `BUCKET/KEY`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct S3 {
    /// Absent: every object exists and holds one certificate and one revoked entry.
    pub objects: Option<BTreeMap<String, Object>>,
}

impl S3 {
    /// An object, if it exists. The version is not looked at.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Object> {
        let any = Object {
            ca_certificates: 1,
            revoked_entries: 1,
        };
        match &self.objects {
            None => Some(any),
            Some(objects) => objects.get(&format!("{bucket}/{key}")).copied(),
        }
    }
}
