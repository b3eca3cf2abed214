//! The emulator's wire, proven by a client nobody here wrote: the scripts in `e2e/boto3`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use elbow_e2e::cache;
use elbow_e2e::process::Process;
use elbow_e2e::programs::{Emulator, EmulatorOptions};
use elbow_e2e::scratch::Scratch;
use elbow_e2e::world::SEED;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The scripts wait for delays of AWS, divided by this.
const SPEED: u32 = 50;
const LIMIT: Duration = Duration::from_mins(5);

#[test]
fn every_boto3_script_passes_against_the_emulator() {
    let python = cache::python().unwrap_or_else(|sentence| panic!("{sentence:#}"));
    let scratch = Scratch::create("boto3").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (passed, output) = runtime.block_on(run(&python, &scratch));
    println!("{output}");
    assert!(
        passed,
        "the scripts did not pass within {} s; see their output above",
        LIMIT.as_secs()
    );
    assert!(
        output.contains("\nRan ") && !output.contains("\nRan 0 tests"),
        "no script was run"
    );
}

async fn run(python: &Path, scratch: &Scratch) -> (bool, String) {
    let options = EmulatorOptions {
        seed: SEED.into(),
        dial_map: None,
        speed: SPEED,
        folder: scratch.path().to_owned(),
    };
    let emulator = Emulator::start(&options)
        .await
        .unwrap_or_else(|sentence| panic!("{sentence:#}"));
    let mut command = Command::new(python.join("bin/python"));
    command
        .env_clear()
        .env("EMULATOR_URL", emulator.endpoint())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(REPOSITORY)
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
    (
        status.is_some_and(|status| status.success()),
        scripts.last_lines(500),
    )
}
