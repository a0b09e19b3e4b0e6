//! Whatever anybody calls, in whatever order.

use crate::{mock::*, DepartedUnbonding, Departures, PoolsOf, Side, UnbondingOf};
use assay_pallet_traits::{mocks::MockSubnets, KeyHolder, Slash, Stakes, Subnets};
use assay_primitives::{Balance, Generation, NetUid, Ratio16};
use frame_support::traits::{
    fungible::Mutate,
    tokens::Preservation::{Expendable, Preserve},
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Add {
        who: u8,
        at: Place,
        amount: Balance,
    },
    Remove {
        who: u8,
        at: Place,
        amount: Option<Balance>,
    },
    Withdraw {
        who: u8,
        at: Place,
    },
    Move {
        who: u8,
        at: Place,
        to: Place,
        amount: Option<Balance>,
    },
    Arrive {
        who: u8,
        at: Place,
    },
    ChangeColdkey {
        old: u8,
        new: u8,
    },
    SetTake {
        at: Place,
        take: u16,
    },
    Dividend {
        at: Place,
        amount: Balance,
    },
    PayIntoBond {
        at: Place,
        amount: Balance,
    },
    Payout(NetUid),
    Slash {
        at: Place,
        part: u16,
    },
    Donate {
        who: u8,
        amount: Balance,
    },
    ChangeHands(usize),
    End(NetUid),
    Dissolve(NetUid),
    WithdrawDissolved {
        who: u8,
        at: Place,
        generation: u32,
    },
    SlashDissolved {
        at: Place,
        generation: u32,
        part: u16,
    },
    Blocks(u32),
}

#[derive(Clone, Copy, Debug)]
struct Place {
    netuid: NetUid,
    hotkey: u8,
}

/// Who owns hotkeys 1 and 2, before and after they change hands.
const OWNERS: [&[(u8, u8)]; 3] = [&[(1, 1), (2, 2)], &[(1, 3), (2, 2)], &[(1, 2), (2, 1)]];
/// The coldkeys that act: two owners and two that never own anything.
const ACTORS: [u8; 4] = [1, 2, 3, 4];

fn place() -> impl Strategy<Value = Place> {
    (1..=2u16, 1..=2u8).prop_map(|(netuid, hotkey)| Place {
        netuid: NetUid(netuid),
        hotkey,
    })
}

fn amount() -> impl Strategy<Value = Balance> {
    prop_oneof![
        1..10u128,
        MIN_POSITION - 1..MIN_POSITION + 2,
        1..20 * MIN_POSITION,
        1..ENDOWMENT / 5
    ]
}

/// What stakers can do by themselves.
fn call() -> BoxedStrategy<Step> {
    let who = 1..=4u8;
    prop_oneof![
        4 => (who.clone(), place(), amount())
            .prop_map(|(who, at, amount)| Step::Add { who, at, amount }),
        3 => (who.clone(), place(), prop::option::of(amount()))
            .prop_map(|(who, at, amount)| Step::Remove { who, at, amount }),
        2 => (who.clone(), place()).prop_map(|(who, at)| Step::Withdraw { who, at }),
        2 => (who.clone(), place(), place(), prop::option::of(amount()))
            .prop_map(|(who, at, to, amount)| Step::Move { who, at, to, amount }),
        2 => (who.clone(), place()).prop_map(|(who, at)| Step::Arrive { who, at }),
        1 => (place(), 0..40_000u16).prop_map(|(at, take)| Step::SetTake { at, take }),
        1 => (who, amount()).prop_map(|(who, amount)| Step::Donate { who, amount }),
        3 => (1..=2u16).prop_map(|netuid| Step::Payout(NetUid(netuid))),
        2 => (1..2 * ERA_LENGTH).prop_map(Step::Blocks),
    ]
    .boxed()
}

fn dividend_step() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => (place(), amount()).prop_map(|(at, amount)| Step::Dividend { at, amount }),
        1 => (place(), amount()).prop_map(|(at, amount)| Step::PayIntoBond { at, amount }),
    ]
    .boxed()
}

fn slash_step() -> BoxedStrategy<Step> {
    let part = prop_oneof![any::<u16>(), Just(u16::MAX), 0..3_000u16];
    (place(), part)
        .prop_map(|(at, part)| Step::Slash { at, part })
        .boxed()
}

fn any_step() -> BoxedStrategy<Step> {
    let change = (0..OWNERS.len()).prop_map(Step::ChangeHands);
    let coldkey = (1..=4u8, 1..=4u8)
        .prop_filter("a coldkey is changed for another", |(old, new)| old != new)
        .prop_map(|(old, new)| Step::ChangeColdkey { old, new });
    prop_oneof![
        20 => call(),
        6 => dividend_step(),
        2 => slash_step(),
        6 => end_step(),
        2 => change,
        1 => coldkey,
    ]
    .boxed()
}

