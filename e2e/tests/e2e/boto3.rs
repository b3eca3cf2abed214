//! The scripts in `e2e/boto3` against two clouds: the emulator's wire, proven by a client nobody here wrote, and
//! moto, which nobody here wrote either. `docs/moto.md` says what moto cannot do; a mark in a script that it does
//! not say, or that moto no longer needs, fails the run.

use std::path::Path;
use std::time::Duration;

use elbow_e2e::http;
use elbow_e2e::process::Process;
use elbow_e2e::programs::{Emulator, EmulatorOptions, Moto, python};
use elbow_e2e::scratch::Scratch;
use elbow_e2e::world::SEED;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The scripts wait for delays of AWS, divided by this.
const SPEED: u32 = 50;
/// Generous: moto makes a new account for every test, and a machine may have other things to do.
const LIMIT: Duration = Duration::from_mins(10);

#[test]
fn every_boto3_script_passes_against_the_emulator() {
    let scratch = Scratch::create("boto3").unwrap();
    let options = EmulatorOptions {
        seed: SEED.into(),
        dial_map: None,
        speed: SPEED,
        folder: scratch.path().to_owned(),
    };
    runtime().block_on(async {
        let emulator = Emulator::start(&options)
            .await
            .unwrap_or_else(|sentence| panic!("{sentence:#}"));
        run("emulator", emulator.endpoint(), &scratch).await;
        prove_coverage(emulator.endpoint()).await;
    });
}

/// Operations without a parameter that could be wrong.
const NEVER_REFUSED: [&str; 1] = ["sts GetCallerIdentity"];

/// Every operation of the emulator's wire has succeeded at least once, and was refused at least once if it can be.
/// What a fault answered does not count. The log of calls would not do: most scripts reset it.
async fn prove_coverage(endpoint: &str) {
    let answer = http::get(&format!("{endpoint}/_emulator/operations"))
        .await
        .and_then(|answer| answer.json())
        .unwrap_or_else(|sentence| panic!("{sentence:#}"));
    let operations = answer["operations"].as_array().unwrap();
    let mut missing = Vec::new();
    for row in operations {
        let name = format!(
            "{} {}",
            row["service"].as_str().unwrap(),
            row["operation"].as_str().unwrap()
        );
        let (succeeded, refused) = (
            row["succeeded"].as_u64().unwrap(),
            row["refused"].as_u64().unwrap(),
        );
        if succeeded == 0 {
            missing.push(format!("{name} never succeeded"));
        }
        if (refused == 0) != NEVER_REFUSED.contains(&name.as_str()) {
            missing.push(format!("{name} was refused {refused} times"));
        }
    }
    println!("{} operations; missing: {missing:#?}", operations.len());
    assert!(operations.len() > 60, "only {} operations", operations.len());
    assert!(missing.is_empty(), "no script exercises {missing:#?}");
}

#[test]
fn every_boto3_script_passes_against_moto_but_for_its_documented_gaps() {
    let scratch = Scratch::create("moto").unwrap();
    runtime().block_on(async {
        let moto = Moto::start(scratch.path())
            .await
            .unwrap_or_else(|sentence| panic!("{sentence:#}"));
        run("moto", moto.endpoint(), &scratch).await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

/// Runs all scripts and shows what they say.
async fn run(cloud: &str, endpoint: &str, scratch: &Scratch) {
    let mut command = python().unwrap_or_else(|sentence| panic!("{sentence:#}"));
    command
        .env("CLOUD", cloud)
        .env("EMULATOR_URL", endpoint)
        .current_dir(Path::new(REPOSITORY))
        .args([
            "-W",
            "ignore::DeprecationWarning",
            "-m",
            "unittest",
            "discover",
            "-v",
            "-s",
            "e2e/boto3",
        ]);
    let mut scripts =
        Process::spawn("the boto3 scripts", &mut command, &scratch.join("scripts.log")).unwrap();
    let status = scripts.wait(LIMIT).await;
    let output = scripts.last_lines(500);
    println!("{output}");
    assert!(
        status.is_some_and(|status| status.success()),
        "the scripts did not pass against {cloud} within {} s; see their output above",
        LIMIT.as_secs()
    );
    assert!(
        output.contains("\nRan ") && !output.contains("\nRan 0 tests"),
        "no script was run"
    );
}
