use crate::{mock::*, Error, Event, HyperparametersOf, PendingHyperparameters};
use assay_primitives::{
    Balance, BondRule, Hyperparameter, Hyperparameters, NetUid, Ratio16, MIN_TEMPO,
};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;

fn patch(origin: RuntimeOrigin, changes: Vec<Hyperparameter>) -> DispatchResult {
    let changes = changes.try_into().expect("there are few settings");
    Subnets::patch_hyperparameters(origin, NetUid(0), changes)
}

/// The owner of the subnets of these tests.
fn owner() -> RuntimeOrigin {
    RuntimeOrigin::signed(coldkey(7))
}

#[test]
fn patch_hyperparameters_waits_for_the_next_epoch_when_made_by_the_owner() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        take_events();
        let changes = vec![
            Hyperparameter::Tempo(TEMPO),
            Hyperparameter::ImmunityPeriod(7),
            Hyperparameter::ActivityCutoff(Some(9)),
            Hyperparameter::RevealPeriod(2),
            Hyperparameter::AnnounceInterval(3),
            Hyperparameter::RegistrationOpen(false),
        ];
        assert_ok!(patch(owner(), changes.clone()));
        let before = Hyperparameters::new(TEMPO);
        assert_eq!(HyperparametersOf::<Test>::get(netuid), Some(before));
        let after = Hyperparameters {
            immunity_period: 7,
            activity_cutoff: Some(9),
            reveal_period: 2,
            announce_interval: 3,
            registration_open: false,
            ..before
        };
        assert_eq!(PendingHyperparameters::<Test>::get(netuid), Some(after));
        let changes = changes.try_into().unwrap();
        assert_eq!(
            take_events(),
            [Event::HyperparametersPatched { netuid, changes }]
        );
    });
}

#[test]
fn patch_hyperparameters_adds_to_the_pending_patch_when_there_is_one() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        assert_ok!(patch(owner(), vec![Hyperparameter::ImmunityPeriod(7)]));
        assert_ok!(patch(owner(), vec![Hyperparameter::AnnounceInterval(3)]));
        let pending = PendingHyperparameters::<Test>::get(netuid).unwrap();
        assert_eq!(pending.immunity_period, 7);
        assert_eq!(pending.announce_interval, 3);
    });
}

#[test]
fn patch_hyperparameters_changes_everything_when_made_by_root() {
    ExtBuilder::default().build_and_execute(|| {
        let netuid = register_subnet();
        let changes = vec![
            Hyperparameter::Tempo(MIN_TEMPO),
            Hyperparameter::MaxNeurons(2),
            Hyperparameter::MaxValidators(3),
            Hyperparameter::Kappa(Ratio16(4)),
            Hyperparameter::BondsPenalty(Ratio16(5)),
            Hyperparameter::BondsAlpha(Ratio16(6)),
            Hyperparameter::BondRule(BondRule::Classic),
            Hyperparameter::LiquidAlpha(None),
            Hyperparameter::MinersPart(Ratio16(7)),
            Hyperparameter::OwnerCut(Ratio16(8)),
            Hyperparameter::MinStake(9),
            Hyperparameter::PlainWeights(true),
            Hyperparameter::ImmunityPeriod(10),
            Hyperparameter::ActivityCutoff(None),
            Hyperparameter::RevealPeriod(2),
            Hyperparameter::AnnounceInterval(11),
            Hyperparameter::RegistrationOpen(false),
        ];
        assert_eq!(changes.len(), crate::MAX_CHANGES as usize);
        let expected = changes
            .iter()
            .try_fold(Hyperparameters::new(TEMPO), |settings, &change| {
                settings.with(change)
            });
        assert_ok!(patch(RuntimeOrigin::root(), changes));
        assert_eq!(PendingHyperparameters::<Test>::get(netuid), expected.ok());
    });
}

#[test]
fn patch_hyperparameters_fails_when_the_subnet_is_unknown() {
    ExtBuilder::default().build_and_execute(|| {
        for origin in [owner(), RuntimeOrigin::root()] {
            assert_noop!(patch(origin, vec![]), Error::<Test>::UnknownSubnet);
        }
    });
}

#[test]
fn patch_hyperparameters_fails_when_made_by_a_stranger() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        assert_noop!(
            patch(
                RuntimeOrigin::signed(coldkey(1)),
                vec![Hyperparameter::ImmunityPeriod(7)]
            ),
            Error::<Test>::NotSubnetOwner
        );
    });
}

#[test]
fn patch_hyperparameters_fails_when_the_owner_touches_a_setting_of_root() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        for change in [
            Hyperparameter::MaxNeurons(2),
            Hyperparameter::Kappa(Ratio16(4)),
            Hyperparameter::OwnerCut(Ratio16(8)),
            Hyperparameter::MinStake(Balance::MAX),
            Hyperparameter::PlainWeights(true),
        ] {
            assert_noop!(patch(owner(), vec![change]), Error::<Test>::RootOnlySetting);
        }
    });
}

#[test]
fn patch_hyperparameters_fails_when_a_value_is_out_of_bounds() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        let changes = vec![
            Hyperparameter::AnnounceInterval(3),
            Hyperparameter::RevealPeriod(0),
        ];
        for origin in [owner(), RuntimeOrigin::root()] {
            assert_noop!(
                patch(origin, changes.clone()),
                Error::<Test>::SettingOutOfBounds
            );
        }
    });
}

#[test]
fn patch_hyperparameters_fails_when_a_setting_is_repeated() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        let changes = vec![
            Hyperparameter::ImmunityPeriod(1),
            Hyperparameter::AnnounceInterval(3),
            Hyperparameter::ImmunityPeriod(2),
        ];
        assert_noop!(patch(owner(), changes), Error::<Test>::RepeatedSetting);
    });
}

#[test]
fn patch_hyperparameters_fails_when_the_owner_shortens_the_tempo() {
    ExtBuilder::default().build_and_execute(|| {
        register_subnet();
        let changes = vec![Hyperparameter::Tempo(TEMPO - 1)];
        assert_noop!(
            patch(owner(), changes.clone()),
            Error::<Test>::TempoBelowDefault
        );
        assert_ok!(patch(RuntimeOrigin::root(), changes));
        // What root allowed is not the owner's to repeat with other values.
        assert_noop!(
            patch(owner(), vec![Hyperparameter::Tempo(TEMPO - 2)]),
            Error::<Test>::TempoBelowDefault
        );
    });
}
