//! Announcing, disputing, deciding, taking over and dropping a change of coldkey.

use crate::{mock::*, Changes, Error, Event, MAX_MOVED};
use assay_primitives::{Balance, ColdkeyChangeStage as Stage};
use frame_support::{
    assert_noop, assert_ok,
    traits::{
        fungible::{Inspect, Mutate},
        tokens::{
            Fortitude::Polite,
            Preservation::{Expendable, Preserve},
        },
    },
};
use sp_runtime::{DispatchError, DispatchResultWithInfo, TokenError};

fn announce() {
    assert_ok!(Keys::announce_coldkey_change(signed(0), coldkey(1)));
}

fn take_over(limit: u32) -> DispatchResultWithInfo<frame_support::dispatch::PostDispatchInfo> {
    Keys::take_over_coldkey(signed(1), coldkey(0), limit)
}

fn stage() -> Option<Stage> {
    Keys::coldkey_change(&coldkey(0)).map(|change| change.stage)
}

fn spendable(n: u8) -> Balance {
    Balances::reducible_balance(&coldkey(n), Expendable, Polite)
}

#[test]
fn announce_freezes_the_coldkey_when_it_pays() {
    ExtBuilder::build_and_execute(|| {
        announce();
        assert_eq!(balance(0), ENDOWMENT - CHANGE_PRICE);
        assert_eq!(spendable(0), 0);
        let change = Keys::coldkey_change(&coldkey(0)).unwrap();
        assert_eq!((change.ready_at, change.expires_at), (101, 301));
        assert_eq!((change.new, change.stage), (coldkey(1), Stage::Announced));
        assert_eq!(
            events(),
            [Event::ColdkeyChangeAnnounced {
                old: coldkey(0),
                new: coldkey(1),
                ready_at: 101,
                expires_at: 301,
                price: CHANGE_PRICE,
            }]
        );
    });
}

#[test]
fn money_can_not_leave_when_a_change_is_announced() {
    ExtBuilder::build_and_execute(|| {
        announce();
        // What comes in later is frozen, too.
        assert_ok!(Balances::transfer_keep_alive(signed(2), coldkey(0), 5_000));
        assert_noop!(
            Balances::transfer_allow_death(signed(0), coldkey(2), 1),
            TokenError::Frozen
        );
        assert_noop!(
            <Balances as Mutate<_>>::transfer(&coldkey(0), &coldkey(2), 1, Preserve),
            TokenError::Frozen
        );
        // Nothing to move: that is no error, and nothing moves.
        let _ = Balances::transfer_all(signed(0), coldkey(2), false);
        let _ = Balances::burn(signed(0), 1, false);
        assert_eq!(balance(0), ENDOWMENT - CHANGE_PRICE + 5_000);
    });
}

#[test]
fn announce_is_refused_when_it_makes_no_sense() {
    ExtBuilder::build_and_execute(|| {
        assert_noop!(
            Keys::announce_coldkey_change(signed(0), coldkey(0)),
            Error::<Test>::SameColdkey
        );
        assert_noop!(
            Keys::announce_coldkey_change(signed(9), coldkey(0)),
            Error::<Test>::InsufficientBalance
        );
        announce();
        assert_noop!(
            Keys::announce_coldkey_change(signed(0), coldkey(2)),
            Error::<Test>::AlreadyChanging
        );
        assert_noop!(
            Keys::announce_coldkey_change(signed(2), coldkey(0)),
            Error::<Test>::NewColdkeyChanging
        );
    });
}

#[test]
fn take_over_moves_everything_and_frees_the_old_coldkey_when_the_delay_is_over() {
    ExtBuilder::build_and_execute(|| {
        own_things(3);
        announce();
        run_to(1 + DELAY);
        assert_ok!(take_over(10));
        assert_eq!((things_left(), stage()), (0, None));
        let amount = ENDOWMENT - CHANGE_PRICE;
        assert_eq!((balance(0), balance(1)), (0, ENDOWMENT + amount));
        assert_eq!(
            events().last(),
            Some(&Event::ColdkeyChanged {
                old: coldkey(0),
                new: coldkey(1),
                amount,
            })
        );
        // The old account is an ordinary one again.
        assert_ok!(Balances::transfer_keep_alive(signed(2), coldkey(0), 5_000));
        assert_eq!(spendable(0), 5_000);
    });
}

#[test]
fn take_over_goes_on_in_steps_when_there_is_more_than_a_call_moves() {
    ExtBuilder::build_and_execute(|| {
        own_things(MAX_MOVED + 3);
        announce();
        run_to(DELAY + WINDOW);
        // No call moves more than the most, and each says what it moved.
        let info = take_over(u32::MAX).unwrap();
        assert_eq!(info.actual_weight, Some(Keys::take_over_weight(MAX_MOVED)),);
        assert_eq!((things_left(), stage()), (3, Some(Stage::Moving)));
        assert_eq!(spendable(0), 0);
        // Once begun it neither expires nor can be disputed.
        run_to(DELAY + 2 * WINDOW);
        assert_noop!(
            Keys::dispute_coldkey_change(signed(0)),
            Error::<Test>::TooLateToDispute
        );
        assert_noop!(
            Keys::drop_coldkey_change(signed(2), coldkey(0)),
            Error::<Test>::NotExpired
        );
        assert_ok!(take_over(3));
        assert_eq!((things_left(), stage()), (0, Some(Stage::Moving)));
        assert_ok!(take_over(1));
        assert_eq!(stage(), None);
        assert_eq!(balance(0), 0);
    });
}

