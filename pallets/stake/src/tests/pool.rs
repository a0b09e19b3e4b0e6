//! Properties of one pool, whatever is done to it.

use crate::{
    pool::{LEAST_SHARES, MAX_SHARES_PER_UNIT},
    Series, SharePool, Shares,
};
use assay_primitives::{Balance, Ratio16, CAP};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Deposit(usize, Balance),
    Redeem(usize, Balance),
    RedeemAll(usize),
    Grow(Balance),
    Slash(u16),
}

fn amount() -> impl Strategy<Value = Balance> {
    prop_oneof![1..100u128, 1..1_000_000_000u128, 1..=CAP / 100]
}

fn step(slashes: bool) -> BoxedStrategy<Step> {
    let who = 0..4usize;
    let peaceful = prop_oneof![
        (who.clone(), amount()).prop_map(|(who, amount)| Step::Deposit(who, amount)),
        (who.clone(), amount()).prop_map(|(who, amount)| Step::Redeem(who, amount)),
        who.prop_map(Step::RedeemAll),
        amount().prop_map(Step::Grow),
    ];
    if slashes {
        let part = prop_oneof![any::<u16>(), 65_500..=65_535u16];
        prop_oneof![4 => peaceful, 1 => part.prop_map(Step::Slash)].boxed()
    } else {
        peaceful.boxed()
    }
}

/// A pool, who holds its shares, and what each put in and took out.
#[derive(Default)]
struct World {
    pool: SharePool,
    held: [Shares; 4],
    put_in: [Balance; 4],
    taken_out: [Balance; 4],
    last_series: u64,
}

impl World {
    fn run(&mut self, step: Step) {
        match step {
            Step::Deposit(who, amount) => {
                let last = &mut self.last_series;
                let start = || {
                    *last += 1;
                    Series(*last)
                };
                let bought = self
                    .pool
                    .deposit(amount, start)
                    .expect("amounts below the cap fit");
                self.held[who].add(bought);
                self.put_in[who] += amount;
            }
            Step::Redeem(who, amount) => {
                let value = self.pool.value(self.held[who]);
                let out = self.pool.redeem(&mut self.held[who], amount);
                assert!(out >= amount.min(value));
                self.taken_out[who] += out;
            }
            Step::RedeemAll(who) => {
                let held = self.held[who].take();
                let value = self.pool.value(held);
                assert_eq!(self.pool.redeem_all(held), value);
                self.taken_out[who] += value;
            }
            Step::Grow(amount) => {
                let was_empty = self.pool.is_empty();
                assert_eq!(self.pool.grow(amount), !was_empty);
            }
            Step::Slash(part) => {
                let before = self.pool.amount;
                let taken = self.pool.slash(Ratio16(part));
                assert!(taken >= Ratio16(part).of(before));
                assert_eq!(self.pool.amount, before - taken);
            }
        }
    }

    /// What each has got and could get, less what it put in.
    fn balances(&self) -> [i128; 4] {
        core::array::from_fn(|who| {
            let out = self.taken_out[who] + self.pool.value(self.held[who]);
            out as i128 - self.put_in[who] as i128
        })
    }

    fn check(&self) {
        let pool = &self.pool;
        assert_eq!(pool.amount == 0, pool.shares == 0);
        assert!(pool.shares <= pool.amount * MAX_SHARES_PER_UNIT);
        let live = self.held.iter().filter(|held| held.series == pool.series);
        assert_eq!(live.map(|held| held.count).sum::<u128>(), pool.shares);
        let values = self.held.iter().map(|held| pool.value(*held));
        assert!(values.sum::<Balance>() <= pool.amount);
    }
}

/// The price of a share times 2^40, rounded down; `None` of an empty pool. Amounts are below 2^66.
fn price(pool: &SharePool) -> Option<u128> {
    sp_runtime::helpers_128bit::multiply_by_rational_with_rounding(
        pool.amount,
        1 << 40,
        pool.shares,
        sp_runtime::Rounding::Down,
    )
}

