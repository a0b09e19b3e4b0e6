//! The worked example of `docs/economics.md`, on the real runtime.
//!
//! Each line of a fenced `example` block there is a name and a value. This test plays the example
//! and reads the same values off the chain: what the page says is what the chain does, to the unit.

mod page;
mod play;

use assay_pallet_traits::{Epochs as _, Permits as _, Stakes as _};
use assay_primitives::{EpochIndex, Generation, NetUid, RegistrationProofPayload, Uid, ASY};
use assay_runtime::{
    AccountId, Balances, Emission, Epoch, Runtime, RuntimeEvent, Stake, Subnets, System,
};
use assay_simulation::scenario::root_account;
use pallet_subnets::RegistrationProof;

use page::{grouped, parts, written};
use play::{payout, staked, task, Example};

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

impl Example {
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
