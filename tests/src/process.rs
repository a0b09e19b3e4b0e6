//! One child process with a log file.

use crate::until;
use nix::{
    sys::signal::{kill, Signal},
    unistd::Pid,
};
use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// Lines of a log that a failed test shows.
const TAIL: usize = 40;
/// Prefixes of the variables from which Assay's programs read settings. Those of whoever runs the
/// tests must not reach the programs under test.
const SETTINGS: [&str; 2] = ["ASSAY_MINER_", "ASSAY_VALIDATOR_"];

/// A program of this workspace, built beside the test that is running.
///
/// # Panics
/// If it was not built.
pub fn program(name: &str) -> PathBuf {
    // target/<profile>/deps/<test>: the programs are one folder further up.
    let test = std::env::current_exe().expect("the test's own path");
    let folder = test.ancestors().nth(2).expect("two folders above the test");
    let program = folder.join(name);
    assert!(
        program.is_file(),
        "there is no program {}: run `cargo build --workspace --bins` first, as `cargo xtask test` \
         does",
        program.display()
    );
    program
}

/// A running child. Dropping it kills it and, in a test that fails, shows the end of its log.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts one of our programs. What it prints is added to `<folder>/<name>.log`.
    pub fn start<Arg: AsRef<OsStr>>(
        name: &str,
        program_name: &str,
        arguments: impl IntoIterator<Item = Arg>,
        folder: &Path,
    ) -> Self {
        Self::start_in(None, name, program_name, arguments, folder)
    }

    /// The same in a network namespace, which takes root.
    pub(crate) fn start_in<Arg: AsRef<OsStr>>(
        namespace: Option<&str>,
        name: &str,
        program_name: &str,
        arguments: impl IntoIterator<Item = Arg>,
        folder: &Path,
    ) -> Self {
        let log = folder.join(format!("{name}.log"));
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(&log);
        let file = file.expect("a log file in the test's folder");
        let program = program(program_name);
        let mut command = match namespace {
            None => Command::new(program),
            Some(namespace) => {
                // It becomes the program, and so has its id.
                let mut ip = Command::new("ip");
                ip.args(["netns", "exec", namespace]).arg(program);
                ip
            }
        };
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle of the log"))
            .stderr(file);
        for (variable, _) in std::env::vars_os() {
            let text = variable.to_string_lossy();
            if SETTINGS.iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&variable);
            }
        }
        let child = command.spawn().expect("the program starts");
        let name = name.to_owned();
        Self { name, child, log }
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).expect("the log can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("an id fits");
        // It may have ended by itself in between; the next look at it says so.
        let _ = kill(Pid::from_raw(id), signal);
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// If it has not after `within`.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        until(&what, within, async || {
            self.child.try_wait().expect("our own child")
        })
        .await
    }

    /// Fails the test if it has ended.
    ///
    /// # Panics
    /// If it has.
    pub fn assert_running(&mut self) {
        let status = self.child.try_wait().expect("our own child");
        assert_eq!(status, None, "{} ended unexpectedly", self.name);
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("\n== the log of {} ends with\n{}", self.name, self.tail());
        }
    }
}
