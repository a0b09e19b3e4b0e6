//! Commits and reveals across every kind of failure.

use crate::common::{digits, validator, Conduct, FakeChain, FakeEntropy, FakePeers, Fault};
use assay_primitives::{seed_commitment, Evidence, Generation};
use assay_validator::{
    service::Validator,
    store::{Key, State, Store},
    task::TaskFolder,
};
use proptest::prelude::*;
use std::sync::Arc;
use tempfile::TempDir;

const TEMPO: u32 = 30;

struct World {
    state: TempDir,
    folder: TaskFolder,
    chain: Arc<FakeChain>,
    peers: Arc<FakePeers>,
    entropy: Arc<FakeEntropy>,
}

impl World {
    fn new() -> Self {
        let mut folder = TaskFolder::load(&digits()).unwrap();
        // Enough to have something to say.
        folder.queries.items_per_round = 4;
        folder.queries.newcomer_factor = 1;
        let conducts = vec![Conduct::Quality(1.0), Conduct::Quality(0.7), Conduct::Late];
        Self {
            state: tempfile::tempdir().unwrap(),
            chain: Arc::new(FakeChain::new(3, TEMPO, folder.spec().unwrap())),
            peers: Arc::new(FakePeers::new(conducts)),
            entropy: Arc::default(),
            folder,
        }
    }

    /// The validator, made anew from what is on disk.
    async fn start(&self) -> (Validator, Store) {
        let state = self.state.path().join("state.sqlite");
        let (chain, peers) = (self.chain.clone(), self.peers.clone());
        validator(
            &state,
            self.folder.clone(),
            chain,
            peers,
            self.entropy.clone(),
        )
        .await
    }

    async fn live(&self, validator: &mut Validator, blocks: u32) {
        for _ in 0..blocks {
            self.chain.advance();
            validator.tick().await.unwrap();
            validator.settle().await.unwrap();
        }
    }

    /// To the block before the first in which weights are committed.
    async fn live_to_commit(&self, validator: &mut Validator) {
        self.live(validator, TEMPO - 11).await;
        assert!(self.chain.taken().commits.is_empty());
    }

    async fn state_of(&self, store: &Store, epoch: u32) -> Option<State> {
        let key = Key {
            generation: Generation(0),
            epoch: assay_primitives::EpochIndex(epoch),
        };
        store
            .submission(key)
            .await
            .unwrap()
            .map(|submission| submission.state)
    }
}

#[tokio::test]
async fn tick_commits_and_reveals_once_an_epoch_when_all_is_well() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live(&mut validator, TEMPO * 4 - 1).await;
    let taken = world.chain.taken();
    let epochs: Vec<u32> = taken.commits.iter().map(|(epoch, _)| epoch.0).collect();
    assert_eq!(epochs, [0, 1, 2, 3]);
    let revealed: Vec<u32> = taken.reveals.iter().map(|reveal| reveal.epoch.0).collect();
    assert_eq!(revealed, [0, 1, 2]);
    assert!(taken.expired.is_empty());
    assert_eq!(world.state_of(&store, 2).await, Some(State::Revealed));
    // The late miner gets nothing, the best one the most.
    let last = taken.reveals.last().unwrap();
    assert_eq!(last.targets, [0, 1]);
    assert_eq!(last.values[0], u16::MAX);
}

#[tokio::test]
async fn tick_commits_to_the_secret_that_the_next_epoch_uses() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live(&mut validator, TEMPO * 2).await;
    let taken = world.chain.taken();
    let next = Key {
        generation: Generation(0),
        epoch: assay_primitives::EpochIndex(1),
    };
    let secret = store.known_secret(next).await.unwrap().unwrap();
    assert_eq!(taken.commits[0].1.next_seed, seed_commitment(&secret));
}

#[tokio::test]
async fn evidence_stands_for_the_leaves_that_are_stored() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live(&mut validator, TEMPO * 2).await;
    let key = Key {
        generation: Generation(0),
        epoch: assay_primitives::EpochIndex(0),
    };
    let submission = store.submission(key).await.unwrap().unwrap();
    let leaves = store.leaves(key).await.unwrap();
    let Evidence::V1 {
        root,
        leaf_count,
        score_root,
    } = submission.evidence;
    assert!(leaf_count > 0);
    assert_eq!(leaf_count as usize, leaves.len());
    assert_eq!(root, assay_primitives::merkle_root(&leaves));
    assert_eq!(score_root, assay_primitives::score_root(&submission.scores));
    let sorted = leaves.windows(2).all(|pair| {
        (pair[0].round, pair[0].item, pair[0].serial)
            < (pair[1].round, pair[1].item, pair[1].serial)
    });
    assert!(sorted);
    // No leaf serves twice.
    let next = Key {
        epoch: assay_primitives::EpochIndex(1),
        ..key
    };
    let others = store.leaves(next).await.unwrap();
    assert!(others.iter().all(|leaf| !leaves.contains(leaf)));
}

