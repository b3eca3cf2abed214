//! The shape of the house: what may depend on what, and where the AWS SDK may be named.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Most lines of a source file: 400 are aimed at (see CONTRIBUTING.md).
const LONGEST_FILE: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_pure_rooms_depend_on_no_runtime_and_no_client() {
    for package in ["elbow-crds", "elbow-core"] {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--locked",
                "-p",
                package,
                "-e",
                "normal",
                "--prefix",
                "none",
            ])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(
            tree.contains("serde_json"),
            "the tree of {package} looks wrong: {tree}"
        );
        let forbidden = [
            "tokio ",
            "hyper ",
            "reqwest ",
            "aws-",
            "kube-client ",
            "elbow-emulator ",
        ];
        let found: Vec<_> = tree
            .lines()
            .filter(|line| forbidden.iter().any(|f| line.starts_with(f)))
            .collect();
        assert!(found.is_empty(), "{package} depends on {found:?}");
    }
}

#[test]
fn the_emulator_shares_no_code_with_the_controller() {
    let manifest = std::fs::read_to_string(root().join("emulator/Cargo.toml")).unwrap();
    let shared: Vec<_> = manifest
        .lines()
        .filter(|l| l.starts_with("elbow") || l.starts_with("aws-"))
        .collect();
    assert!(shared.is_empty(), "the emulator depends on {shared:?}");
}

#[test]
fn the_aws_sdk_is_named_in_its_own_room_only() {
    let outside: Vec<_> = sources("src")
        .into_iter()
        .filter(|path| !path.starts_with(root().join("src/aws")))
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("aws_sdk_"))
        .collect();
    assert!(outside.is_empty(), "aws_sdk_* outside src/aws: {outside:?}");
}

#[test]
fn nothing_awaits_and_no_clock_is_read_in_the_pure_rooms() {
    for folder in ["crds/src", "core/src"] {
        for path in sources(folder) {
            let text = std::fs::read_to_string(&path).unwrap();
            let bad: Vec<_> = text
                .lines()
                .filter(|l| {
                    ["async fn", "::now()", "rand::"].iter().any(|w| l.contains(w)) && !l.contains("//")
                })
                .collect();
            assert!(bad.is_empty(), "{}: {bad:?}", path.display());
        }
    }
}

const FOLDERS: [&str; 9] = [
    "crds",
    "core",
    "webhooks",
    "src",
    "emulator/src",
    "emulator/tests",
    "e2e/src",
    "e2e/tests",
    "tests",
];

fn all_sources() -> Vec<PathBuf> {
    let folders = FOLDERS.into_iter().filter(|folder| root().join(folder).is_dir());
    folders.flat_map(sources).collect()
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn no_source_file_is_too_long_to_read() {
    for path in all_sources() {
        let name = name(&path);
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(
            lines <= LONGEST_FILE,
            "{name} has {lines} lines, more than {LONGEST_FILE}"
        );
    }
}

#[test]
fn time_and_chance_come_in_as_inputs() {
    for path in sources("src") {
        let allowed: &[&str] = match name(&path).as_str() {
            "src/clock.rs" => &["Timestamp::now()"],
            "src/ids.rs" => &["new_v4"],
            _ => &[],
        };
        let text = std::fs::read_to_string(&path).unwrap();
        for word in ["Timestamp::now()", "SystemTime::now", "new_v4", "rand::"] {
            assert!(
                allowed.contains(&word) || !text.contains(word),
                "{} uses {word}",
                path.display()
            );
        }
    }
}

/// A comment gives its reason itself, or names a page that is in the repository.
#[test]
fn nothing_cites_pages_that_are_not_in_the_repository() {
    let absent = [
        ["DESIGN", " "].concat(),
        ["DESIGN", ".md"].concat(),
        ["must be ", "seen\""].concat(),
    ];
    let listed = Command::new("git").arg("ls-files").current_dir(root()).output();
    let listed = listed.map(|output| String::from_utf8(output.stdout).unwrap());
    let mut files = all_sources();
    // A copy without its history has sources to look at, and no list of the rest.
    files.extend(listed.unwrap_or_default().lines().map(|file| root().join(file)));
    for path in files {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let cited: Vec<_> = text
            .lines()
            .filter(|line| absent.iter().any(|word| line.contains(word)))
            .collect();
        assert!(cited.is_empty(), "{}: {cited:?}", path.display());
    }
}
