//! How the example is played: blocks of calls that must succeed, and values that are read off.

use std::collections::BTreeMap;

use assay_primitives::{
    commit_hash, Artifact, Balance, Benchmark, BlockNumber, CommitPayload, DataType, Digest,
    EpochIndex, Evidence, Generation, Interface, Scoring, TaskSpec, TaskVersion, TensorSpec, ASY,
};
use assay_runtime::{AccountId, Runtime, RuntimeCall, RuntimeEvent, Stake, System};
use assay_simulation::{
    chain::{self, Move, Outcome},
    people::People,
    state::State,
    Scenario,
};
use frame_support::{traits::Get, BoundedVec};

use super::{page::grouped, FIRST, M, N, OF_V, OF_W};

const WORLD: Scenario = Scenario {
    people: 8,
    hotkeys_each: 1,
    endowment: 100_000 * ASY,
    tempo: 100,
    era: 50,
    ..Scenario::SHORT
};

/// The example as far as it was played.
pub struct Example {
    pub people: People,
    pub state: State,
    pub said: BTreeMap<&'static str, String>,
}

impl Example {
    /// A chain at its genesis.
    pub fn new() -> Self {
        let people = People::new(WORLD.people, WORLD.hotkeys_each);
        let state = State::new(WORLD.genesis(&people));
        Self {
            people,
            state,
            said: BTreeMap::new(),
        }
    }

    /// Reads a value off the chain.
    pub fn say(&mut self, name: &'static str, value: impl FnOnce() -> String) {
        let value = self.state.enter(value);
        assert!(
            self.said.insert(name, value).is_none(),
            "{name} is said twice"
        );
    }

    /// Reads an amount off the chain.
    pub fn amount(&mut self, name: &'static str, value: impl FnOnce() -> Balance) {
        self.say(name, || grouped(value()));
    }

    /// A person's coldkey.
    pub fn coldkey(&self, person: usize) -> AccountId {
        self.people.person(person).coldkey.clone()
    }

    /// A person's hotkey.
    pub fn hotkey(&self, person: usize) -> AccountId {
        self.people.person(person).hotkeys[0].account.clone()
    }

    /// Makes a block of these calls, all of which must succeed.
    pub fn block(&mut self, calls: Vec<(AccountId, RuntimeCall)>) -> Vec<RuntimeEvent> {
        let events = self.state.enter(|| {
            chain::open_block();
            for (signer, call) in calls {
                let call = Box::new(call);
                assert_eq!(chain::apply(Move::Signed { signer, call }), Outcome::Done);
            }
            chain::close_block();
            System::read_events_no_consensus()
                .map(|record| record.event)
                .collect()
        });
        self.state.commit();
        events
    }

    /// Makes empty blocks up to this one and returns its events.
    pub fn run_to(&mut self, number: BlockNumber) -> Vec<RuntimeEvent> {
        let mut events = Vec::new();
        while self.state.enter(System::block_number) < number {
            events = self.block(Vec::new());
        }
        events
    }

    /// What V and W think of M and N.
    fn opinions() -> [(usize, Vec<u16>, Vec<u16>); 2] {
        [
            (OF_V, vec![M.0, N.0], vec![60, 40]),
            (OF_W, vec![M.0], vec![100]),
        ]
    }

    /// The commits of V and W in an epoch.
    pub fn commits(&self, epoch: u32) -> Vec<(AccountId, RuntimeCall)> {
        let epoch = EpochIndex(epoch);
        let commit = |(who, targets, values): (usize, Vec<u16>, Vec<u16>)| {
            let hotkey = self.hotkey(who);
            let hash = commit_hash(&CommitPayload {
                hotkey: hotkey.clone().into(),
                netuid: FIRST,
                generation: Generation(0),
                epoch,
                task_version: TaskVersion(0),
                targets: &targets,
                values: &values,
                salt: [7; 32],
                evidence: Evidence::none(),
            });
            let call = pallet_weights::Call::<Runtime>::commit_weights {
                netuid: FIRST,
                epoch,
                hash,
                next_seed: Digest([0; 32]),
            };
            (hotkey, call.into())
        };
        Self::opinions().map(commit).to_vec()
    }

    /// The reveals, by these people, of what was committed in an epoch.
    pub fn reveals(&self, epoch: u32, by: &[usize]) -> Vec<(AccountId, RuntimeCall)> {
        let reveal = |(who, targets, values): (usize, Vec<u16>, Vec<u16>)| {
            let call = pallet_weights::Call::<Runtime>::reveal_weights {
                netuid: FIRST,
                epoch: EpochIndex(epoch),
                targets: BoundedVec::truncate_from(targets),
                values: BoundedVec::truncate_from(values),
                salt: [7; 32],
                task_version: TaskVersion(0),
                evidence: Evidence::none(),
            };
            (self.hotkey(who), call.into())
        };
        let opinions = Self::opinions().into_iter();
        opinions
            .filter(|(who, ..)| by.contains(who))
            .map(reveal)
            .collect()
    }
}

/// Due, to miners, owner and validators, and not earned, of the first subnet's epoch.
pub fn payout(events: &[RuntimeEvent]) -> [Balance; 5] {
    let mut payout = [0; 5];
    for event in events {
        match event {
            RuntimeEvent::Epoch(pallet_epoch::Event::EpochRan {
                netuid: FIRST,
                due,
                to_miners,
                to_owner,
                to_validators,
                ..
            }) => {
                payout[..4].copy_from_slice(&[*due, *to_miners, *to_owner, *to_validators]);
            }
            RuntimeEvent::Emission(pallet_emission::Event::Settled {
                netuid: FIRST,
                unearned,
                ..
            }) => payout[4] = *unearned,
            _ => {}
        }
    }
    payout
}

/// What a coldkey's positions are worth.
pub fn staked(coldkey: &AccountId) -> Balance {
    let positions = Stake::stake_of(coldkey).positions;
    positions.iter().map(|position| position.staked).sum()
}

/// What the subnets ask of their miners.
pub fn task() -> TaskSpec {
    fn text<Bound: Get<u32>>(text: &str) -> BoundedVec<u8, Bound> {
        BoundedVec::truncate_from(text.as_bytes().to_vec())
    }
    let tensor = |name| TensorSpec {
        name: text(name),
        datatype: DataType::Fp32,
        shape: vec![-1].try_into().unwrap(),
    };
    TaskSpec {
        name: text("example"),
        interface: Interface {
            inputs: vec![tensor("X")].try_into().unwrap(),
            outputs: vec![tensor("y")].try_into().unwrap(),
        },
        scoring: Scoring::Classification { classes: 2 },
        benchmark: Benchmark::Set(Artifact {
            sha256: Digest([1; 32]),
            size: 1,
            uri: text("file:benchmark.csv"),
        }),
        reference_model: None,
        deadline_ms: 500,
        max_batch: 32,
    }
}
