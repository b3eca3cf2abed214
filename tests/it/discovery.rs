//! Region, VPC and credentials from the outside, with the emulator as metadata service.

use std::collections::BTreeMap;

use elbow::aws::discovery::{discover, vpc_of_instance, vpc_of_tags};
use elbow::aws::{Aws, AwsOptions, Endpoints};
use elbow_emulator::{CallFilter, Emulator};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{VPC, aws, cx, emulator, realm};

const INSTANCE: &str = "instances:\n  - {id: i-0aaa, address: 10.0.128.10}\n";

/// Serves an emulator on loopback until the task is aborted.
async fn serve(emulator: &Emulator) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(emulator.clone().serve(listener));
    (url, task)
}

fn nothing(_: &str) -> Option<String> {
    None
}

#[tokio::test]
async fn region_and_vpc_come_from_the_metadata_service() {
    let (url, task) = serve(&emulator(INSTANCE)).await;
    let options = AwsOptions {
        endpoints: format!("ec2imds={url}").parse().unwrap(),
        ..AwsOptions::default()
    };
    assert_eq!(discover(&options, &nothing).await.unwrap(), realm());
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn the_vpc_comes_from_tags_or_from_the_instance_and_each_failure_is_one_sentence() {
    let aws = aws(&emulator(INSTANCE));
    let tags = |value: &str| BTreeMap::from([("Name".to_owned(), value.to_owned())]);
    assert_eq!(vpc_of_tags(&aws, &tags("default")).await.unwrap(), VPC);
    let error = vpc_of_tags(&aws, &tags("other")).await.unwrap_err();
    assert_eq!(error.to_string(), "no VPC exists with tags Name=other");
    assert_eq!(vpc_of_instance(&aws, "i-0aaa").await.unwrap(), VPC);
    let error = vpc_of_instance(&aws, "i-gone").await.unwrap_err();
    assert_eq!(error, "there is no instance i-gone (NODENAME)");
}

#[tokio::test]
async fn the_default_chain_finds_credentials_and_signs() {
    let emulator = emulator(INSTANCE);
    let (url, task) = serve(&emulator).await;
    let options = AwsOptions {
        endpoints: Endpoints::all(&url),
        ..AwsOptions::default()
    };
    let aws = Aws::connect(options.config(realm())).await;
    assert_eq!(aws.vpc(&cx()).await.unwrap().unwrap().id, VPC);
    let calls = emulator.calls(&CallFilter::default());
    assert_eq!(calls.len(), 1);
    assert_ne!(calls[0].actor, "anonymous");
    task.abort();
}
