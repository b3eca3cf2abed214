//! The scripts in `e2e/boto3` against two clouds: the emulator's wire, proven by a client nobody here wrote, and
//! moto, which nobody here wrote either. `docs/moto.md` says what moto cannot do; a mark in a script that it does
//! not say, or that moto no longer needs, fails the run.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use elbow_e2e::cache;
use elbow_e2e::http;
use elbow_e2e::process::{Process, free_port};
use elbow_e2e::programs::{Emulator, EmulatorOptions};
use elbow_e2e::scratch::Scratch;
use elbow_e2e::world::SEED;
use tokio::time::Instant;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The scripts wait for delays of AWS, divided by this.
const SPEED: u32 = 50;
/// Generous: moto makes a new account for every test, and a machine may have other things to do.
const LIMIT: Duration = Duration::from_mins(10);
/// moto's server loads its services and lists of images first.
const MOTO_STARTED_WITHIN: Duration = Duration::from_mins(1);

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
    });
}

#[test]
fn every_boto3_script_passes_against_moto_but_for_its_documented_gaps() {
    let scratch = Scratch::create("moto").unwrap();
    runtime().block_on(async {
        let (_moto, endpoint) = start_moto(&scratch).await;
        run("moto", &endpoint, &scratch).await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

fn python() -> std::path::PathBuf {
    let folder = cache::python().unwrap_or_else(|sentence| panic!("{sentence:#}"));
    folder.join("bin/python")
}

/// moto's server on a free port of this machine.
async fn start_moto(scratch: &Scratch) -> (Process, String) {
    let port = free_port().unwrap();
    let mut command = Command::new(python());
    // `-P`: the folder of our scripts is called boto3, too.
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1").args([
        "-P",
        "-m",
        "moto.server",
        "-H",
        "127.0.0.1",
        "-p",
        &port.to_string(),
    ]);
    let mut moto = Process::spawn("moto", &mut command, &scratch.join("moto.log")).unwrap();
    let endpoint = format!("http://127.0.0.1:{port}");
    let deadline = Instant::now() + MOTO_STARTED_WITHIN;
    while http::get(&format!("{endpoint}/moto-api/data.json"))
        .await
        .is_err()
    {
        moto.check().unwrap_or_else(|sentence| panic!("{sentence:#}"));
        assert!(
            Instant::now() < deadline,
            "moto did not answer within {} s; its last lines:\n{}",
            MOTO_STARTED_WITHIN.as_secs(),
            moto.last_lines(15)
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (moto, endpoint)
}

/// Runs all scripts and shows what they say.
async fn run(cloud: &str, endpoint: &str, scratch: &Scratch) {
    let mut command = Command::new(python());
    command
        .env_clear()
        .env("CLOUD", cloud)
        .env("EMULATOR_URL", endpoint)
        .env("PYTHONDONTWRITEBYTECODE", "1")
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
