//! Which requests were answered already, across restarts.
//!
//! ```text
//! state/lock        held by the miner that runs
//! state/requests    a line for each request: until when it is valid, whose it is, its nonce
//! state/requests.old   the same, of the time before
//! ```
//!
//! A request is valid for minutes, and whoever listened could send it again to a miner that has just
//! been started. So each is on file before it is answered: whatever ends the process, the next one
//! knows it. (What the machine itself loses when its power fails is not made up for.) Requests that
//! are valid no more are forgotten with the file that they stand in: once every request of
//! `requests.old` has expired, `requests` takes its place.

use crate::{
    admission::{of_strangers, Rank},
    folders::check_writable,
    http::Limits,
};
use assay_protocol::{Hotkey, Nonce, ReplayGuard, UnixSeconds, VerifiedRequest, VerifyError};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

const LOCK: &str = "lock";
const REQUESTS: &str = "requests";
const OLD_REQUESTS: &str = "requests.old";
const NEW_REQUESTS: &str = "requests.new";

/// Why what was seen can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum SeenError {
    /// The folder can't be used.
    #[error(
        "the folder for the miner's state, {}, can't be used ({why}): name one in `state` that \
         the miner may write to",
        path.display()
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        why: io::Error,
    },
    /// Another miner runs on it.
    #[error(
        "another miner uses {}: give each its own folder in `state`, and its own hotkey",
        .0.display()
    )]
    InUse(PathBuf),
}

/// What was seen, and where that is kept.
#[derive(Debug)]
pub struct Seen {
    guard: ReplayGuard,
    /// Requests that are remembered of callers without stake.
    of_strangers: usize,
    file: Option<Mutex<OnFile>>,
}

#[derive(Debug)]
struct OnFile {
    folder: PathBuf,
    requests: File,
    /// When `requests` was begun.
    since: UnixSeconds,
    /// Longest that a request can be valid, from when it is written down.
    longest: u64,
    /// Whether the last line could not be written.
    failed: bool,
    /// For as long as this lives, nobody else uses the folder.
    _lock: File,
}

impl Seen {
    /// Remembers as long as the process lives.
    pub fn in_memory(limits: &Limits) -> Self {
        Self {
            guard: ReplayGuard::new(limits.nonces, limits.nonces_per_caller),
            of_strangers: of_strangers(limits.nonces),
            file: None,
        }
    }

    /// Whether `folder` could be used, as far as can be told without using it.
    pub fn check(folder: &Path) -> Result<(), SeenError> {
        check_writable(folder).map_err(|why| SeenError::Folder {
            path: folder.to_owned(),
            why,
        })
    }

    /// Remembers in `folder`, which is made if it is not there, and knows what was kept in it.
    pub fn open(folder: &Path, limits: &Limits, now: UnixSeconds) -> Result<Self, SeenError> {
        let unusable = |why| SeenError::Folder {
            path: folder.to_owned(),
            why,
        };
        fs::create_dir_all(folder).map_err(unusable)?;
        let lock = File::create(folder.join(LOCK)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SeenError::InUse(folder.to_owned())),
            Err(TryLockError::Error(why)) => return Err(unusable(why)),
        }
        let guard = ReplayGuard::new(limits.nonces, limits.nonces_per_caller);
        let requests = begin_anew(folder, &guard, now).map_err(unusable)?;
        tracing::debug!(requests = guard.len(), "requests of before are remembered");
        let file = OnFile {
            folder: folder.to_owned(),
            requests,
            since: now,
            longest: limits.remembered_seconds(),
            failed: false,
            _lock: lock,
        };
        Ok(Self {
            guard,
            of_strangers: of_strangers(limits.nonces),
            file: Some(Mutex::new(file)),
        })
    }

    /// Whether a caller could be remembered once more, as far as its own share goes: asked before a
    /// body is read.
    pub fn look(&self, caller: &Hotkey, now: UnixSeconds) -> Result<(), VerifyError> {
        self.guard.look(caller, now)
    }

    /// Whether more than half of what is remembered of callers without stake is taken.
    pub fn is_crowded(&self) -> bool {
        self.guard.len() > self.of_strangers / 2
    }

    /// Remembers a request of a caller of this rank, or says that it was seen before or can't be
    /// remembered.
    pub fn record(
        &self,
        request: &VerifiedRequest,
        rank: Rank,
        now: UnixSeconds,
    ) -> Result<(), VerifyError> {
        if rank.has_stake() {
            self.guard.record(request, now)?;
        } else {
            self.guard.record_within(self.of_strangers, request, now)?;
        }
        if let Some(file) = &self.file {
            // A line is written whole or not at all, so a poisoned lock guards nothing broken. It
            // goes to the system's memory and no further, which takes microseconds.
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write(&line(request.expires, &request.caller, &request.nonce), now);
        }
        Ok(())
    }
}

