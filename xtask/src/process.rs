//! Running other programs, and saying which one failed and what to do.

use std::{
    env,
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use anyhow::{bail, Context, Result};

/// Shows the command, runs it to its end and fails if it does.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = display(command);
    eprintln!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("can't start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs the command silently and returns what it wrote to its standard output, trimmed.
pub fn read(command: &mut Command) -> Result<String> {
    let shown = display(command);
    let output = capture(command).with_context(|| format!("can't start `{shown}`"))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` failed ({}): {}", output.status, reason.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether the command starts and succeeds; its output is dropped.
pub fn succeeds(command: &mut Command) -> bool {
    capture(command).is_ok_and(|output| output.status.success())
}

fn capture(command: &mut Command) -> std::io::Result<Output> {
    command.stdin(Stdio::null()).output()
}

/// The command as one would type it, less quotes.
fn display(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Looks for a program in `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_names_the_command_when_it_fails() {
        let error = run(&mut Command::new("false")).expect_err("`false` fails");
        assert!(error.to_string().contains("`false` failed"), "{error}");
    }

    #[test]
    fn run_names_the_command_when_it_is_missing() {
        let error = run(&mut Command::new("no-such-program-here")).expect_err("it is missing");
        assert!(error
            .to_string()
            .contains("can't start `no-such-program-here`"));
    }

    #[test]
    fn read_returns_output_when_the_command_succeeds() {
        assert_eq!(read(Command::new("echo").arg("a b")).unwrap(), "a b");
    }

    #[test]
    fn read_repeats_complaints_when_the_command_fails() {
        let error = read(Command::new("ls").arg("/no/such/folder")).expect_err("it is missing");
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}