proptest! {
    #[test]
    fn every_share_is_held_and_worth_what_the_pool_has(
        steps in prop::collection::vec(step(true), 1..60),
    ) {
        let mut world = World::default();
        for step in steps {
            world.run(step);
            world.check();
        }
    }

    #[test]
    fn price_never_falls_without_a_slash(steps in prop::collection::vec(step(false), 1..60)) {
        let mut world = World::default();
        for step in steps {
            let (before, series) = (price(&world.pool), world.pool.series);
            world.run(step);
            if world.pool.series == series {
                prop_assert!(price(&world.pool) >= before);
            }
        }
    }

    #[test]
    fn nobody_gains_by_own_steps_or_loses_by_others(
        steps in prop::collection::vec(step(true), 1..60),
    ) {
        let mut world = World::default();
        for step in steps {
            let before = world.balances();
            let caller = match step {
                Step::Deposit(who, _) | Step::Redeem(who, _) | Step::RedeemAll(who) => Some(who),
                Step::Grow(_) | Step::Slash(_) => None,
            };
            world.run(step);
            let after = world.balances();
            if let Some(caller) = caller {
                for who in 0..4 {
                    if who == caller {
                        prop_assert!(after[who] <= before[who]);
                    } else {
                        prop_assert!(after[who] >= before[who]);
                    }
                }
            }
        }
    }

    #[test]
    fn last_to_leave_takes_all_that_is_left(steps in prop::collection::vec(step(true), 1..60)) {
        let mut world = World::default();
        for step in steps {
            world.run(step);
        }
        for who in 0..4 {
            world.run(Step::RedeemAll(who));
        }
        prop_assert_eq!(world.pool, SharePool::default());
    }

    #[test]
    fn deposit_of_enough_shares_loses_at_most_a_millionth(
        steps in prop::collection::vec(step(true), 0..60),
        amount in amount(),
    ) {
        let mut world = World::default();
        for step in steps {
            world.run(step);
        }
        if world.pool.shares_for(amount).is_some_and(|shares| shares >= LEAST_SHARES) {
            let mut pool = world.pool;
            let bought = pool.deposit(amount, || Series(u64::MAX)).unwrap();
            prop_assert!(pool.value(bought) + amount / 1_000_000 + 1 >= amount);
        }
    }
}

#[test]
fn deposit_changes_nothing_when_amounts_overflow() {
    let mut pool = SharePool::default();
    assert_eq!(pool.deposit(u128::MAX, || Series(1)), None);
    assert_eq!(pool, SharePool::default());
    let bought = pool.deposit(5, || Series(1)).unwrap();
    assert_eq!(pool.deposit(u128::MAX - 1, || Series(2)), None);
    assert_eq!(pool.value(bought), 5);
}

#[test]
fn shares_of_an_older_series_are_worth_nothing() {
    let mut pool = SharePool::default();
    let mut old = pool.deposit(5, || Series(1)).unwrap();
    assert_eq!(pool.slash(Ratio16::ONE), 5);
    let new = pool.deposit(7, || Series(2)).unwrap();
    assert_eq!((pool.value(old), pool.value(new)), (0, 7));
    assert_eq!(pool.redeem(&mut old, 3), 0);
    assert_eq!(pool.redeem_all(old), 0);
    let mut both = old;
    both.add(new);
    assert_eq!(both, new);
}

#[test]
fn redeem_gives_all_that_is_left_when_the_amount_costs_the_last_share() {
    // One share that is worth ten.
    let mut pool = SharePool {
        amount: 10,
        shares: 1,
        series: Series(1),
    };
    let mut held = Shares {
        count: 1,
        series: Series(1),
    };
    assert_eq!(pool.redeem(&mut held, 4), 10);
    assert!(pool.is_empty() && held.is_empty());
}

#[test]
fn forgo_keeps_an_owner_for_the_money() {
    let mut pool = SharePool {
        amount: 10,
        shares: 3,
        series: Series(1),
    };
    pool.forgo(2);
    assert_eq!(pool.shares, 1);
    pool.forgo(1);
    assert_eq!(pool.shares, 1);
}
