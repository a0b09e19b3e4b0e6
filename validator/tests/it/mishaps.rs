//! What befalls a validator besides lost calls: reorganised chains, clocks, doubles, absences.

use crate::common::{
    config, digits, validator, validator_with, Conduct, FakeChain, FakeEntropy, FakePeers, Fault,
    NOW_MS,
};
use assay_primitives::{EpochIndex, Generation};
use assay_validator::{
    config::Config,
    service::Validator,
    store::{Key, State, Store},
    task::TaskFolder,
    Error,
};
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;

const TEMPO: u32 = 30;

struct World {
    state: TempDir,
    folder: TaskFolder,
    chain: Arc<FakeChain>,
    peers: Arc<FakePeers>,
}

impl World {
    fn new() -> Self {
        let mut folder = TaskFolder::load(&digits()).unwrap();
        folder.queries.items_per_round = 4;
        folder.queries.newcomer_factor = 1;
        let conducts = vec![Conduct::Quality(1.0), Conduct::Quality(0.7), Conduct::Late];
        Self {
            state: tempfile::tempdir().unwrap(),
            chain: Arc::new(FakeChain::new(3, TEMPO, folder.spec().unwrap())),
            peers: Arc::new(FakePeers::new(conducts)),
            folder,
        }
    }

    fn file(&self) -> PathBuf {
        self.state.path().join("state.sqlite")
    }

    async fn start(&self) -> (Validator, Store) {
        let (chain, peers) = (self.chain.clone(), self.peers.clone());
        let entropy = Arc::new(FakeEntropy::default());
        validator(&self.file(), self.folder.clone(), chain, peers, entropy).await
    }

    async fn start_with(&self, change: impl FnOnce(&mut Config)) -> (Validator, Store) {
        let mut config = config(&self.file());
        change(&mut config);
        let (chain, peers) = (self.chain.clone(), self.peers.clone());
        validator_with(config, self.folder.clone(), chain, peers).await
    }

    async fn live(&self, validator: &mut Validator, blocks: u32) {
        for _ in 0..blocks {
            self.chain.advance();
            validator.tick().await.unwrap();
            validator.settle().await.unwrap();
        }
    }

    fn asked(&self) -> usize {
        self.peers.asked.lock().unwrap().len()
    }
}

async fn state_of(store: &Store, epoch: u32) -> Option<State> {
    let key = Key {
        generation: Generation(0),
        epoch: EpochIndex(epoch),
    };
    let stored = store.submission(key).await.unwrap();
    stored.map(|submission| submission.state)
}

#[tokio::test]
async fn tick_asks_nobody_twice_when_the_process_starts_again_at_the_same_block() {
    let world = World::new();
    let (mut validator, _) = world.start().await;
    world.live(&mut validator, 5).await;
    let asked = world.asked();
    assert!(asked > 0);
    drop(validator);
    let (mut validator, store) = world.start().await;
    validator.tick().await.unwrap();
    validator.settle().await.unwrap();
    assert_eq!(world.asked(), asked, "the same block, the same queries");
    // And the pace is kept: the next round is due when it would have been.
    let last = store.last_round_at(Generation(0)).await.unwrap().unwrap();
    world
        .live(&mut validator, last + 5 - world.chain.block() - 1)
        .await;
    assert_eq!(world.asked(), asked);
    world.live(&mut validator, 1).await;
    assert!(world.asked() > asked);
}

#[tokio::test]
async fn tick_commits_again_when_the_chain_went_back_behind_the_commit() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live(&mut validator, TEMPO - 5).await;
    assert_eq!(state_of(&store, 0).await, Some(State::Committed));
    let hash = world.chain.taken().commits[0].1.hash;
    world.chain.go_back(8);
    assert!(world.chain.taken().commits.is_empty());
    world.live(&mut validator, TEMPO * 2).await;
    let taken = world.chain.taken();
    assert_eq!(taken.commits[0].1.hash, hash, "the same commit");
    assert!(taken.expired.is_empty());
    assert_eq!(state_of(&store, 0).await, Some(State::Revealed));
}

