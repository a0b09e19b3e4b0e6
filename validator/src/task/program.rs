//! A program of the subnet's creator, kept running: one line of JSON in, one line of JSON out.
//!
//! It runs with the memory that `task.toml` grants it and without our environment, in a process
//! group of its own. A program that answers too late, or not in one line, is ended with all its
//! children; the next question starts it again. What it prints on standard error is quoted when it
//! fails. It is the subnet creator's program, pinned by its digest: it is kept from taking the
//! validator down, not from reading the disk. Validators that don't trust it run it in a container.

use super::{artifact, Fault, Program, TaskError, TaskFolder};
use nix::{
    sys::signal::{killpg, Signal},
    unistd::Pid,
};
use serde::Serialize;
use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    sync::{
        mpsc::{sync_channel, Receiver, RecvTimeoutError, SyncSender},
        Arc, Mutex, PoisonError,
    },
    thread,
    time::Duration,
};

/// What a program has for its first answer after a start, besides: interpreters and libraries load.
const STARTING: Duration = Duration::from_secs(30);
/// Longest line that is read.
const MAX_LINE: u64 = 256 * 1024 * 1024;
/// How much of what it says about its trouble is kept.
const MAX_WORDS: usize = 2000;
/// Sets the limit on memory and becomes the program. `ulimit` counts in KiB.
const LIMITED: &str = "ulimit -v \"$0\" && exec \"$@\"";

/// A program, running or to be started.
pub(super) struct Worker {
    command: Vec<String>,
    folder: PathBuf,
    path: PathBuf,
    timeout: Duration,
    memory_kib: u64,
    running: Mutex<Option<Running>>,
}

impl Worker {
    /// A program of a folder, its file checked against its digest. It starts when it is first asked.
    pub(super) fn new(folder: &TaskFolder, program: &Program) -> Result<Self, TaskError> {
        let path = folder.resolve(&program.file)?;
        artifact::read(&path, &program.file)?;
        let path = path.canonicalize().unwrap_or(path);
        let place = path.to_string_lossy();
        let words = program.command.iter();
        Ok(Self {
            command: words.map(|word| word.replace("{file}", &place)).collect(),
            folder: folder.path().to_owned(),
            path: path.clone(),
            timeout: Duration::from_millis(program.timeout_ms.into()),
            memory_kib: u64::from(program.memory_mib) * 1024,
            running: Mutex::new(None),
        })
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Asks, and returns the line that came back. One that was running and died is started once
    /// more. Blocks.
    pub(super) fn ask(&self, question: &impl Serialize) -> Result<String, Fault> {
        let mut line = serde_json::to_string(question)
            .map_err(|error| self.fault(&format!("the question can't be written: {error}")))?;
        line.push('\n');
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut worker) = running.take() {
            match worker.ask(line.clone(), self.timeout) {
                Ok(answer) => {
                    *running = Some(worker);
                    return Ok(answer);
                }
                Err(Trouble::Died(words)) => {
                    tracing::warn!(program = %self.path.display(), words, "it died; starting it again");
                }
                Err(trouble) => return Err(self.fault(&trouble.to_string())),
            }
        }
        let mut worker = self.start()?;
        let answer = worker.ask(line, self.timeout + STARTING);
        let answer = answer.map_err(|trouble| self.fault(&trouble.to_string()))?;
        *running = Some(worker);
        Ok(answer)
    }

    fn fault(&self, reason: &str) -> Fault {
        Fault(format!("{}: {reason}", self.path.display()))
    }

    fn start(&self) -> Result<Running, Fault> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", LIMITED, &self.memory_kib.to_string()])
            .args(&self.command)
            .current_dir(&self.folder)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH"))
            // The same seed must give the same items whatever the machine is set to.
            .envs([
                ("LANG", "C.UTF-8"),
                ("PYTHONHASHSEED", "0"),
                ("OMP_NUM_THREADS", "1"),
                ("OPENBLAS_NUM_THREADS", "1"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let child = command
            .spawn()
            .map_err(|error| self.fault(&format!("it can't be started: {error}")))?;
        Running::new(child).ok_or_else(|| self.fault("it has no standard input or output"))
    }
}

/// What went wrong with a question.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("it ended{0}")]
    Died(String),
    #[error("no answer within {} ms{words}", .after.as_millis())]
    Late { after: Duration, words: String },
    #[error("its answer exceeds {MAX_LINE} bytes")]
    TooLong,
}

/// A program that runs. It ends when this is dropped.
struct Running {
    child: Child,
    questions: SyncSender<String>,
    answers: Receiver<Option<String>>,
    words: Arc<Mutex<String>>,
}

impl Running {
    /// Pipes are served by threads of their own, so that nothing blocks on a program that neither
    /// reads nor writes. They end with the pipes.
    fn new(mut child: Child) -> Option<Self> {
        let (mut stdin, stdout, stderr) = (
            child.stdin.take()?,
            child.stdout.take()?,
            child.stderr.take()?,
        );
        let (questions, waiting) = sync_channel::<String>(1);
        thread::spawn(move || {
            for line in waiting {
                let sent = stdin
                    .write_all(line.as_bytes())
                    .and_then(|()| stdin.flush());
                if sent.is_err() {
                    return;
                }
            }
        });
        let (found, answers) = sync_channel(1);
        thread::spawn(move || read_lines(stdout, &found));
        let words = Arc::new(Mutex::new(String::new()));
        let kept = words.clone();
        thread::spawn(move || keep_words(stderr, &kept));
        Some(Self {
            child,
            questions,
            answers,
            words,
        })
    }

    fn ask(&mut self, line: String, timeout: Duration) -> Result<String, Trouble> {
        if self.questions.send(line).is_err() {
            return Err(Trouble::Died(self.said()));
        }
        match self.answers.recv_timeout(timeout) {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(Trouble::TooLong),
            Err(RecvTimeoutError::Disconnected) => {
                // Its last words may still be on their way.
                let _ = self.child.wait();
                thread::sleep(Duration::from_millis(20));
                Err(Trouble::Died(self.said()))
            }
            Err(RecvTimeoutError::Timeout) => Err(Trouble::Late {
                after: timeout,
                words: self.said(),
            }),
        }
    }

    fn said(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        match words.trim() {
            "" => String::new(),
            words => format!("; it said: {words}"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.child.id()) {
            // Gone already is as good.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// Hands on each line without its end; `None` for one that is too long.
fn read_lines(stdout: ChildStdout, found: &SyncSender<Option<String>>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = stdout.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if !read.is_ok_and(|count| count > 0) {
            return;
        }
        let whole = line.pop() == Some(b'\n');
        let line = whole.then(|| String::from_utf8_lossy(&line).into_owned());
        let stop = line.is_none();
        if found.send(line).is_err() || stop {
            return;
        }
    }
}

fn keep_words(mut stderr: ChildStderr, kept: &Mutex<String>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_str(&String::from_utf8_lossy(&buffer[..count]));
        // The end says most.
        let mut start = kept.len().saturating_sub(MAX_WORDS);
        while !kept.is_char_boundary(start) {
            start += 1;
        }
        kept.drain(..start);
    }
}
