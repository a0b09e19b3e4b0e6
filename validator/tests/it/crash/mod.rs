//! A validator in a process of its own, killed at random moments and kept from its disk.
//!
//! The chain stays in the test and moves with the looks that the validator takes, so nothing here
//! depends on how fast the machine is. `ASSAY_KILLS` says how often it is killed (`cargo xtask soak
//! validator`: a hundred times), `ASSAY_SEED` when.

mod wire;

use crate::common::{digits, validator_on, Conduct, FakeChain, FakePeers};
use assay_validator::{ports::SystemEntropy, task::TaskFolder};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::HashSet,
    io::ErrorKind,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use wire::{answer, receive, reply, Call, FarChain};

const TEMPO: u32 = 30;
/// Looks that the validator takes in a block.
const LOOKS: u32 = 2;
/// How long a validator may be silent until it counts as hung.
const SILENCE: Duration = Duration::from_secs(60);

const CHAIN: &str = "ASSAY_TEST_CHAIN";
const STATE: &str = "ASSAY_TEST_STATE";

fn folder() -> TaskFolder {
    let mut folder = TaskFolder::load(&digits()).unwrap();
    folder.queries.items_per_round = 4;
    folder.queries.newcomer_factor = 1;
    folder
}

/// The validator that is killed. It does not end by itself.
#[test]
#[ignore = "started by the tests beside it"]
fn life() {
    let chain = std::env::var(CHAIN).unwrap().parse().unwrap();
    let state = PathBuf::from(std::env::var(STATE).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let genesis = crate::common::GENESIS;
        let conducts = vec![Conduct::Quality(1.0), Conduct::Quality(0.7), Conduct::Late];
        let peers = Arc::new(FakePeers::new(conducts));
        let chain = Arc::new(FarChain(chain));
        let entropy = Arc::new(SystemEntropy);
        let (mut validator, _) =
            validator_on(&state, folder(), chain, genesis, peers, entropy).await;
        loop {
            // An absent chain is no reason to end.
            if let Err(error) = validator.tick().await {
                assert!(matches!(error, assay_validator::Error::Chain(_)), "{error}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

/// The chain, the state, and the process of the moment.
struct World {
    listener: TcpListener,
    chain: FakeChain,
    state: tempfile::TempDir,
    child: Child,
    looks: u32,
    lives: u32,
    runtime: tokio::runtime::Runtime,
}

/// How a life ends, once so many calls were served.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// The call does not arrive.
    BeforeCall,
    /// It arrives, and its answer does not.
    BeforeAnswer,
    /// Some microseconds after the answer.
    After(u64),
}

impl World {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let state = tempfile::tempdir().unwrap();
        let child = spawn(&listener, &state.path().join("state.sqlite"));
        Self {
            chain: FakeChain::new(3, TEMPO, folder().spec().unwrap()),
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
            listener,
            state,
            child,
            looks: 0,
            lives: 1,
        }
    }

    fn state(&self) -> PathBuf {
        self.state.path().join("state.sqlite")
    }

    /// Serves the next call; `end` kills the process around it.
    fn serve(&mut self, end: Option<End>) {
        let deadline = Instant::now() + SILENCE;
        let mut stream = loop {
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let ended = self.child.try_wait().unwrap();
                    assert!(ended.is_none(), "the validator ended by itself: {ended:?}");
                    assert!(Instant::now() < deadline, "the validator hangs");
                    std::thread::sleep(Duration::from_micros(200));
                }
                Err(error) => panic!("{error}"),
            }
        };
        stream.set_nonblocking(false).unwrap();
        if end == Some(End::BeforeCall) {
            return self.kill();
        }
        let Some(call) = receive(&mut stream) else {
            return;
        };
        let looked = matches!(call, Call::Finalized);
        let bytes = self.runtime.block_on(answer(&self.chain, call));
        if end == Some(End::BeforeAnswer) {
            return self.kill();
        }
        reply(&mut stream, &bytes);
        if looked {
            self.looks += 1;
            if self.looks.is_multiple_of(LOOKS) {
                self.chain.advance();
            }
        }
        if let Some(End::After(micros)) = end {
            std::thread::sleep(Duration::from_micros(micros));
            self.kill();
        }
    }

    /// As the kernel does it: nothing in the process learns of it.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.listener, &self.state());
        self.lives += 1;
    }

    fn serve_until(&mut self, done: impl Fn(&FakeChain) -> bool) {
        let limit = self.looks + TEMPO * LOOKS * 6;
        while !done(&self.chain) {
            assert!(self.looks < limit, "{:?}", self.chain.taken());
            self.serve(None);
        }
    }

    /// Limits the size of what the running process may write, or lifts the limit.
    fn limit_files(&self, limit: &str) {
        let pid = self.child.id().to_string();
        let limited = Command::new("prlimit")
            .args(["--pid", &pid, &format!("--fsize={limit}:unlimited")])
            .status();
        assert!(limited.expect("prlimit, of util-linux").success());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(listener: &TcpListener, state: &Path) -> Child {
    // The signal for too large a file is ignored, so that writing fails as on a full disk.
    Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "crash::life", "--ignored", "--nocapture"])
        .env(CHAIN, listener.local_addr().unwrap().to_string())
        .env(STATE, state)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn setting(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |text| text.parse().unwrap())
}

