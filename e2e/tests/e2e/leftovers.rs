//! Nothing is left behind: no process, no file.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::Instant;

/// Starting beside the other tests' control plane on two cores.
const STARTED_WITHIN: Duration = Duration::from_mins(2);
const GONE_WITHIN: Duration = Duration::from_secs(20);

#[test]
fn a_cluster_that_is_ended_leaves_nothing_behind() {
    ends_without_a_trace(Signal::SIGTERM);
}

#[test]
fn a_cluster_that_is_killed_leaves_nothing_behind() {
    ends_without_a_trace(Signal::SIGKILL);
}

fn ends_without_a_trace(signal: Signal) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_elbow-e2e"))
        .arg("cluster")
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let kubeconfig = first_line(&mut child);
    assert!(
        Path::new(&kubeconfig).is_file(),
        "no kubeconfig: {}",
        errors(child)
    );
    assert_eq!(
        running_in(folder.path()),
        3,
        "etcd, kube-apiserver, kube-controller-manager"
    );
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.success(), signal == Signal::SIGTERM, "{status}");
    let deadline = Instant::now() + GONE_WITHIN;
    loop {
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        let processes = running_in(folder.path());
        if files == 0 && processes == 0 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "still there: {processes} processes, {files} files"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The line with the path; the test ends if none comes.
fn first_line(child: &mut Child) -> String {
    let stdout = child.stdout.take().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(stdout).read_line(&mut line);
        let _ = sender.send(line.trim().to_owned());
    });
    receiver.recv_timeout(STARTED_WITHIN).unwrap_or_else(|_| {
        child.kill().unwrap();
        panic!("no kubeconfig within {} s", STARTED_WITHIN.as_secs());
    })
}

/// What it said before it ended.
fn errors(mut child: Child) -> String {
    let mut text = String::new();
    let _ = child.kill();
    let _ = child.stderr.take().unwrap().read_to_string(&mut text);
    text
}

/// How many processes have a file of `folder` on their command line.
fn running_in(folder: &Path) -> usize {
    let needle = folder.to_str().unwrap().as_bytes();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| line.windows(needle.len()).any(|window| window == needle))
        .count()
}