/// A subnet ends, is dissolved step by step and registered anew, while people go on.
fn end_step() -> BoxedStrategy<Step> {
    let netuid = || (1..=2u16).prop_map(NetUid);
    prop_oneof![
        1 => netuid().prop_map(Step::End),
        4 => netuid().prop_map(Step::Dissolve),
        4 => (1..=4u8, place(), 0..3u32)
            .prop_map(|(who, at, generation)| Step::WithdrawDissolved { who, at, generation }),
        1 => (place(), 0..3u32, any::<u16>())
            .prop_map(|(at, generation, part)| Step::SlashDissolved { at, generation, part }),
    ]
    .boxed()
}

/// What came into and left the world, by way of steps.
#[derive(Clone, Copy, Debug, Default)]
struct Flows {
    minted: Balance,
    burned: Balance,
    donated: [Balance; 5],
}

impl Flows {
    /// Runs a step; what the pallet refuses is refused.
    fn run(&mut self, step: &Step) {
        // No epoch runs in a subnet that has ended, so nothing is paid into it.
        let paid_into = match step {
            Step::Dividend { at, .. } | Step::PayIntoBond { at, .. } => Some(at.netuid),
            Step::Payout(netuid) => Some(*netuid),
            _ => None,
        };
        if paid_into.is_some_and(|netuid| !MockSubnets::exists(netuid)) {
            return;
        }
        let signed = |who: &u8| RuntimeOrigin::signed(account(*who));
        match step {
            Step::Add { who, at, amount } => {
                let _ = Stake::add_stake(signed(who), at.netuid, hotkey(at.hotkey), *amount);
            }
            Step::Remove { who, at, amount } => {
                let _ = Stake::remove_stake(signed(who), at.netuid, hotkey(at.hotkey), *amount);
            }
            Step::Withdraw { who, at } => {
                let _ = Stake::withdraw(signed(who), at.netuid, hotkey(at.hotkey));
            }
            Step::Move {
                who,
                at,
                to,
                amount,
            } => {
                let (from, to_hotkey) = (hotkey(at.hotkey), hotkey(to.hotkey));
                let _ =
                    Stake::move_stake(signed(who), at.netuid, from, to.netuid, to_hotkey, *amount);
            }
            Step::Arrive { who, at } => {
                let anybody = signed(&9);
                let _ = Stake::complete_move(anybody, account(*who), at.netuid, hotkey(at.hotkey));
            }
            Step::ChangeColdkey { old, new } => {
                Stake::move_coldkey(&account(*old), &account(*new), 3).unwrap();
            }
            Step::SetTake { at, take } => {
                let take = Ratio16(*take);
                for who in ACTORS {
                    let _ = Stake::set_take(signed(&who), at.netuid, hotkey(at.hotkey), take);
                }
            }
            Step::Dividend { at, amount } => {
                dividend(at.netuid, at.hotkey, *amount);
                self.minted += amount;
            }
            Step::PayIntoBond { at, amount } => {
                Balances::mint_into(&Stake::holding_account(), *amount).unwrap();
                Stake::credit_own(at.netuid, &hotkey(at.hotkey), *amount).unwrap();
                self.minted += amount;
            }
            Step::Payout(netuid) => Stake::after_payout(*netuid),
            Step::Slash { at, part } => {
                self.burned += Stake::slash(at.netuid, &hotkey(at.hotkey), Ratio16(*part));
            }
            Step::Donate { who, amount } => {
                let holding = Stake::holding_account();
                if Balances::transfer(&account(*who), &holding, *amount, Preserve).is_ok() {
                    self.donated[usize::from(*who)] += amount;
                }
            }
            Step::End(netuid) => end(*netuid),
            Step::Dissolve(netuid) => {
                dissolve_some(*netuid);
            }
            Step::WithdrawDissolved {
                who,
                at,
                generation,
            } => {
                let generation = Generation(*generation);
                let hotkey = hotkey(at.hotkey);
                let _ = Stake::withdraw_dissolved(signed(who), at.netuid, generation, hotkey);
            }
            Step::SlashDissolved {
                at,
                generation,
                part,
            } => {
                let (generation, part) = (Generation(*generation), Ratio16(*part));
                self.burned +=
                    Stake::slash_dissolved(at.netuid, generation, &hotkey(at.hotkey), part);
            }
            Step::ChangeHands(owners) => own_hotkeys(OWNERS[*owners]),
            Step::Blocks(blocks) => advance(*blocks),
        }
    }
}

