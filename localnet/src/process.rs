//! Child processes: started with a log file each, and never left behind.

use nix::{
    sys::signal::{kill, Signal},
    unistd::Pid,
};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::{Child, Command};

/// How long a process may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(15);
/// How much of a log is shown when its process ends unexpectedly.
const LOG_TAIL: u64 = 2_000;

/// Why a process can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program is not where it should be.
    #[error("there is no program {path}: build everything with `cargo build --workspace --bins`", path = .0.display())]
    NoProgram(PathBuf),
    /// The system did not start it.
    #[error("{name} did not start: {source}")]
    NotStarted {
        /// The process.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended while it was needed.
    #[error("{name} ended unexpectedly ({status}); its log {log} ends with:\n{tail}", log = .log.display())]
    Ended {
        /// The process.
        name: String,
        /// How it ended.
        status: String,
        /// Its whole log.
        log: PathBuf,
        /// The end of its log.
        tail: String,
    },
}

/// A running child. Dropping it kills it.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with its output in `<folder>/<name>.log`.
    pub fn start<Arg: AsRef<std::ffi::OsStr>>(
        name: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = Arg>,
        folder: &Path,
    ) -> Result<Self, ProcessError> {
        if !program.is_file() {
            return Err(ProcessError::NoProgram(program.to_owned()));
        }
        let not_started = |source| ProcessError::NotStarted {
            name: name.to_owned(),
            source,
        };
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).map_err(not_started)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(not_started)?)
            .stderr(file)
            // Its own group, so that Ctrl-C reaches us alone and we end it in order.
            .process_group(0)
            .kill_on_drop(true);
        end_with_parent(&mut command);
        let child = command.spawn().map_err(not_started)?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// Fails if the process has ended.
    pub fn check(&mut self) -> Result<(), ProcessError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(ProcessError::Ended {
                name: self.name.clone(),
                status: status.to_string(),
                log: self.log.clone(),
                tail: tail(&self.log),
            }),
            Err(source) => Err(ProcessError::NotStarted {
                name: self.name.clone(),
                source,
            }),
        }
    }

    /// Asks the process to end, and kills it if it does not.
    pub async fn stop(mut self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        // No id: it has ended already and was waited for.
        if let Some(id) = id {
            if kill(Pid::from_raw(id), Signal::SIGTERM).is_ok()
                && tokio::time::timeout(GRACE, self.child.wait()).await.is_ok()
            {
                return;
            }
            tracing::warn!(process = %self.name, "did not end when asked, killing it");
        }
        // An error means that it ended in between.
        let _ = self.child.kill().await;
    }
}

/// Has the kernel end the child when this process dies without a chance to clean up.
#[cfg(target_os = "linux")]
fn end_with_parent(command: &mut Command) {
    let parent = nix::unistd::getpid();
    // SAFETY: between fork and exec only async-signal-safe functions may be called; prctl(2) and
    // getppid(2) are, and allocate nothing.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGTERM).map_err(std::io::Error::from)?;
            // It may have died before the kernel was told to watch it.
            if nix::unistd::getppid() != parent {
                return Err(std::io::Error::from_raw_os_error(nix::libc::ESRCH));
            }
            Ok(())
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent(_command: &mut Command) {}

/// The end of a file, as far as it can be read.
fn tail(path: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_else(|error| format!("(the log can't be read: {error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn check_shows_the_log_when_the_process_ended() {
        let folder = tempfile::tempdir().unwrap();
        let script = ["-c", "echo no such luck; exit 3"];
        let mut process =
            Process::start("unlucky", Path::new("/bin/sh"), script, folder.path()).unwrap();
        process.child.wait().await.unwrap();
        let error = process.check().unwrap_err().to_string();
        assert!(
            error.contains("unlucky") && error.contains("no such luck"),
            "{error}"
        );
        assert!(error.contains("exit status: 3"), "{error}");
    }

    #[tokio::test]
    async fn stop_ends_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut process =
            Process::start("sleeper", Path::new("/bin/sleep"), ["60"], folder.path()).unwrap();
        process.check().unwrap();
        let id = i32::try_from(process.child.id().unwrap()).unwrap();
        process.stop().await;
        assert_eq!(kill(Pid::from_raw(id), None), Err(nix::errno::Errno::ESRCH));
    }

    #[tokio::test]
    async fn start_says_what_to_build_when_there_is_no_program() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("assay-node");
        let error = Process::start("node", &missing, [""], folder.path())
            .err()
            .unwrap();
        assert!(error.to_string().contains("cargo build"), "{error}");
    }
}
