use crate::{mock::*, Error, Event};
use assay_primitives::{NetUid, Ratio16};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;

fn set(coldkey: u8, netuid: NetUid, n: u8, take: Ratio16) -> DispatchResult {
    Stake::set_take(
        RuntimeOrigin::signed(account(coldkey)),
        netuid,
        hotkey(n),
        take,
    )
}

fn take() -> Ratio16 {
    Stake::take_of(SUBNET, &hotkey(1))
}

#[test]
fn set_take_holds_at_once_when_lowered() {
    ExtBuilder.build_and_execute(|| {
        assert_eq!(take(), DEFAULT_TAKE);
        assert_ok!(set(1, SUBNET, 1, Ratio16(100)));
        assert_eq!(take(), Ratio16(100));
        assert_eq!(Stake::take_of(OTHER_SUBNET, &hotkey(1)), DEFAULT_TAKE);
        let expected = Event::TakeSet {
            netuid: SUBNET,
            hotkey: hotkey(1),
            take: Ratio16(100),
            from: 1,
        };
        assert_eq!(last_event(), Some(expected));
    });
}

#[test]
fn set_take_holds_after_the_delay_when_raised() {
    ExtBuilder.build_and_execute(|| {
        let higher = Ratio16(DEFAULT_TAKE.0 + MAX_TAKE_RAISE.0);
        assert_ok!(set(1, SUBNET, 1, higher));
        let from = 1 + TAKE_RAISE_DELAY;
        let expected = Event::TakeSet {
            netuid: SUBNET,
            hotkey: hotkey(1),
            take: higher,
            from,
        };
        assert_eq!(last_event(), Some(expected));
        advance(TAKE_RAISE_DELAY - 1);
        assert_eq!(take(), DEFAULT_TAKE);
        advance(1);
        assert_eq!(take(), higher);
    });
}

#[test]
fn set_take_replaces_a_raise_that_still_waits() {
    ExtBuilder.build_and_execute(|| {
        assert_ok!(set(1, SUBNET, 1, Ratio16(DEFAULT_TAKE.0 + 1_000)));
        advance(TAKE_RAISE_DELAY - 1);
        assert_ok!(set(1, SUBNET, 1, Ratio16(DEFAULT_TAKE.0 + 500)));
        advance(TAKE_RAISE_DELAY - 1);
        assert_eq!(take(), DEFAULT_TAKE);
        advance(1);
        assert_eq!(take(), Ratio16(DEFAULT_TAKE.0 + 500));
    });
}

#[test]
fn set_take_is_refused_when_raised_by_too_much() {
    ExtBuilder.build_and_execute(|| {
        let higher = Ratio16(DEFAULT_TAKE.0 + MAX_TAKE_RAISE.0 + 1);
        assert_noop!(set(1, SUBNET, 1, higher), Error::<Test>::TakeRaisedTooFast);
        // A raise that waits is not yet something to raise from.
        assert_ok!(set(1, SUBNET, 1, Ratio16(higher.0 - 1)));
        assert_noop!(set(1, SUBNET, 1, higher), Error::<Test>::TakeRaisedTooFast);
        advance(TAKE_RAISE_DELAY);
        assert_ok!(set(1, SUBNET, 1, higher));
    });
}

#[test]
fn set_take_is_refused_when_above_the_largest() {
    ExtBuilder.build_and_execute(|| {
        let above = Ratio16(MAX_TAKE.0 + 1);
        assert_noop!(set(1, SUBNET, 1, above), Error::<Test>::TakeTooHigh);
    });
}

#[test]
fn set_take_is_refused_when_signed_by_another() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(set(2, SUBNET, 1, Ratio16(1)), Error::<Test>::NotOwner);
    });
}

#[test]
fn set_take_is_refused_when_the_hotkey_has_no_owner() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(set(1, SUBNET, 9, Ratio16(1)), Error::<Test>::UnknownHotkey);
    });
}

#[test]
fn set_take_is_refused_when_the_subnet_is_unknown() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(
            set(1, NetUid(9), 1, Ratio16(1)),
            Error::<Test>::UnknownSubnet
        );
    });
}
