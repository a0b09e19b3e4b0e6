//! What epochs cost, and whether they cost what is declared.

use crate::{
    cost::{NEURONS, VALIDATORS},
    types::{Amounts, Shares},
    *,
};
use alloc::{format, vec, vec::Vec};
use assay_pallet_traits::{BenchmarkHelper as _, NeuronHooks, SubnetHooks};
use assay_primitives::{EpochIndex, NetUid, Uid, ASY, MAX_NEURONS, MAX_VALIDATORS};
use frame_benchmarking::v2::*;
use frame_support::{traits::Get, BoundedVec};

/// The block in which epochs run: long enough after genesis for all to be past their first.
const NOW: u32 = 1_000;
/// Neurons that can be measured.
const MAX: u32 = MAX_NEURONS as u32;
/// Validators that can be measured: as many as there can be permits.
const MAX_PERMITS: u32 = MAX_VALIDATORS as u32;

/// Neurons besides the validator: who leaves a commit unrevealed counts as absent.
const MAX_COMMITTERS: u32 = NEURONS - 1;

/// A subnet whose second epoch is due.
///
/// Everybody is paid, into its own bond, which is dearer than into an account, because the first
/// validator has weights on all others and most of the stake. Each validator has stake, a permit, a
/// row of weights in force and one of as many bonds: `weights`, but for the first.
struct Scene {
    neurons: u32,
    validators: u32,
    committers: u32,
    weights: u32,
}

impl Scene {
    fn build<T: Config>(&self) -> NetUid {
        let [neurons, validators, committers, weights] =
            [self.neurons, self.validators, self.committers, self.weights]
                .map(|count| count as u16);
        frame_system::Pallet::<T>::set_block_number(NOW.into());
        let netuid = T::BenchmarkHelper::subnet(neurons);
        T::BenchmarkHelper::stake(netuid, validators);
        T::BenchmarkHelper::permit(netuid, validators);
        let mut rows = vec![weights; validators.into()];
        if let Some(first) = rows.first_mut() {
            *first = neurons - 1;
        }
        T::BenchmarkHelper::weigh(netuid, &rows);
        T::BenchmarkHelper::commit(netuid, committers, 1);
        T::BenchmarkHelper::pay_into_bonds(netuid);
        T::BenchmarkHelper::fund(netuid, 100_000 * ASY);
        States::<T>::insert(
            netuid,
            EpochState {
                epoch: EpochIndex(1),
                due_at: NOW,
                last_ran_at: NOW / 2,
            },
        );
        columns::<T>(netuid, neurons);
        for (validator, targets) in (0..).map(Uid).zip(&rows) {
            let row = BondRow {
                values: BoundedVec::truncate_from(vec![u32::MAX / 2; usize::from(*targets)]),
                targets: BoundedVec::truncate_from((neurons - targets..neurons).collect()),
            };
            Bonds::<T>::insert(netuid, validator, row);
        }
        BondCounts::<T>::insert(netuid, rows.iter().map(|row| u32::from(*row)).sum::<u32>());
        netuid
    }
}

/// What an epoch leaves behind for so many neurons.
fn columns<T: Config>(netuid: NetUid, neurons: u16) {
    let shares = || Shares::truncate_from(vec![1 << 20; usize::from(neurons)]);
    let amounts = || Amounts::truncate_from(vec![ASY; usize::from(neurons)]);
    Outcomes::<T>::insert(
        netuid,
        Columns {
            stake: shares(),
            consensus: shares(),
            trust: shares(),
            validator_trust: shares(),
            incentive: shares(),
            dividends: shares(),
            emission: amounts(),
            active: Bits::from_bools(&vec![true; usize::from(neurons)]),
        },
    );
    StandingsOf::<T>::insert(netuid, shares());
    Earned::<T>::insert(netuid, amounts());
}

fn run<T: Config>(netuid: NetUid) {
    Pallet::<T>::run_epoch(netuid, NOW, true);
}