#[tokio::test]
async fn tick_reveals_again_when_the_chain_went_back_behind_the_reveal() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live(&mut validator, TEMPO + 3).await;
    assert_eq!(state_of(&store, 0).await, Some(State::Revealed));
    world.chain.go_back(6);
    assert!(world.chain.taken().reveals.is_empty());
    world.live(&mut validator, 20).await;
    assert_eq!(world.chain.taken().reveals.len(), 1);
    assert_eq!(state_of(&store, 0).await, Some(State::Revealed));
}

#[tokio::test]
async fn tick_goes_on_from_there_when_the_chain_stays_behind_what_was_seen() {
    let world = World::new();
    let (mut validator, _) = world.start().await;
    world.live(&mut validator, 12).await;
    world.chain.go_back(6);
    let asked = world.asked();
    // A node that is behind looks the same at first: nothing is done on its word.
    validator.tick().await.unwrap();
    assert_eq!(world.asked(), asked);
    for _ in 0..100 {
        validator.tick().await.unwrap();
    }
    world.live(&mut validator, 10).await;
    assert!(world.asked() > asked);
}

#[tokio::test]
async fn tick_goes_on_when_the_chain_was_away_for_longer_than_an_epoch() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live(&mut validator, TEMPO - 5).await;
    world.chain.set_fault(Fault::Away);
    for _ in 0..TEMPO * 2 {
        world.chain.advance();
        assert!(matches!(validator.tick().await, Err(Error::Chain(_))));
    }
    world.chain.set_fault(Fault::None);
    world.live(&mut validator, TEMPO * 2).await;
    assert_eq!(state_of(&store, 0).await, Some(State::Expired), "visibly");
    let taken = world.chain.taken();
    assert!(taken.commits.len() >= 3, "{taken:?}");
    assert_eq!(taken.expired, [EpochIndex(0)]);
}

#[tokio::test]
async fn tick_ends_when_another_validator_commits_with_our_key() {
    let world = World::new();
    let (mut validator, _) = world.start().await;
    world.live(&mut validator, 10).await;
    world.chain.commit_elsewhere();
    let mut ended = None;
    for _ in 0..6 {
        world.chain.advance();
        ended = validator.tick().await.err();
        if ended.is_some() {
            break;
        }
    }
    let error = ended.expect("it notices within a round");
    assert!(matches!(error, Error::SecondValidator { .. }), "{error}");
    assert!(error.to_string().contains("--take-over"), "{error}");
    drop(validator);

    // One whose state was lost may go on, as long as nobody commits beside it.
    let taking_over = |config: &mut Config| config.take_over = true;
    let (mut validator, _) = world.start_with(taking_over).await;
    world.live(&mut validator, 3).await;
    world.live(&mut validator, TEMPO).await;
    world.chain.commit_elsewhere();
    let mut errors = Vec::new();
    for _ in 0..6 {
        world.chain.advance();
        errors.extend(validator.tick().await.err());
    }
    assert!(!errors.is_empty());
}

