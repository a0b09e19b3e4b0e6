//! What happens to a uid's outcome when its holder changes.

use crate::mock::*;
use assay_pallet_traits::{NeuronHooks, Permits};
use assay_primitives::{Uid, ASY};

#[test]
fn replaced_neuron_leaves_nothing_behind() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        assert!(Epoch::standing(NETUID, Uid(0)) > 0);
        let before = Epoch::outcome(NETUID);
        replace(NETUID, 0);
        let after = Epoch::outcome(NETUID);
        for (before, after) in [
            (&before.stake, &after.stake),
            (&before.validator_trust, &after.validator_trust),
            (&before.dividends, &after.dividends),
        ] {
            assert!(before[0] > 0);
            assert_eq!(after[0], 0);
            assert_eq!(before[1..], after[1..]);
        }
        assert_eq!((after.emission[0], after.active.get(Uid(0))), (0, false));
        assert!(!Epoch::has_permit(NETUID, Uid(0)) && Epoch::has_permit(NETUID, Uid(1)));
        assert_eq!(Epoch::standing(NETUID, Uid(0)), 0);
        assert_eq!(Epoch::earned(NETUID)[0], 0);
        assert_eq!(Epoch::bonds(NETUID, Uid(0)), []);
        assert_eq!(Epoch::bond_count(NETUID), 3);
        replace(NETUID, 2);
        assert_eq!(Epoch::outcome(NETUID).incentive[2], 0);
        assert_eq!(Epoch::standing(NETUID, Uid(2)), 0);
        assert!(Epoch::on_neuron_weight().ref_time() > 0);
    });
}

#[test]
fn replaced_miner_inherits_no_weight_and_no_bond() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        let minted_before = Minted::get(coldkey(NETUID, 2));
        replace(NETUID, 2);
        // The rows in force still name the uid, but were made before it changed hands.
        Pots::insert(NETUID, 1_000 * ASY);
        run_epoch(NETUID);
        assert_eq!(Minted::get(coldkey(NETUID, 2)), minted_before);
        assert_eq!(Epoch::outcome(NETUID).incentive[2], 0);
        assert!(Epoch::bonds(NETUID, Uid(0))
            .iter()
            .all(|(to, _)| *to != Uid(2)));
        assert_eq!(Epoch::bonds(NETUID, Uid(0)).len(), 2);
    });
}

#[test]
fn added_neuron_reads_as_nothing_until_its_first_epoch() {
    execute(|| {
        register_paying(NETUID);
        run_epoch(NETUID);
        add_neuron(NETUID, 500 * ASY);
        let outcome = Epoch::outcome(NETUID);
        assert_eq!((outcome.stake.len(), outcome.stake[5]), (6, 0));
        let earned = Epoch::earned(NETUID);
        assert_eq!((earned.len(), earned[5]), (6, 0));
        assert_eq!(Epoch::permits(NETUID).len(), 6);
        assert_eq!(Epoch::standings(NETUID)[5], 0);
        run_epoch(NETUID);
        assert!(Epoch::has_permit(NETUID, Uid(5)));
    });
}
