//! The AWS SDK's HTTP client, answered by an emulator in the same process: no socket, so that it runs on
//! virtual time.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use elbow_emulator::Emulator;

use super::fuse::Fuse;

/// An HTTP client whose other end is the emulator.
pub fn client(emulator: &Emulator) -> SharedHttpClient {
    fused(emulator, &Fuse::default())
}

/// The same; its mutations pass a fuse.
pub fn fused(emulator: &Emulator, fuse: &Fuse) -> SharedHttpClient {
    SharedHttpClient::new(InProcess {
        emulator: emulator.clone(),
        fuse: fuse.clone(),
    })
}

#[derive(Clone, Debug)]
struct InProcess {
    emulator: Emulator,
    fuse: Fuse,
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (emulator, fuse) = (self.emulator.clone(), self.fuse.clone());
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let operation = operation(request.body());
            let answer = emulator.call(request);
            let answer = if is_mutation(&operation) {
                fuse.write(operation, answer).await
            } else {
                answer.await
            };
            match answer {
                Ok(response) => HttpResponse::try_from(response.map(SdkBody::from))
                    .map_err(|error| ConnectorError::user(error.into())),
                Err(cut) => Err(ConnectorError::io(cut.into())),
            }
        })
    }
}

/// The operation of a request in the query protocol; empty for anything else.
fn operation(body: &Bytes) -> String {
    let mut pairs = url::form_urlencoded::parse(body);
    let action = pairs.find(|(name, _)| name == "Action");
    action.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn is_mutation(operation: &str) -> bool {
    !operation.is_empty() && !operation.starts_with("Describe") && !operation.starts_with("Get")
}