#[tokio::test]
async fn tick_sends_the_prepared_commit_when_the_process_died_before_sending() {
    let world = World::new();
    let (mut validator, _) = world.start().await;
    world.live_to_commit(&mut validator).await;
    world.chain.set_fault(Fault::HangsBefore);
    world.chain.advance();
    validator.tick().await.unwrap();
    drop(validator);
    assert!(world.chain.taken().commits.is_empty());

    world.chain.set_fault(Fault::None);
    let (mut validator, store) = world.start().await;
    let prepared = store.latest_submission().await.unwrap().unwrap();
    assert_eq!(prepared.state, State::CommitSent);
    world.live(&mut validator, TEMPO).await;
    let taken = world.chain.taken();
    assert_eq!(
        taken.commits[0].1.hash, prepared.hash,
        "the same commit, not a new one"
    );
    assert_eq!(taken.reveals.len(), 1);
}

#[tokio::test]
async fn tick_does_not_commit_twice_when_the_process_died_after_sending() {
    for fault in [Fault::HangsAfter, Fault::AnswerLost] {
        let world = World::new();
        let (mut validator, _) = world.start().await;
        world.live_to_commit(&mut validator).await;
        world.chain.set_fault(fault);
        world.chain.advance();
        validator.tick().await.unwrap();
        tokio::task::yield_now().await;
        while world.chain.taken().commits.is_empty() {
            tokio::task::yield_now().await;
        }
        drop(validator);

        world.chain.set_fault(Fault::None);
        let (mut validator, store) = world.start().await;
        world.live(&mut validator, TEMPO).await;
        let taken = world.chain.taken();
        assert_eq!(
            taken
                .commits
                .iter()
                .filter(|(epoch, _)| epoch.0 == 0)
                .count(),
            1
        );
        assert_eq!(taken.reveals.len(), 1);
        assert_eq!(world.state_of(&store, 0).await, Some(State::Revealed));
    }
}

#[tokio::test]
async fn tick_reveals_when_the_process_was_away_from_commit_to_the_middle_of_the_window() {
    let world = World::new();
    let (mut validator, _) = world.start().await;
    world.live(&mut validator, TEMPO - 5).await;
    assert_eq!(world.chain.taken().commits.len(), 1);
    drop(validator);
    (0..20).for_each(|_| world.chain.advance());

    let (mut validator, store) = world.start().await;
    world.live(&mut validator, 2).await;
    assert_eq!(world.chain.taken().reveals.len(), 1);
    assert_eq!(world.state_of(&store, 0).await, Some(State::Revealed));
}

#[tokio::test]
async fn tick_does_not_reveal_twice_when_the_process_died_after_revealing() {
    for fault in [Fault::HangsBefore, Fault::HangsAfter, Fault::AnswerLost] {
        let world = World::new();
        let (mut validator, _) = world.start().await;
        world.live(&mut validator, TEMPO - 1).await;
        world.chain.set_fault(fault);
        world.chain.advance();
        validator.tick().await.unwrap();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        drop(validator);

        world.chain.set_fault(Fault::None);
        let (mut validator, store) = world.start().await;
        world.live(&mut validator, 10).await;
        assert_eq!(world.chain.taken().reveals.len(), 1, "{fault:?}");
        assert_eq!(world.state_of(&store, 0).await, Some(State::Revealed));
    }
}

#[tokio::test]
async fn submission_expires_visibly_when_the_process_was_away_for_the_whole_window() {
    let world = World::new();
    let (mut validator, _) = world.start().await;
    world.live(&mut validator, TEMPO - 1).await;
    drop(validator);
    (0..TEMPO + 1).for_each(|_| world.chain.advance());

    let (mut validator, store) = world.start().await;
    world.live(&mut validator, 1).await;
    assert!(world.chain.taken().reveals.is_empty());
    assert_eq!(world.state_of(&store, 0).await, Some(State::Expired));
}

#[tokio::test]
async fn submission_is_missed_when_the_chain_never_takes_it() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live_to_commit(&mut validator).await;
    world.chain.set_fault(Fault::HangsBefore);
    for _ in 0..12 {
        world.chain.advance();
        validator.tick().await.unwrap();
    }
    assert_eq!(world.state_of(&store, 0).await, Some(State::Missed));
    let submission = store.latest_submission().await.unwrap().unwrap();
    assert!(submission.detail.unwrap().contains("no commit is on chain"));
}

#[tokio::test]
async fn submission_is_dropped_when_the_registration_changed() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live(&mut validator, TEMPO - 5).await;
    world
        .chain
        .change(|graph| graph.serials[3] = assay_primitives::Serial(999));
    world.live(&mut validator, 5).await;
    assert_eq!(world.state_of(&store, 0).await, Some(State::Expired));
}