/// What a coldkey could call its own: balance, stake, and what is on its way.
fn wealth(who: u8) -> Balance {
    let stake = Stake::stake_of(&account(who));
    let staked = stake
        .positions
        .iter()
        .map(|position| position.staked + position.entering);
    let leaving = stake.unbonding.iter().map(|unbonding| unbonding.amount);
    balance(who) + staked.chain(leaving).sum::<Balance>()
}

/// All that the pools count.
fn counted() -> Balance {
    let pools = PoolsOf::<Test>::iter_values().map(|pools| pools.active() + pools.entering());
    let unbonding = UnbondingOf::<Test>::iter_values();
    let unbonding = unbonding
        .chain(DepartedUnbonding::<Test>::iter_values())
        .map(|pools| pools.own.amount + pools.delegated.amount);
    let ready = Departures::<Test>::iter_values().map(|departure| departure.ready);
    pools.chain(unbonding).chain(ready).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every unit is where the books say, after every step; and all together own no more than went
    /// in.
    #[test]
    fn money_is_conserved_to_the_unit(steps in prop::collection::vec(any_step(), 1..80)) {
        ExtBuilder.build_and_execute(|| {
            let start = Balances::total_issuance();
            let mut flows = Flows::default();
            for step in &steps {
                flows.run(step);
                Stake::do_try_state().unwrap_or_else(|error| panic!("{step:?}: {error:?}"));
                let donated: Balance = flows.donated.iter().sum();
                assert_eq!(Balances::total_issuance(), start + flows.minted - flows.burned);
                assert_eq!(
                    Balances::free_balance(Stake::holding_account()),
                    counted() + EXISTENTIAL_DEPOSIT + donated,
                    "{step:?}"
                );
                let all: Balance = ACTORS.map(wealth).iter().sum();
                let most = 4 * ENDOWMENT + flows.minted - flows.burned - donated;
                assert!(all <= most, "{step:?}: {all} > {most}");
            }
        });
    }

    /// Rounding never favours the caller and never costs anybody else: no call leaves its caller
    /// with more than before, or another with less.
    #[test]
    fn no_call_enriches_its_caller_or_costs_another(
        steps in prop::collection::vec(any_step(), 1..80),
    ) {
        ExtBuilder.build_and_execute(|| {
            let mut flows = Flows::default();
            for step in &steps {
                let before = ACTORS.map(wealth);
                flows.run(step);
                let caller = match step {
                    Step::Add { who, .. } | Step::Remove { who, .. } => *who,
                    Step::Withdraw { who, .. } | Step::Donate { who, .. } => *who,
                    Step::Move { who, .. } | Step::Arrive { who, .. } => *who,
                    Step::WithdrawDissolved { who, .. } => *who,
                    _ => continue,
                };
                for (who, before) in ACTORS.into_iter().zip(before) {
                    let has = wealth(who);
                    let fair = if who == caller { has <= before } else { has >= before };
                    assert!(fair, "{step:?}: {who} had {before}, has {has}");
                }
            }
        });
    }

    /// First-staker inflation, donations, dust: whatever the others do to the price before, during
    /// and after, a staker gets back what it put in, but for a millionth and a share.
    #[test]
    fn staker_gets_back_what_it_put_in_whatever_others_do(
        before in prop::collection::vec(prop_oneof![3 => call(), 2 => dividend_step()], 0..30),
        during in prop::collection::vec(prop_oneof![3 => call(), 2 => dividend_step()], 0..30),
        amount in MIN_POSITION..ENDOWMENT / 2,
    ) {
        ExtBuilder.build_and_execute(|| {
            let (victim, at) = (5, Place { netuid: SUBNET, hotkey: 1 });
            let mut flows = Flows::default();
            before.iter().for_each(|step| flows.run(step));
            let origin = RuntimeOrigin::signed(account(victim));
            if Stake::add_stake(origin.clone(), at.netuid, hotkey(at.hotkey), amount).is_err() {
                return;
            }
            during.iter().for_each(|step| flows.run(step));
            let pool = PoolsOf::<Test>::get(at.netuid, hotkey(at.hotkey)).unwrap();
            let active = pool.side(Side::Delegated).active;
            let share = active.amount.checked_div(active.shares).unwrap_or(0) + 1;
            Stake::remove_stake(origin.clone(), at.netuid, hotkey(at.hotkey), None).unwrap();
            advance_past_unbonding();
            Stake::withdraw(origin, at.netuid, hotkey(at.hotkey)).unwrap();
            let lost = ENDOWMENT.saturating_sub(balance(victim));
            assert!(lost <= amount / 1_000_000 + share + 1, "lost {lost} of {amount}");
        });
    }

    /// Two subnets pay in turn, at the same rate. Whoever moves between them after whatever plan
    /// ends with no more than who stays in one.
    #[test]
    fn hopper_earns_no_more_than_who_stays(
        plan in prop::collection::vec((any::<bool>(), 0..4u8), 4..24),
        rate in 1..200u128,
    ) {
        ExtBuilder.build_and_execute(|| {
            let (stayer, hopper, capital) = (3, 4, 100 * MIN_POSITION);
            for who in [stayer, hopper] {
                let gone = ENDOWMENT - capital - EXISTENTIAL_DEPOSIT;
                Balances::transfer(&account(who), &account(9), gone, Expendable).unwrap();
            }
            let subnets = [SUBNET, OTHER_SUBNET];
            for netuid in subnets {
                let owner = RuntimeOrigin::signed(account(1));
                Stake::set_take(owner, netuid, hotkey(1), Ratio16::ZERO).unwrap();
                stake_at_once(netuid, 1, 5, 1_000 * MIN_POSITION);
            }
            let stay = RuntimeOrigin::signed(account(stayer));
            Stake::add_stake(stay, SUBNET, hotkey(1), capital).unwrap();

            for (tick, (to_other, act)) in plan.iter().enumerate() {
                let origin = RuntimeOrigin::signed(account(hopper));
                let target = subnets[usize::from(*to_other)];
                for netuid in subnets {
                    let _ = Stake::withdraw(origin.clone(), netuid, hotkey(1));
                    let _ = Stake::complete_move(origin.clone(), account(hopper), netuid, hotkey(1));
                }
                match act {
                    0 => {}
                    3 => {
                        let to = subnets[usize::from(!*to_other)];
                        let _ = Stake::move_stake(origin, target, hotkey(1), to, hotkey(1), None);
                    }
                    1 => {
                        let _ = Stake::remove_stake(origin, target, hotkey(1), None);
                    }
                    _ => {
                        let free = balance(hopper) - EXISTENTIAL_DEPOSIT;
                        let _ = Stake::add_stake(origin, target, hotkey(1), free);
                    }
                }
                let paying = subnets[tick % 2];
                dividend(paying, 1, Stake::total(paying) * rate / 1_000);
                Stake::after_payout(paying);
                advance(ERA_LENGTH);
            }
            // A last payout of the stayer's subnet where the plan ended on the other's turn to
            // have been paid once more.
            if plan.len() % 2 == 0 {
                dividend(SUBNET, 1, Stake::total(SUBNET) * rate / 1_000);
                Stake::after_payout(SUBNET);
            }
            let (stayed, hopped) = (wealth(stayer), wealth(hopper));
            // Each dividend is rounded, by at most a unit a payout.
            let rounding = 2 * plan.len() as Balance;
            assert!(hopped <= stayed + rounding, "{hopped} > {stayed}");
        });
    }
}