#[tokio::test]
async fn two_with_one_key_come_to_one() {
    let world = World::new();
    let (mut first, _) = world.start().await;
    let beside = |config: &mut Config| config.state = world.state.path().join("other.sqlite");
    let (mut second, _) = world.start_with(beside).await;
    let mut ended = [0; 2];
    for _ in 1..TEMPO * 3 {
        world.chain.advance();
        for (place, validator) in [&mut first, &mut second].into_iter().enumerate() {
            if ended[place] == 0 {
                match validator.tick().await {
                    Ok(()) => validator.settle().await.unwrap(),
                    Err(Error::SecondValidator { .. }) => ended[place] += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    assert_eq!(ended.iter().sum::<i32>(), 1, "one stops, the other goes on");
    let taken = world.chain.taken();
    assert_eq!(taken.commits.len(), 3);
    assert_eq!(taken.reveals.len(), 2);
}

#[tokio::test]
async fn tick_starts_no_rounds_when_our_clock_is_wrong() {
    for wrong in [NOW_MS + 3_600_000, NOW_MS - 3_600_000] {
        let world = World::new();
        let (mut validator, _) = world.start().await;
        world.chain.set_time_ms(wrong);
        world.live(&mut validator, 12).await;
        assert_eq!(world.asked(), 0, "what we sign would be refused");
        world.chain.set_time_ms(NOW_MS - 12_000);
        world.live(&mut validator, 12).await;
        assert!(world.asked() > 0);
        // Weights go by blocks: they are committed whatever the clock says.
        world.chain.set_time_ms(wrong);
        world.live(&mut validator, TEMPO).await;
        assert!(!world.chain.taken().commits.is_empty());
    }
}

#[tokio::test]
async fn tick_scores_and_sets_nothing_when_it_is_a_dry_run() {
    let world = World::new();
    let (mut validator, store) = world.start_with(|config| config.dry_run = true).await;
    world.live(&mut validator, TEMPO * 2).await;
    assert!(world.asked() > 0);
    let (_, known) = store.known().await.unwrap();
    assert_eq!(known.len(), 3);
    let taken = world.chain.taken();
    assert!(taken.commits.is_empty() && taken.reveals.is_empty());
    assert!(store.latest_submission().await.unwrap().is_none());
}

#[tokio::test]
async fn tick_reads_the_subnet_once_a_round_when_nothing_is_under_way() {
    let world = World::new();
    let (mut validator, _) = world.start().await;
    world.live(&mut validator, 1).await;
    let (reads, rounds) = (world.chain.reads(), 3);
    for _ in 0..rounds * 5 {
        world.chain.advance();
        // Several looks at each block, as a validator that polls takes.
        for _ in 0..6 {
            validator.tick().await.unwrap();
        }
        validator.settle().await.unwrap();
    }
    assert_eq!(world.chain.reads() - reads, rounds);
}

#[tokio::test]
async fn open_is_refused_when_another_process_holds_the_state() {
    let world = World::new();
    let (_validator, store) = world.start().await;
    let owner = assay_validator::store::Owner {
        genesis: crate::common::GENESIS,
        netuid: assay_primitives::NetUid(1),
        hotkey: crate::common::OWN,
    };
    let error = Store::open(&world.file(), owner).await.err().unwrap();
    let held = matches!(error, assay_validator::store::StoreError::InUse { .. });
    assert!(held, "{error}");
    drop(store);
}

#[tokio::test]
async fn forget_before_keeps_sums_of_what_it_drops() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live(&mut validator, TEMPO * 2).await;
    let serial = assay_primitives::Serial(100);
    let whole = store.history(serial, 100).await.unwrap();
    let receipts = store.receipts(serial, 0, 3).await.unwrap();
    assert_eq!(receipts.lines.lines().count(), 3);
    let rest = store
        .receipts(serial, receipts.next.unwrap(), 100)
        .await
        .unwrap();
    assert_eq!(rest.next, None);
    assert_eq!(rest.lines.lines().count(), whole.latest.len() - 3);

    store.forget_before(4).await.unwrap();
    store.forget_before(2).await.unwrap();
    let left = store.history(serial, 100).await.unwrap();
    assert_eq!(left.latest[..], whole.latest[..2]);
    let rounds: u64 = left.before.iter().map(|epoch| epoch.rounds).sum();
    let items: u64 = left.before.iter().map(|epoch| epoch.items).sum();
    assert_eq!(rounds as usize, whole.latest.len() - 2);
    assert_eq!(items, rounds * 4);
    assert!(left.before.iter().all(|epoch| epoch.score == 1.0));
}