#[tokio::test]
async fn tick_commits_nothing_when_only_our_own_network_failed() {
    let world = World::new();
    world
        .peers
        .cut_off
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let (mut validator, _) = world.start().await;
    world.live(&mut validator, TEMPO).await;
    assert!(world.chain.taken().commits.is_empty());
}

#[tokio::test]
async fn forget_before_drops_old_rounds_and_keeps_submissions() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live(&mut validator, TEMPO - 1).await;
    let serial = assay_primitives::Serial(100);
    let before = store.history(serial, 100).await.unwrap().latest.len();
    store.forget_before(2).await.unwrap();
    let after = store.history(serial, 100).await.unwrap();
    assert!(before > 2 && after.latest.len() == 2, "{before}");
    assert_eq!(after.outcomes, [("answered".to_owned(), 2)]);
    assert_eq!(world.state_of(&store, 0).await, Some(State::Committed));
}

#[tokio::test]
async fn tick_asks_nobody_and_commits_nothing_when_it_has_no_permit() {
    let world = World::new();
    world.chain.change(|graph| graph.permits[3] = false);
    let (mut validator, _) = world.start().await;
    world.live(&mut validator, TEMPO).await;
    assert!(world.peers.asked.lock().unwrap().is_empty());
    assert!(world.chain.taken().commits.is_empty());
}

#[tokio::test]
async fn tick_starts_a_model_s_score_anew_when_another_one_is_announced() {
    let world = World::new();
    let (mut validator, store) = world.start().await;
    world.live(&mut validator, 12).await;
    let (_, before) = store.known().await.unwrap();
    assert_eq!(before[&assay_primitives::Serial(100)].posterior.asked, 12);
    world.chain.change(|graph| {
        if let Some(model) = &mut graph.models[0] {
            model.what.sha256 = assay_primitives::Digest([77; 32]);
        }
    });
    world.live(&mut validator, 5).await;
    let (_, after) = store.known().await.unwrap();
    assert_eq!(after[&assay_primitives::Serial(100)].posterior.asked, 4);
    assert_eq!(after[&assay_primitives::Serial(101)].posterior.asked, 16);
}

#[tokio::test]
async fn tick_stops_asking_when_the_task_on_chain_is_another_one() {
    let world = World::new();
    let (mut validator, _) = world.start().await;
    world.live(&mut validator, 6).await;
    let asked = world.peers.asked.lock().unwrap().len();
    let mut spec = world.folder.spec().unwrap();
    spec.deadline_ms += 1;
    world.chain.set_spec(spec);
    world
        .chain
        .change(|graph| graph.task_version = graph.task_version.next());
    world.live(&mut validator, 10).await;
    assert_eq!(world.peers.asked.lock().unwrap().len(), asked);

    // One that starts then says what is wrong and ends.
    drop(validator);
    let (mut validator, _) = world.start().await;
    let error = validator.tick().await.unwrap_err();
    assert!(
        error.to_string().contains("its deadline differs"),
        "{error}"
    );
}

/// What happens at one block: the chain's fault, and whether the process dies after it.
fn mishap() -> impl Strategy<Value = (Fault, bool)> {
    let fault = prop_oneof![
        4 => Just(Fault::None),
        1 => Just(Fault::Away),
        1 => Just(Fault::AnswerLost),
        1 => Just(Fault::HangsBefore),
        1 => Just(Fault::HangsAfter),
    ];
    (fault, prop::bool::weighted(0.2))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 64, ..ProptestConfig::default() })]

    /// Whatever fails and wherever the process dies: one commit an epoch at most, each revealed
    /// exactly once, as long as the validator has a quiet third of the window.
    #[test]
    fn commits_are_neither_lost_nor_repeated(
        mishaps in prop::collection::vec(mishap(), (TEMPO * 4 - 1) as usize),
        lag in 0usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            world.chain.set_lag(lag);
            let (mut validator, _) = world.start().await;
            for (block, (fault, dies)) in (1u32..).zip(mishaps) {
                world.chain.advance();
                let quiet = (10..22).contains(&(block % TEMPO));
                world.chain.set_fault(if quiet { Fault::None } else { fault });
                // An absent node is no reason to end.
                let _ = validator.tick().await;
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                if dies && !quiet {
                    drop(validator);
                    validator = world.start().await.0;
                }
            }
            let taken = world.chain.taken();
            let mut epochs: Vec<u32> = taken.commits.iter().map(|(epoch, _)| epoch.0).collect();
            epochs.dedup();
            assert_eq!(epochs.len(), taken.commits.len());
            assert!(taken.expired.is_empty(), "{:?}", taken.expired);
            let mut revealed: Vec<u32> = taken.reveals.iter().map(|it| it.epoch.0).collect();
            revealed.sort();
            let due: Vec<u32> = epochs.into_iter().filter(|epoch| *epoch < 3).collect();
            assert_eq!(revealed, due);
        });
    }
}
