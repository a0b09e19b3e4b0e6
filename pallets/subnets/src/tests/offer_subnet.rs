use crate::{mock::*, Error, Event, HoldReason, SubnetOffers};
use assay_pallet_traits::{mocks::MockColdkeyChanges, Subnets as _};
use assay_primitives::{Balance, NetUid};
use frame_support::{
    assert_noop, assert_ok,
    traits::fungible::{InspectHold, Mutate},
};
use sp_runtime::DispatchResult;

const NETUID: NetUid = NetUid(0);

fn offer(from: u8, to: Option<u8>) -> DispatchResult {
    Subnets::offer_subnet(
        RuntimeOrigin::signed(coldkey(from)),
        NETUID,
        to.map(coldkey),
    )
}

fn accept(who: u8) -> DispatchResult {
    Subnets::accept_subnet(RuntimeOrigin::signed(coldkey(who)), NETUID)
}

fn held(seed: u8) -> Balance {
    Balances::balance_on_hold(&HoldReason::SubnetLock.into(), &coldkey(seed))
}

#[test]
fn accept_subnet_changes_the_owner_and_who_locks_when_it_was_offered() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        take_events();
        assert_ok!(offer(7, Some(2)));
        assert_eq!(Subnets::owner(NETUID), Some(coldkey(7)));
        assert_ok!(accept(2));
        assert_eq!(Subnets::owner(NETUID), Some(coldkey(2)));
        assert_eq!((held(7), held(2)), (0, 1_000));
        assert_eq!(SubnetOffers::<Test>::get(NETUID), None);
        assert_eq!(
            take_events(),
            [
                Event::SubnetOffered {
                    netuid: NETUID,
                    to: Some(coldkey(2))
                },
                Event::SubnetTransferred {
                    netuid: NETUID,
                    from: coldkey(7),
                    to: coldkey(2)
                }
            ]
        );
    });
}

#[test]
fn accept_subnet_fails_when_it_was_not_offered_or_not_any_more() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(accept(2), Error::<Test>::UnknownSubnet);
        register_subnet();
        assert_noop!(accept(2), Error::<Test>::NotOffered);
        assert_ok!(offer(7, Some(2)));
        assert_noop!(accept(3), Error::<Test>::NotOffered);
        assert_ok!(offer(7, None));
        assert_noop!(accept(2), Error::<Test>::NotOffered);
    });
}

#[test]
fn accept_subnet_fails_when_the_new_owner_cannot_lock() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        assert_ok!(offer(7, Some(2)));
        Balances::set_balance(&coldkey(2), 1_000);
        assert_noop!(accept(2), Error::<Test>::InsufficientBalance);
    });
}

#[test]
fn offer_subnet_fails_when_made_by_another_than_the_owner() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(offer(7, Some(2)), Error::<Test>::UnknownSubnet);
        register_subnet();
        assert_noop!(offer(2, Some(2)), Error::<Test>::NotSubnetOwner);
    });
}

#[test]
fn accept_subnet_fails_when_the_owners_coldkey_is_being_changed_since_the_offer() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        assert_ok!(offer(7, Some(2)));
        MockColdkeyChanges::on_is_changing(|key| *key == coldkey(7));
        assert_noop!(accept(2), Error::<Test>::OwnerChanging);
        assert_noop!(offer(7, Some(3)), Error::<Test>::OwnerChanging);
        MockColdkeyChanges::on_is_changing(|_| false);
        assert_ok!(accept(2));
    });
}
