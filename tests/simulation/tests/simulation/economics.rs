//! The worked example of `docs/economics.md`, on the real runtime.
//!
//! Each line of a fenced `example` block there is a name and a value. This test plays the example
//! and reads the same values off the chain: what the page says is what the chain does, to the unit.

use std::{collections::BTreeMap, path::Path};

use assay_pallet_traits::{Epochs as _, Permits as _, Stakes as _};
use assay_primitives::{
    commit_hash, Artifact, Balance, Benchmark, BlockNumber, CommitPayload, DataType, Digest,
    EpochIndex, Evidence, Generation, Interface, NetUid, RegistrationProofPayload, Scoring,
    TaskSpec, TaskVersion, TensorSpec, Uid, ASY,
};
use assay_runtime::{
    AccountId, Balances, Emission, Epoch, Runtime, RuntimeCall, RuntimeEvent, Stake, Subnets,
    System,
};
use assay_simulation::{
    chain::{self, Move, Outcome},
    people::People,
    scenario::root_account,
    state::State,
    Scenario,
};
use frame_support::{traits::Get, BoundedVec};
use pallet_subnets::RegistrationProof;

/// The subnet that the example follows, and the one that it shares issuance with.
const FIRST: NetUid = NetUid(0);
const SECOND: NetUid = NetUid(1);
const V: Uid = Uid(0);
const W: Uid = Uid(1);
const M: Uid = Uid(2);
const N: Uid = Uid(3);

/// People by what they do: owners of the subnets, of two validators and two miners in the first, of
/// a validator in the second, and a delegator.
const OWNER: usize = 0;
const OTHER_OWNER: usize = 1;
const OF_V: usize = 2;
const OF_W: usize = 3;
const OF_M: usize = 4;
const OF_N: usize = 5;
const OF_X: usize = 6;
const DELEGATOR: usize = 7;

const WORLD: Scenario = Scenario {
    people: 8,
    hotkeys_each: 1,
    endowment: 100_000 * ASY,
    tempo: 100,
    era: 50,
    ..Scenario::SHORT
};

struct Example {
    people: People,
    state: State,
    said: BTreeMap<&'static str, String>,
}

impl Example {
    fn new() -> Self {
        let people = People::new(WORLD.people, WORLD.hotkeys_each);
        let state = State::new(WORLD.genesis(&people));
        Self {
            people,
            state,
            said: BTreeMap::new(),
        }
    }

    fn say(&mut self, name: &'static str, value: impl FnOnce() -> String) {
        let value = self.state.enter(value);
        assert!(
            self.said.insert(name, value).is_none(),
            "{name} is said twice"
        );
    }

    fn amount(&mut self, name: &'static str, value: impl FnOnce() -> Balance) {
        self.say(name, || grouped(value()));
    }

    fn coldkey(&self, person: usize) -> AccountId {
        self.people.person(person).coldkey.clone()
    }

    fn hotkey(&self, person: usize) -> AccountId {
        self.people.person(person).hotkeys[0].account.clone()
    }

