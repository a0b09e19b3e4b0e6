use crate::{mock::*, Error, Event};
use assay_pallet_traits::Subnets as _;
use assay_primitives::NetUid;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn set_admitted_says_whether_miners_are_paid_when_made_by_root() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        take_events();
        for admitted in [true, false] {
            assert_ok!(Subnets::set_admitted(
                RuntimeOrigin::root(),
                netuid,
                admitted
            ));
            assert_eq!(Subnets::is_admitted(netuid), admitted);
            assert_eq!(take_events(), [Event::AdmissionSet { netuid, admitted }]);
        }
    });
}

#[test]
fn set_admitted_fails_when_made_by_the_owner() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_noop!(
            Subnets::set_admitted(RuntimeOrigin::signed(coldkey(7)), netuid, true),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn set_admitted_fails_when_the_subnet_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        assert_noop!(
            Subnets::set_admitted(RuntimeOrigin::root(), NetUid(3), true),
            Error::<Test>::UnknownSubnet
        );
        assert!(!Subnets::is_admitted(NetUid(3)));
    });
}
