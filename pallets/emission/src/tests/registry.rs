use crate::{mock::*, Event, Issuance, PayoutTarget, PayoutTargets};
use assay_pallet_traits::{Issuer, NeuronHooks, SubnetHooks};
use assay_primitives::{NetUid, Uid, ASY};
use frame_support::assert_ok;

#[test]
fn on_subnet_registered_keeps_pots_in_order() {
    ExtBuilder::default()
        .subnets(&[3, 1, 2])
        .build_and_execute(|| {
            let netuids: Vec<_> = Issuance::<Test>::get().iter().map(|s| s.netuid.0).collect();
            assert_eq!(netuids, [1, 2, 3]);
        });
}

#[test]
fn on_subnet_registered_lets_nothing_be_inherited_when_the_netuid_is_reused() {
    ExtBuilder::default()
        .subnets(&[1, 2])
        .build_and_execute(|| {
            set_stake(1, ASY);
            run_blocks(3);
            let (issued, amount) = (Emission::issued(), Emission::pot(NetUid(1)));
            assert!(amount > 0);
            Emission::on_subnet_registered(NetUid(1));
            let fresh = Emission::subnet(NetUid(1)).unwrap();
            assert_eq!((fresh.pot, fresh.average, fresh.share), (0, 0, 0));
            assert_eq!(Emission::issued(), issued - amount);
            assert_eq!(
                events().last(),
                Some(&Event::PotReturned {
                    netuid: NetUid(1),
                    amount
                })
            );
        });
}

#[test]
fn on_neuron_replaced_forgets_how_the_old_hotkey_was_paid() {
    ExtBuilder::default().subnets(&[1]).build_and_execute(|| {
        let origin = RuntimeOrigin::signed(account(1));
        assert_ok!(Emission::set_payout(
            origin,
            NetUid(1),
            hotkey(1),
            PayoutTarget::OwnBond
        ));
        Emission::on_neuron_added(NetUid(1), Uid(3));
        Emission::on_neuron_replaced(NetUid(1), Uid(0), &hotkey(1));
        assert!(!PayoutTargets::<Test>::contains_key(NetUid(1), hotkey(1)));
    });
}