    /// Makes a block of these calls, all of which must succeed.
    fn block(&mut self, calls: Vec<(AccountId, RuntimeCall)>) -> Vec<RuntimeEvent> {
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
    fn run_to(&mut self, number: BlockNumber) -> Vec<RuntimeEvent> {
        let mut events = Vec::new();
        while self.state.enter(System::block_number) < number {
            events = self.block(Vec::new());
        }
        events
    }

    fn found(&mut self) {
        self.amount("subnet price, first", Subnets::subnet_price);
        let subnets = [OWNER, OTHER_OWNER].map(|owner| {
            let call = pallet_subnets::Call::register_subnet {
                task: Box::new(task()),
                max_price: 1_000 * ASY,
            };
            (self.coldkey(owner), call.into())
        });
        self.block(subnets.to_vec());
        self.amount("subnet price, third", Subnets::subnet_price);
        let admissions = [FIRST, SECOND].map(|netuid| {
            let call = pallet_subnets::Call::<Runtime>::set_admitted {
                netuid,
                admitted: true,
            };
            let call = Box::new(call.into());
            (root_account(), pallet_sudo::Call::sudo { call }.into())
        });
        let neurons = [
            (FIRST, OF_V),
            (FIRST, OF_W),
            (FIRST, OF_M),
            (FIRST, OF_N),
            (SECOND, OF_X),
        ];
        let now = self.state.enter(System::block_number) + 1;
        let genesis = self.state.enter(|| System::block_hash(0));
        let registrations = neurons.map(|(netuid, person)| {
            let payload = RegistrationProofPayload {
                genesis: genesis.into(),
                netuid,
                generation: Generation(0),
                coldkey: self.coldkey(person).into(),
                expires_at: now + 10,
            };
            let hotkey = &self.people.person(person).hotkeys[0];
            let call = pallet_subnets::Call::register {
                netuid,
                hotkey: hotkey.account.clone(),
                max_price: ASY,
                proof: RegistrationProof {
                    expires_at: payload.expires_at,
                    signature: hotkey.sign(&payload.to_bytes()),
                },
            };
            (self.coldkey(person), call.into())
        });
        let events = self.block([admissions.to_vec(), registrations.to_vec()].concat());
        let prices = events.iter().filter_map(|event| match event {
            RuntimeEvent::Subnets(pallet_subnets::Event::NeuronRegistered {
                netuid: FIRST,
                price,
                ..
            }) => Some(grouped(*price)),
            _ => None,
        });
        let prices: Vec<String> = prices.collect();
        self.say("neuron prices, first to fourth", || prices.join(" "));
        let price = || Subnets::registration_price(FIRST).unwrap();
        self.amount("neuron price, fifth", price);
    }

    fn stake(&mut self) {
        let stakes = [
            (FIRST, OF_V, OF_V, 100),
            (FIRST, DELEGATOR, OF_V, 200),
            (FIRST, OF_W, OF_W, 100),
            (SECOND, OF_X, OF_X, 200),
        ];
        let calls = stakes.map(|(netuid, staker, validator, amount)| {
            let call = pallet_stake::Call::add_stake {
                netuid,
                hotkey: self.hotkey(validator),
                amount: amount * ASY,
            };
            (self.coldkey(staker), call.into())
        });
        self.block(calls.to_vec());
        let state = || Epoch::state(FIRST).unwrap().due_at.to_string();
        self.say("first epoch due", state);
    }

    /// What V and W think of M and N.
    fn opinions() -> [(usize, Vec<u16>, Vec<u16>); 2] {
        [
            (OF_V, vec![M.0, N.0], vec![60, 40]),
            (OF_W, vec![M.0], vec![100]),
        ]
    }

    fn commits(&self, epoch: u32) -> Vec<(AccountId, RuntimeCall)> {
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

    fn reveals(&self, epoch: u32, by: &[usize]) -> Vec<(AccountId, RuntimeCall)> {
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

    /// The first epoch: stake enters, permits are given.
    fn first_epoch(&mut self) {
        self.run_to(101);
        self.amount("issued before any stake was active", || {
            Emission::issued() - pallet_emission::Supplied::<Runtime>::get().genesis
        });
        self.amount("left to issue", || {
            assay_primitives::CAP - Emission::issued()
        });
        self.amount("issued in block 102", Emission::next_issuance);
        self.say("permits", || {
            let held = [V, W, M, N].map(|uid| Epoch::has_permit(FIRST, uid));
            format!("{held:?}")
        });
    }

    /// The second: commits. Nobody has weights in force, so its pot goes back.
    fn second_epoch(&mut self) {
        let commits = self.commits(1);
        self.block(commits);
        let events = self.run_to(201);
        let [due, .., unearned] = payout(&events);
        self.amount("pot of epoch 1", || due);
        self.amount("pot of epoch 1, not earned", || unearned);
    }

    /// The third: reveals, and commits again. The first that pays.
    fn third_epoch(&mut self) {
        let calls = [self.reveals(1, &[OF_V, OF_W]), self.commits(2)].concat();
        self.block(calls);
        self.run_to(300);
        let averages = || {
            let average = |netuid| Emission::subnet(netuid).unwrap().average >> 32;
            format!("{} {}", grouped(average(FIRST)), grouped(average(SECOND)))
        };
        self.say("average stakes at block 300", averages);
        self.say("share of the first subnet", || {
            parts(Emission::subnet(FIRST).unwrap().share)
        });
        let owner = self.coldkey(OWNER);
        let before = self.state.enter(|| Balances::free_balance(&owner));
        let events = self.run_to(301);
        let [due, to_miners, to_owner, to_validators, unearned] = payout(&events);
        let after = self.state.enter(|| Balances::free_balance(&owner));
        assert_eq!(after - before, to_owner);

        self.say_outcome();
        self.amount("pot of epoch 2", || due);
        self.amount("of it the miners'", || to_miners + to_owner);
        self.amount("to the owner", || to_owner);
        self.amount("to the validators", || to_validators);
        self.amount("not earned", || unearned);
        let paid = |uid: Uid| Epoch::outcome(FIRST).emission[usize::from(uid.0)];
        self.amount("to M", || paid(M));
        self.amount("to N", || paid(N));
        self.amount("to V and its stakers", || paid(V));
        self.amount("to W", || paid(W));
        let take =
            events.iter().find_map(|event| match event {
                RuntimeEvent::Stake(pallet_stake::Event::DividendCredited {
                    take, hotkey, ..
                }) if *hotkey == self.hotkey(OF_V) => Some(*take),
                _ => None,
            });
        self.amount("V's take", || take.unwrap());
        let (of_v, delegator) = (self.coldkey(OF_V), self.coldkey(DELEGATOR));
        self.amount("V's own bond", || staked(&of_v));
        self.amount("the delegator's stake", || staked(&delegator));
    }

    fn say_outcome(&mut self) {
        let of = |column: &[u32], uids: &[Uid]| {
            let values = uids.iter().map(|uid| parts(column[usize::from(uid.0)]));
            values.collect::<Vec<_>>().join(" ")
        };
        self.say("active stake of V and W", || {
            of(&Epoch::outcome(FIRST).stake, &[V, W])
        });
        self.say("consensus of M and N", || {
            of(&Epoch::outcome(FIRST).consensus, &[M, N])
        });
        self.say("validator trust of V and W", || {
            of(&Epoch::outcome(FIRST).validator_trust, &[V, W])
        });
        self.say("incentive of M and N", || {
            of(&Epoch::outcome(FIRST).incentive, &[M, N])
        });
        self.say("dividends of V and W", || {
            of(&Epoch::outcome(FIRST).dividends, &[V, W])
        });
        self.say("bonds of V and W", || {
            let row = |uid| {
                let bonds = Epoch::bonds(FIRST, uid).into_iter();
                bonds.map(|(_, bond)| parts(bond)).collect::<Vec<_>>()
            };
            [row(V), row(W)].concat().join(" ")
        });
    }

    /// The fourth: W leaves its commit unrevealed.
    fn fourth_epoch(&mut self) {
        let reveals = self.reveals(2, &[OF_V]);
        self.block(reveals);
        self.run_to(400);
        let [v, w] = [OF_V, OF_W].map(|who| self.hotkey(who));
        self.say("stake of V and W at block 400", || {
            let stake = |who: &AccountId| grouped(Stake::stake(FIRST, who));
            format!("{} {}", stake(&v), stake(&w))
        });
        let events = self.run_to(401);
        let [due, to_miners, to_owner, to_validators, unearned] = payout(&events);
        self.amount("pot of epoch 3", || due);
        self.amount("paid of it", || to_miners + to_owner + to_validators);
        self.amount("not earned of it", || unearned);
    }

    /// The delegator leaves.
    fn leave(&mut self) {
        let call = pallet_stake::Call::remove_stake {
            netuid: FIRST,
            hotkey: self.hotkey(OF_V),
            amount: None,
        };
        let events = self.block(vec![(self.coldkey(DELEGATOR), call.into())]);
        let removed = events.iter().find_map(|event| match event {
            RuntimeEvent::Stake(pallet_stake::Event::StakeRemoved {
                amount,
                withdrawable_at,
                ..
            }) => Some((*amount, *withdrawable_at)),
            _ => None,
        });
        let (amount, withdrawable_at) = removed.unwrap();
        self.amount("removed by the delegator", || amount);
        self.say("withdrawable from block", || withdrawable_at.to_string());
    }
}

/// Due, to miners, owner and validators, and not earned, of the first subnet's epoch.
fn payout(events: &[RuntimeEvent]) -> [Balance; 5] {
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

fn staked(coldkey: &AccountId) -> Balance {
    let positions = Stake::stake_of(coldkey).positions;
    positions.iter().map(|position| position.staked).sum()
}

/// A fraction of `u32::MAX`, as a decimal.
fn parts(share: u32) -> String {
    format!("{:.6}", f64::from(share) / 4_294_967_296.0)
}

/// An amount in its smallest unit, by thousands.
fn grouped(amount: Balance) -> String {
    let digits = amount.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

fn task() -> TaskSpec {
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

/// The lines of the page's `example` blocks.
fn written() -> BTreeMap<String, String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/economics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut lines = BTreeMap::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```example" => inside = true,
            "```" => inside = false,
            line if inside => {
                let (name, value) = line.split_once(" = ").expect("a line is `name = value`");
                let value = value.split(" # ").next().unwrap_or(value);
                let again = lines.insert(name.trim().to_owned(), value.trim().to_owned());
                assert!(again.is_none(), "{name} stands there twice");
            }
            _ => {}
        }
    }
    lines
}

#[test]
fn page_says_what_the_chain_does() {
    let mut example = Example::new();
    example.found();
    example.stake();
    example.first_epoch();
    example.second_epoch();
    example.third_epoch();
    example.fourth_epoch();
    example.leave();
    assert_eq!(example.state.enter(|| Epoch::current(FIRST)), EpochIndex(4));

    let written = written();
    let mut wrong = Vec::new();
    for (name, value) in &example.said {
        if written.get(*name) != Some(value) {
            wrong.push(format!("{name} = {value}"));
        }
    }
    for name in written.keys() {
        if !example.said.contains_key(name.as_str()) {
            wrong.push(format!("{name} is not part of the example"));
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/economics.md should say:\n{}",
        wrong.join("\n")
    );
}
