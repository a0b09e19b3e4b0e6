use crate::{mock::*, Error, Event, PayoutTarget, PayoutTargets};
use assay_pallet_traits::Issuer;
use assay_primitives::NetUid;
use frame_support::{assert_noop, assert_ok};

fn set(coldkey: u8, netuid: u16, hot: u8, target: PayoutTarget) -> sp_runtime::DispatchResult {
    let origin = RuntimeOrigin::signed(account(coldkey));
    Emission::set_payout(origin, NetUid(netuid), hotkey(hot), target)
}

#[test]
fn set_payout_pays_into_the_bond_when_asked_for() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        assert_ok!(set(1, 1, 1, PayoutTarget::OwnBond));
        let (netuid, hotkey) = (NetUid(1), hotkey(1));
        let event = Event::PayoutTargetSet {
            netuid,
            hotkey: hotkey.clone(),
            target: PayoutTarget::OwnBond,
        };
        assert_eq!(events().last(), Some(&event));

        let mut due = take_due_after_blocks(1);
        let (coldkey, holding) = (account(1), holding_account());
        let before = (
            Balances::free_balance(&coldkey),
            Balances::free_balance(&holding),
        );
        assert_ok!(Emission::pay_miner(&mut due, &hotkey, &coldkey, 5_000));
        assert_ok!(Emission::settle(due));
        let after = (
            Balances::free_balance(&coldkey),
            Balances::free_balance(&holding),
        );
        assert_eq!(after, (before.0, before.1 + 5_000));
        assert_eq!(credited(), [(netuid, hotkey, 5_000)]);
    });
}

#[test]
fn set_payout_forgets_the_target_when_set_back_to_the_coldkey() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        assert_ok!(set(1, 1, 1, PayoutTarget::OwnBond));
        assert_ok!(set(1, 1, 1, PayoutTarget::Coldkey));
        assert!(!PayoutTargets::<Test>::contains_key(NetUid(1), hotkey(1)));
    });
}

#[test]
fn set_payout_is_refused_when_the_hotkey_is_not_registered_there() {
    ExtBuilder::default().build_and_execute(|| {
        let refused = set(1, 2, 1, PayoutTarget::OwnBond);
        assert_noop!(refused, Error::<Test>::NotRegistered);
    });
}

#[test]
fn set_payout_is_refused_when_signed_by_another() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(set(2, 1, 1, PayoutTarget::OwnBond), Error::<Test>::NotOwner);
    });
}
