use crate::{mock::*, Event, HyperparametersOf, PendingHyperparameters};
use assay_pallet_traits::Subnets as _;
use assay_primitives::{Hyperparameter, Hyperparameters};
use frame_support::assert_ok;

#[test]
fn begin_epoch_puts_the_patch_in_force_when_there_is_one() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_ok!(Subnets::patch_hyperparameters(
            RuntimeOrigin::root(),
            netuid,
            vec![Hyperparameter::MaxNeurons(2)].try_into().unwrap(),
        ));
        take_events();
        Subnets::begin_epoch(netuid);
        let hyperparameters = Hyperparameters {
            max_neurons: 2,
            ..Hyperparameters::new(TEMPO)
        };
        assert_eq!(
            HyperparametersOf::<Test>::get(netuid),
            Some(hyperparameters)
        );
        assert_eq!(PendingHyperparameters::<Test>::get(netuid), None);
        assert_eq!(
            take_events(),
            [Event::HyperparametersApplied {
                netuid,
                hyperparameters
            }]
        );
    });
}

#[test]
fn begin_epoch_does_nothing_when_nothing_waits() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        take_events();
        Subnets::begin_epoch(netuid);
        assert_eq!(take_events(), []);
        assert_eq!(
            HyperparametersOf::<Test>::get(netuid),
            Some(Hyperparameters::new(TEMPO))
        );
    });
}