#[test]
fn first_staker_can_not_inflate_the_price_at_a_later_ones_cost() {
    ExtBuilder.build_and_execute(|| {
        // The least possible position, a price raised a thousandfold, a position cut down to the
        // least again; three times over.
        let attacker = RuntimeOrigin::signed(account(1));
        stake_at_once(SUBNET, 1, 1, MIN_POSITION);
        for _ in 0..3 {
            dividend(SUBNET, 1, 1_000 * MIN_POSITION);
            let (staked, ..) = position(SUBNET, 1, 1);
            let cut = Some(staked - MIN_POSITION);
            Stake::remove_stake(attacker.clone(), SUBNET, hotkey(1), cut).unwrap();
            // The owner's pool is its own: whoever delegates finds a pool of its own price.
            stake_at_once(SUBNET, 1, 3, MIN_POSITION);
            assert!(position(SUBNET, 1, 3).0 >= MIN_POSITION);
            let victim = RuntimeOrigin::signed(account(3));
            Stake::remove_stake(victim, SUBNET, hotkey(1), None).unwrap();
        }
    });
}

#[test]
fn dust_left_by_rounding_belongs_to_those_who_stay() {
    ExtBuilder.build_and_execute(|| {
        stake_at_once(SUBNET, 1, 3, MIN_POSITION);
        stake_at_once(SUBNET, 1, 4, 2 * MIN_POSITION);
        dividend(SUBNET, 1, 1_000_001);
        let both = position(SUBNET, 1, 3).0 + position(SUBNET, 1, 4).0;
        let pool = PoolsOf::<Test>::get(SUBNET, hotkey(1))
            .unwrap()
            .delegated
            .active;
        let dust = pool.amount - both;
        assert!(dust <= 1);
        let (left, ..) = position(SUBNET, 1, 3);
        let leaver = RuntimeOrigin::signed(account(3));
        Stake::remove_stake(leaver, SUBNET, hotkey(1), None).unwrap();
        assert_eq!(position(SUBNET, 1, 4).0, pool.amount - left);
    });
}