impl OnFile {
    /// A miner that can't write serves on: it still knows what it was asked since it began.
    fn write(&mut self, line: &str, now: UnixSeconds) {
        // Half a line may be what the last one came to: this one begins on a line of its own.
        let begin = if self.failed { "\n" } else { "" };
        let renewed = self.renew(now);
        // Into the file that there is, if there can't be another one.
        let written = self.requests.write_all(format!("{begin}{line}").as_bytes());
        let written = written.and(renewed);
        let folder = self.folder.display();
        match &written {
            Err(why) if !self.failed => tracing::error!(
                %why,
                "what is answered can't be written to {folder}: after a restart, requests could be \
                 answered twice"
            ),
            Ok(()) if self.failed => {
                tracing::info!("what is answered is written to {folder} again")
            }
            _ => {}
        }
        self.failed = written.is_err();
        crate::metrics::on_file(!self.failed);
    }

    fn renew(&mut self, now: UnixSeconds) -> io::Result<()> {
        // Whatever stands in the old file was written before the present one was begun.
        if now.0 <= self.since.0.saturating_add(self.longest) {
            return Ok(());
        }
        let requests = self.folder.join(REQUESTS);
        let new = self.folder.join(NEW_REQUESTS);
        // First what may fail for want of room, so that nothing is begun that can't be ended.
        let file = append(&new)?;
        match fs::rename(&requests, self.folder.join(OLD_REQUESTS)) {
            // The last try got so far.
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            moved => moved?,
        }
        fs::rename(&new, &requests)?;
        self.requests = file;
        self.since = now;
        Ok(())
    }
}

/// Reads what was kept, and writes what still counts into one file.
fn begin_anew(folder: &Path, guard: &ReplayGuard, now: UnixSeconds) -> io::Result<File> {
    let (requests, old) = (folder.join(REQUESTS), folder.join(OLD_REQUESTS));
    let new = folder.join(NEW_REQUESTS);
    let mut kept = BufWriter::new(File::create(&new)?);
    for path in [&old, &requests] {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            Err(why) => return Err(why),
        };
        for text in BufReader::new(file).split(b'\n') {
            // Half a line is what a full disk leaves; the request it is about was answered.
            let Some((expires, caller, nonce)) = parsed(&text?) else {
                continue;
            };
            if expires >= now && guard.restore(caller, nonce.clone(), expires) {
                kept.write_all(line(expires, &caller, &nonce).as_bytes())?;
            }
        }
    }
    kept.flush()?;
    drop(kept);
    fs::rename(&new, &requests)?;
    match fs::remove_file(&old) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    append(&requests)
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn line(expires: UnixSeconds, caller: &Hotkey, nonce: &Nonce) -> String {
    format!("{} {caller} {}\n", expires.0, nonce.as_str())
}