/// The epoch ran, and did not fail.
fn assert_ran<T: Config>(netuid: NetUid) {
    let state = States::<T>::get(netuid).expect("the subnet is registered");
    assert_eq!(state.epoch, EpochIndex(2));
    assert_eq!(state.last_ran_at, NOW);
}

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn enqueue(d: Linear<0, { T::MaxSubnets::get() }>) {
        let due: Vec<NetUid> = (0..d as u16).map(NetUid).collect();
        Agenda::<T>::insert(NOW, BoundedVec::truncate_from(due));

        #[block]
        {
            assert_eq!(Pallet::<T>::enqueue_due(NOW), d);
        }
    }

    /// What a block does for the first in the queue before it runs: asking for the cost.
    #[benchmark]
    fn peek() {
        let scene = Scene {
            neurons: NEURONS,
            validators: VALIDATORS,
            committers: 0,
            weights: 1,
        };
        let netuid = scene.build::<T>();

        #[block]
        {
            assert!(Pallet::<T>::cost(netuid).ref_time() > 0);
        }
    }

    #[benchmark]
    fn epoch_neurons(n: Linear<2, MAX>) {
        let scene = Scene {
            neurons: n,
            validators: 1,
            committers: 0,
            weights: 0,
        };
        let netuid = scene.build::<T>();

        #[block]
        {
            run::<T>(netuid);
        }

        assert_ran::<T>(netuid);
    }

    #[benchmark]
    fn epoch_validators(v: Linear<1, MAX_PERMITS>) {
        let scene = Scene {
            neurons: NEURONS,
            validators: v.min(NEURONS),
            committers: 0,
            weights: 1,
        };
        let netuid = scene.build::<T>();

        #[block]
        {
            run::<T>(netuid);
        }

        assert_ran::<T>(netuid);
    }

    #[benchmark]
    fn epoch_committers(c: Linear<0, MAX_COMMITTERS>) {
        let scene = Scene {
            neurons: NEURONS,
            validators: 1,
            committers: c,
            weights: 1,
        };
        let netuid = scene.build::<T>();

        #[block]
        {
            run::<T>(netuid);
        }

        assert_ran::<T>(netuid);
    }

    /// `e` in every row but the first.
    #[benchmark]
    fn epoch_entries(e: Linear<0, NEURONS>) {
        let scene = Scene {
            neurons: NEURONS,
            validators: VALIDATORS,
            committers: 0,
            weights: e,
        };
        let netuid = scene.build::<T>();

        #[block]
        {
            run::<T>(netuid);
        }

        assert_ran::<T>(netuid);
    }

    /// Scheduling a new subnet's first epoch.
    #[benchmark]
    fn schedule() {
        let netuid = T::BenchmarkHelper::subnet(0);
        let due: Vec<NetUid> = (1..T::MaxSubnets::get() as u16).map(NetUid).collect();
        let state = States::<T>::take(netuid).expect("the helper registered it");
        Agenda::<T>::insert(state.due_at, BoundedVec::truncate_from(due));

        #[block]
        {
            <Pallet<T> as SubnetHooks>::on_subnet_registered(netuid);
        }

        assert!(States::<T>::contains_key(netuid));
    }

    /// Forgetting a neuron of the largest subnet.
    #[benchmark]
    fn clear_neuron() {
        let scene = Scene {
            neurons: MAX,
            validators: 1,
            committers: 0,
            weights: MAX - 1,
        };
        let netuid = scene.build::<T>();
        let hotkey: T::AccountId = account("hotkey", 0, 0);

        #[block]
        {
            <Pallet<T> as NeuronHooks<T::AccountId>>::on_neuron_replaced(netuid, Uid(0), &hotkey);
        }

        assert!(!Bonds::<T>::contains_key(netuid, Uid(0)));
    }

    /// A whole epoch of a small, a middling and the largest dense subnet. Says what it costs by
    /// declaration, for the bencher to compare with what it measures.
    #[benchmark(extra)]
    fn whole(s: Linear<0, 2>) {
        let (neurons, validators) = [(256, 64), (1_024, 128), (MAX, MAX_PERMITS)][s as usize];
        let scene = Scene {
            neurons,
            validators,
            committers: neurons - validators,
            weights: neurons,
        };
        let netuid = scene.build::<T>();
        let declared = Pallet::<T>::cost(netuid).ref_time();
        let told = format!(
            "declared {declared} neurons {neurons} validators {validators} weights {}",
            neurons * validators
        );
        sp_runtime::print(told.as_str());

        #[block]
        {
            run::<T>(netuid);
        }

        assert_ran::<T>(netuid);
    }
}