#[test]
fn take_over_is_refused_when_it_is_not_the_new_coldkeys_turn() {
    ExtBuilder::build_and_execute(|| {
        assert_noop!(take_over(1), Error::<Test>::NotChanging);
        announce();
        assert_noop!(take_over(0), Error::<Test>::ZeroLimit);
        assert_noop!(
            Keys::take_over_coldkey(signed(2), coldkey(0), 1),
            Error::<Test>::NotNewColdkey
        );
        run_to(DELAY);
        assert_noop!(take_over(1), Error::<Test>::TooEarly);
        run_to(1 + DELAY + WINDOW);
        assert_noop!(take_over(1), Error::<Test>::Expired);
    });
}

#[test]
fn take_over_is_refused_when_the_new_coldkey_is_changing_or_dead() {
    ExtBuilder::build_and_execute(|| {
        announce();
        assert_ok!(Keys::announce_coldkey_change(signed(1), coldkey(2)));
        assert_ok!(Keys::announce_coldkey_change(signed(3), coldkey(9)));
        run_to(1 + DELAY);
        assert_noop!(take_over(1), Error::<Test>::NewColdkeyChanging);
        assert_noop!(
            Keys::take_over_coldkey(signed(9), coldkey(3), 1),
            Error::<Test>::NewColdkeyDead
        );
    });
}

#[test]
fn take_over_leaves_nothing_behind_when_a_holder_refuses() {
    ExtBuilder::build_and_execute(|| {
        announce();
        run_to(1 + DELAY);
        refuse_to_move();
        assert_noop!(take_over(1), DispatchError::Other("refused"));
    });
}

#[test]
fn dispute_stops_everything_until_root_decides() {
    ExtBuilder::build_and_execute(|| {
        announce();
        assert!(Keys::may_dispute(&coldkey(0)) && !Keys::may_dispute(&coldkey(1)));
        assert_ok!(Keys::dispute_coldkey_change(signed(0)));
        assert!(!Keys::may_dispute(&coldkey(0)));
        let disputed = Event::ColdkeyChangeDisputed { old: coldkey(0) };
        assert_eq!(events().last(), Some(&disputed));
        assert_noop!(
            Keys::dispute_coldkey_change(signed(0)),
            Error::<Test>::TooLateToDispute
        );
        // However long it takes.
        for block in [DELAY + 1, 10 * WINDOW] {
            run_to(block);
            assert_noop!(take_over(1), Error::<Test>::Disputed);
            assert_noop!(
                Keys::drop_coldkey_change(signed(2), coldkey(0)),
                Error::<Test>::Disputed
            );
            assert_eq!(spendable(0), 0);
        }
    });
}

#[test]
fn decide_lets_the_new_coldkey_take_over_when_the_change_is_upheld() {
    ExtBuilder::build_and_execute(|| {
        announce();
        assert_ok!(Keys::dispute_coldkey_change(signed(0)));
        run_to(10 * WINDOW);
        assert_ok!(Keys::decide_coldkey_change(
            RuntimeOrigin::root(),
            coldkey(0),
            true
        ));
        assert_eq!(
            events().last(),
            Some(&Event::ColdkeyChangeUpheld {
                old: coldkey(0),
                expires_at: 11 * WINDOW,
            })
        );
        assert_noop!(
            Keys::dispute_coldkey_change(signed(0)),
            Error::<Test>::TooLateToDispute
        );
        assert_ok!(take_over(1));
        assert_eq!(balance(0), 0);
    });
}

#[test]
fn decide_frees_the_old_coldkey_when_the_change_is_rejected() {
    ExtBuilder::build_and_execute(|| {
        announce();
        assert_ok!(Keys::dispute_coldkey_change(signed(0)));
        assert_ok!(Keys::decide_coldkey_change(
            RuntimeOrigin::root(),
            coldkey(0),
            false
        ));
        let rejected = Event::ColdkeyChangeRejected { old: coldkey(0) };
        assert_eq!(events().last(), Some(&rejected));
        assert_eq!(Changes::<Test>::iter().count(), 0);
        assert_eq!(spendable(0), ENDOWMENT - CHANGE_PRICE);
        run_to(1 + DELAY);
        assert_noop!(take_over(1), Error::<Test>::NotChanging);
    });
}

#[test]
fn decide_is_refused_when_nothing_is_disputed_or_it_is_not_root() {
    ExtBuilder::build_and_execute(|| {
        let decide = |origin| Keys::decide_coldkey_change(origin, coldkey(0), true);
        assert_noop!(decide(RuntimeOrigin::root()), Error::<Test>::NotChanging);
        announce();
        assert_noop!(decide(RuntimeOrigin::root()), Error::<Test>::NotDisputed);
        assert_ok!(Keys::dispute_coldkey_change(signed(0)));
        assert_noop!(decide(signed(0)), DispatchError::BadOrigin);
        assert_noop!(decide(signed(1)), DispatchError::BadOrigin);
    });
}

#[test]
fn dispute_is_refused_when_nothing_was_announced() {
    ExtBuilder::build_and_execute(|| {
        assert_noop!(
            Keys::dispute_coldkey_change(signed(0)),
            Error::<Test>::NotChanging
        );
    });
}

#[test]
fn drop_frees_the_old_coldkey_when_the_new_one_never_came() {
    ExtBuilder::build_and_execute(|| {
        let drop = || Keys::drop_coldkey_change(signed(2), coldkey(0));
        assert_noop!(drop(), Error::<Test>::NotChanging);
        announce();
        run_to(DELAY + WINDOW);
        assert_noop!(drop(), Error::<Test>::NotExpired);
        run_to(1 + DELAY + WINDOW);
        assert_ok!(drop());
        let dropped = Event::ColdkeyChangeDropped { old: coldkey(0) };
        assert_eq!(events().last(), Some(&dropped));
        assert_eq!(spendable(0), ENDOWMENT - CHANGE_PRICE);
    });
}
