//! What a change of keys does to payouts.

use crate::{mock::*, Claims, Event, PayoutTarget, PayoutTargets};
use assay_pallet_traits::{
    mocks::{MockNeurons, MockSubnets},
    Issuer, KeyHolder,
};
use assay_primitives::{NetUid, Uid};
use frame_support::assert_ok;

#[test]
fn move_hotkey_keeps_how_a_miner_is_paid_when_it_was_chosen() {
    ExtBuilder::default()
        .subnets(&[1, 2])
        .build_and_execute(|| {
            MockSubnets::on_kept(|| vec![NetUid(1), NetUid(2)]);
            let origin = RuntimeOrigin::signed(account(1));
            let target = PayoutTarget::OwnBond;
            assert_ok!(Emission::set_payout(origin, NetUid(1), hotkey(1), target));
            assert_ok!(Emission::move_hotkey(&hotkey(1), &hotkey(9)));
            MockNeurons::on_uid_of(|_, key| (*key == hotkey(9)).then_some(Uid(0)));
            let chosen = |n| PayoutTargets::<Test>::get(NetUid(1), hotkey(n));
            assert_eq!((chosen(1), chosen(9)), (PayoutTarget::Coldkey, target));
            assert_eq!(PayoutTargets::<Test>::iter().count(), 1);
        });
}

#[test]
fn move_coldkey_pays_the_credit_to_the_new_one_when_there_is_any() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let mut due = take_due_after_blocks(1);
        assert_ok!(Emission::pay(&mut due, &account(5), 400));
        assert_ok!(Emission::settle(due));
        let had = Balances::free_balance(account(1));
        assert_eq!(Emission::move_coldkey(&account(5), &account(1), 1), Ok(1));
        assert_eq!(Balances::free_balance(account(1)), had + 400);
        assert_eq!(Claims::<Test>::iter().count(), 0);
        let paid = Event::CreditPaid {
            account: account(1),
            amount: 400,
        };
        assert_eq!(events().last(), Some(&paid));
        assert_eq!(Emission::move_coldkey(&account(5), &account(1), 1), Ok(0));
    });
}
