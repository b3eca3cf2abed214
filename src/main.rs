//! The binary `elbow`.

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use elbow::cli::{Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    // The default provider is chosen once, before any connection; a second choice could only be the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ended = match &cli.command {
        Command::Controller(args) => elbow::run::controller(args).await,
        Command::Plan(args) => elbow::planning::plan(args).await,
        Command::Handover(args) => elbow::handover::handover(args).await,
        Command::Crds(args) => elbow::crds::print(args),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("elbow: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Help and version are no errors; anything else is one sentence and exit code 1.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // Who closes the pipe early (`| head`) has read enough.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        eprintln!("elbow: no subcommand given (see elbow --help)");
        return ExitCode::FAILURE;
    }
    let text = error.to_string();
    let said = text.lines().take_while(|line| !line.trim().is_empty());
    let said = said.map(str::trim).collect::<Vec<_>>().join(" ");
    eprintln!("elbow: {} (see elbow --help)", said.trim_start_matches("error: "));
    ExitCode::FAILURE
}