#[test]
fn nothing_is_lost_or_repeated_when_the_process_is_killed_at_any_moment() {
    let kills = setting("ASSAY_KILLS", 8) as u32;
    let seed = setting("ASSAY_SEED", u64::from(std::process::id()));
    println!("ASSAY_SEED={seed} replays the moments");
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut world = World::new();
    for _ in 0..kills {
        for _ in 0..dice.random_range(0..60) {
            world.serve(None);
        }
        let end = match dice.random_range(0..4) {
            0 => End::BeforeCall,
            1 => End::BeforeAnswer,
            _ => End::After(dice.random_range(0..4000)),
        };
        let lives = world.lives;
        while world.lives == lives {
            world.serve(Some(end));
        }
    }
    // In peace, to the end of what was begun and an epoch on.
    let epochs = world.chain.taken().commits.len();
    world.serve_until(|chain| chain.taken().reveals.len() > epochs);
    let taken = world.chain.taken();
    let committed: Vec<u32> = taken.commits.iter().map(|(epoch, _)| epoch.0).collect();
    let revealed: Vec<u32> = taken.reveals.iter().map(|reveal| reveal.epoch.0).collect();
    let distinct = |epochs: &[u32]| epochs.iter().collect::<HashSet<_>>().len() == epochs.len();
    println!("killed {kills} times: committed {committed:?}, revealed {revealed:?}");
    assert!(distinct(&committed) && distinct(&revealed));
    assert!(taken.expired.is_empty(), "lost: {:?}", taken.expired);
    assert_rounds_are_distinct(&mut world);
}

/// No two rounds start at the same block, nor closer together than they should, and no query was
/// asked twice.
fn assert_rounds_are_distinct(world: &mut World) {
    world.child.kill().unwrap();
    world.child.wait().unwrap();
    let store = rusqlite::Connection::open(world.state()).unwrap();
    let mut rounds = store
        .prepare("SELECT block FROM rounds ORDER BY round")
        .unwrap();
    let blocks: Vec<u32> = rounds
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(
        blocks.windows(2).all(|pair| pair[1] >= pair[0] + 5),
        "{blocks:?}"
    );
    let (leaves, distinct): (u32, u32) = store
        .query_row(
            "SELECT count(leaf), count(DISTINCT leaf) FROM outcomes",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    println!("{} rounds, {leaves} answers", blocks.len());
    assert!(leaves > 0);
    assert_eq!(leaves, distinct);
}

#[test]
fn what_was_committed_is_revealed_and_nothing_new_is_when_the_disk_is_full() {
    let mut world = World::new();
    world.serve_until(|chain| chain.taken().commits.len() == 1);
    // Until the commit was seen: that is noted, and nothing else is under way.
    let block = world.chain.block();
    world.serve_until(|chain| chain.block() == block + 3);
    world.limit_files("1");
    world.serve_until(|chain| chain.taken().reveals.len() == 1);
    let epoch = world.chain.block() / TEMPO;
    world.serve_until(|chain| chain.block() / TEMPO == epoch + 1);
    assert_eq!(
        world.chain.taken().commits.len(),
        1,
        "its salt would be lost"
    );
    world.limit_files("unlimited");
    world.serve_until(|chain| chain.taken().reveals.len() == 2);
    let taken = world.chain.taken();
    assert!(taken.expired.is_empty(), "{:?}", taken.expired);
}
