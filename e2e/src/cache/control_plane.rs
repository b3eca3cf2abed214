//! etcd, kube-apiserver and kube-controller-manager: one Go binary and three links to it.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{folder, step};

/// The names under which the binary is started; it looks at its own name.
const COMPONENTS: [&str; 3] = ["etcd", "kube-apiserver", "kube-controller-manager"];
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/control-plane");
const BINARY: &str = "control-plane";

/// A folder that holds all three programs: `ELBOW_CONTROL_PLANE`, the cache, or built now with Go (up to
/// 15 minutes the first time). Otherwise the error says in one sentence what to install.
pub fn control_plane() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("ELBOW_CONTROL_PLANE").filter(|value| !value.is_empty()) {
        return given(PathBuf::from(folder));
    }
    let Some(go) = step::first_line(Command::new("go").arg("version").current_dir(SOURCE)) else {
        bail!(
            "no Kubernetes control plane to test with: install Go {} or newer (https://go.dev/dl), or set \
             ELBOW_CONTROL_PLANE to a folder that holds {}",
            directive(&read("go.mod")?, "go ").unwrap_or_default(),
            COMPONENTS.join(", ")
        );
    };
    let mut inputs = vec![go.clone().into_bytes()];
    for file in ["go.mod", "go.sum", "main.go"] {
        inputs.push(read(file)?.into_bytes());
    }
    folder(BINARY, &inputs, |unfinished, _| build(unfinished, &go))
}

fn given(folder: PathBuf) -> Result<PathBuf> {
    match COMPONENTS.iter().find(|name| !folder.join(name).is_file()) {
        None => Ok(folder),
        Some(missing) => bail!(
            "ELBOW_CONTROL_PLANE={}: there is no {missing} in it",
            folder.display()
        ),
    }
}

fn build(folder: &Path, go: &str) -> Result<()> {
    let module = read("go.mod")?;
    let version =
        directive(&module, "k8s.io/kubernetes ").context("go.mod does not name k8s.io/kubernetes")?;
    let tool = go.split_whitespace().nth(2).unwrap_or(go);
    let title = format!("control plane: building Kubernetes {version} with {tool}, up to 15 minutes");
    let flags = format!("-s -w -X k8s.io/component-base/version.gitVersion={version}");
    let mut command = Command::new("go");
    command.current_dir(SOURCE).env("CGO_ENABLED", "0");
    command
        .args(["build", "-trimpath", "-ldflags", &flags, "-o"])
        .arg(folder.join(BINARY))
        .arg(".");
    step::run(&title, &mut command, &folder.join("build.log"))?;
    for name in COMPONENTS {
        symlink(BINARY, folder.join(name)).with_context(|| format!("cannot link {name}"))?;
    }
    Ok(())
}

fn read(file: &str) -> Result<String> {
    let path = Path::new(SOURCE).join(file);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The rest of the first line that, apart from white space, begins with `word`.
fn directive(module: &str, word: &str) -> Option<String> {
    module
        .lines()
        .find_map(|line| line.trim().strip_prefix(word).map(|rest| rest.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_kubernetes_version_is_read_from_the_module() {
        let module = read("go.mod").unwrap();
        assert!(
            directive(&module, "k8s.io/kubernetes ")
                .unwrap()
                .starts_with("v1.")
        );
        assert!(directive(&module, "go ").unwrap().starts_with("1."));
    }
}