fn parsed(line: &[u8]) -> Option<(UnixSeconds, Hotkey, Nonce)> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let expires = UnixSeconds(words.next()?.parse().ok()?);
    let caller = words.next()?.parse().ok()?;
    let nonce = Nonce::new(words.next()?).ok()?;
    words.next().is_none().then_some((expires, caller, nonce))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::{
        sign_request, verify_request, Clock as _, Keypair, Policy, RequestParams, Scheme,
        SystemClock,
    };
    use http::{HeaderMap, Method};

    const STRANGER: Rank = Rank(0);

    /// A request as the gate knows it, that is valid for so many seconds from now.
    fn request(lifetime: u64) -> VerifiedRequest {
        let key = Keypair::from_suri("//Alice", Scheme::Sr25519).unwrap();
        let (miner, now) = (key.hotkey(), SystemClock.now());
        let params = RequestParams {
            miner,
            created: now,
            lifetime,
            nonce: Nonce::random(),
        };
        let (mut headers, method) = (HeaderMap::new(), Method::POST);
        sign_request(&key, &method, "/", &mut headers, b"", &params).unwrap();
        verify_request(&method, "/", &headers, b"", &Policy::new(miner), now).unwrap()
    }

    fn open(folder: &Path, now: u64) -> Seen {
        Seen::open(folder, &Limits::default(), UnixSeconds(now)).unwrap()
    }

    #[test]
    fn record_refuses_what_was_seen_before_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let (short, long) = (request(10), request(100));
        let now = short.created.0;
        let seen = open(folder.path(), now);
        for request in [&short, &long] {
            seen.record(request, STRANGER, UnixSeconds(now)).unwrap();
        }
        drop(seen);
        // Twice, since a start writes the file anew.
        for _ in 0..2 {
            let seen = open(folder.path(), now + 50);
            let again = seen.record(&long, STRANGER, UnixSeconds(now + 50));
            assert_eq!(again, Err(VerifyError::Replayed(long.caller)));
            assert_eq!(seen.guard.len(), 1, "what expired is forgotten");
        }
    }

    #[test]
    fn record_keeps_room_for_callers_with_stake() {
        let limits = Limits {
            nonces: 4,
            ..Limits::default()
        };
        let seen = Seen::in_memory(&limits);
        let asked: Vec<_> = (0..5).map(|_| request(60)).collect();
        let now = asked[0].created;
        for request in &asked[..3] {
            assert_eq!(seen.record(request, STRANGER, now), Ok(()));
        }
        let full = Err(VerifyError::ReplayGuardFull);
        assert_eq!(seen.record(&asked[3], STRANGER, now), full);
        assert_eq!(seen.record(&asked[3], Rank(1), now), Ok(()));
        assert_eq!(seen.record(&asked[4], Rank(1), now), full);
    }

    #[test]
    fn record_keeps_what_counts_when_a_file_is_begun() {
        let folder = tempfile::tempdir().unwrap();
        let (early, late) = (request(290), request(300));
        let (now, longest) = (early.created.0, 330);
        let seen = open(folder.path(), now - longest);
        seen.record(&early, STRANGER, UnixSeconds(now)).unwrap();
        // The file is older than any request can be valid: another one is begun, and this is kept.
        seen.record(&late, STRANGER, UnixSeconds(now + 1)).unwrap();
        assert!(folder.path().join(OLD_REQUESTS).exists());
        drop(seen);
        let seen = open(folder.path(), now + 2);
        for request in [early, late] {
            assert!(seen
                .record(&request, STRANGER, UnixSeconds(now + 2))
                .is_err());
        }
    }

    #[test]
    fn record_is_kept_when_no_file_can_be_begun_and_begins_one_later() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (request(290), request(300));
        let now = first.created.0;
        let seen = open(folder.path(), now - 331);
        // A folder that holds something can't be replaced by a file.
        let in_the_way = folder.path().join(OLD_REQUESTS);
        fs::create_dir_all(in_the_way.join("full")).unwrap();
        seen.record(&first, STRANGER, UnixSeconds(now)).unwrap();
        let kept = fs::read_to_string(folder.path().join(REQUESTS)).unwrap();
        assert!(kept.contains(first.nonce.as_str()), "{kept}");
        fs::remove_dir_all(&in_the_way).unwrap();
        // As a process leaves it that got no further than the first of two names.
        fs::rename(folder.path().join(REQUESTS), &in_the_way).unwrap();
        seen.record(&second, STRANGER, UnixSeconds(now)).unwrap();
        let begun = fs::read_to_string(folder.path().join(REQUESTS)).unwrap();
        assert!(begun.contains(second.nonce.as_str()), "{begun}");
    }

    #[test]
    fn open_passes_over_what_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let request = request(60);
        let good = line(request.expires, &request.caller, &request.nonce);
        let text = format!("{good}\u{0}\u{0}\n{}", &good[..good.len() - 40]);
        fs::write(folder.path().join(REQUESTS), text).unwrap();
        let seen = open(folder.path(), request.created.0);
        assert_eq!(seen.guard.len(), 1);
    }

    #[test]
    fn record_keeps_what_follows_when_a_line_was_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let (cut, whole) = (request(60), request(60));
        let seen = open(folder.path(), cut.created.0);
        {
            let mut file = seen.file.as_ref().unwrap().lock().unwrap();
            let line = line(cut.expires, &cut.caller, &cut.nonce);
            file.requests.write_all(&line.as_bytes()[..30]).unwrap();
            file.failed = true;
        }
        seen.record(&whole, STRANGER, whole.created).unwrap();
        drop(seen);
        let seen = open(folder.path(), whole.created.0);
        assert!(seen.record(&whole, STRANGER, whole.created).is_err());
    }

    #[test]
    fn open_is_refused_when_the_folder_is_in_use_or_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let _seen = open(folder.path(), 0);
        let limits = Limits::default();
        let refused = Seen::open(folder.path(), &limits, UnixSeconds(0)).unwrap_err();
        assert!(matches!(refused, SeenError::InUse(_)));
        let file = folder.path().join(LOCK);
        let refused = Seen::open(&file, &limits, UnixSeconds(0)).unwrap_err();
        assert!(
            refused.to_string().contains("name one in `state`"),
            "{refused}"
        );
    }
}
