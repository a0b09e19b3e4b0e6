//! `cargo xtask localnet`: from a bare machine to a running network.

use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};

use crate::{
    ci, process,
    setup::{self, Scope},
    workspace::Workspace,
};

/// The task that the network works at unless another is named.
const DEFAULT_TASK: &str = "tasks/digits";

/// Sets up, builds every program and becomes `assay localnet up`.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    setup::run(workspace, Scope::Run)?;
    process::run(&mut ci::build_programs(workspace))
        .context("the programs don't build; what is said above comes from the compiler")?;

    let assay = workspace.program("assay");
    let mut command = workspace.command(&assay);
    command.args(arguments(args));
    // From here on signals and the exit status are the network's own.
    let error = command.exec();
    Err(error).with_context(|| format!("can't start {}", assay.display()))
}

fn arguments(args: &[String]) -> Vec<String> {
    let names_task = args
        .iter()
        .any(|arg| arg == "--task" || arg.starts_with("--task="));
    let mut all = vec!["localnet".to_owned(), "up".to_owned()];
    if !names_task {
        all.extend(["--task".to_owned(), DEFAULT_TASK.to_owned()]);
    }
    all.extend_from_slice(args);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(args: &[&str]) -> Vec<String> {
        args.iter().map(|&arg| arg.to_owned()).collect()
    }

    #[test]
    fn arguments_name_the_default_task_when_none_is_given() {
        let expected = owned(&["localnet", "up", "--task", "tasks/digits", "--epochs", "8"]);
        assert_eq!(arguments(&owned(&["--epochs", "8"])), expected);
    }

    #[test]
    fn arguments_are_left_alone_when_a_task_is_given() {
        for task in [&["--task", "tasks/other"][..], &["--task=tasks/other"]] {
            let expected = [owned(&["localnet", "up"]), owned(task)].concat();
            assert_eq!(arguments(&owned(task)), expected);
        }
    }
}
