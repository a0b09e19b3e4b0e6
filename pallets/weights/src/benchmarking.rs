//! What the calls, the extension and the hooks cost.
//!
//! All in a subnet with as many neurons as the row has weights, at least one, whose uid 0 holds a
//! permit, has a row in force and as many commits pending as there can be.

use crate::{
    types::{Commit, Reveal, Usage},
    *,
};
use alloc::vec::Vec;
use assay_pallet_traits::{BenchmarkHelper as _, NeuronHooks, Neurons};
use assay_primitives::{
    commit_hash, CommitPayload, Digest, EpochIndex, Evidence, Generation, NetUid, Serial,
    TaskVersion, Uid, MAX_NEURONS,
};
use frame_benchmarking::v2::*;
use frame_support::{
    traits::{Hooks, OriginTrait},
    BoundedVec,
};
use frame_system::RawOrigin;
use sp_runtime::generic::Era;

const MAX_LEN: u32 = MAX_NEURONS as u32;
const VALIDATOR: Uid = Uid(0);
/// The epoch of the commit that is opened.
const COMMITTED: EpochIndex = EpochIndex(MAX_PENDING_COMMITS);

/// The subnet and the validator's hotkey.
fn scene<T: Config>(len: u32) -> (NetUid, T::AccountId) {
    let neurons = (len as u16).max(1);
    let netuid = T::BenchmarkHelper::subnet(neurons);
    T::BenchmarkHelper::permit(netuid, 1);
    T::BenchmarkHelper::weigh(netuid, &[neurons]);
    // Set long ago, so that a row may follow in the open epoch.
    RowInfos::<T>::mutate(netuid, VALIDATOR, |info| {
        if let Some(info) = info {
            info.epoch = EpochIndex(1);
        }
    });
    let hotkey = T::Neurons::neuron(netuid, VALIDATOR).map(|neuron| neuron.hotkey);
    (netuid, hotkey.expect("the helper registered it"))
}

fn row(len: u32) -> Row {
    Row {
        targets: BoundedVec::truncate_from((0..len as u16).collect()),
        values: BoundedVec::truncate_from(alloc::vec![u16::MAX; len as usize]),
    }
}

fn pending(hotkey: [u8; 32], epoch: EpochIndex, hash: Digest) -> Commit {
    Commit {
        hotkey,
        epoch,
        // The open epoch is the first.
        reveal_in: EpochIndex(0),
        hash,
        next_seed: Digest([2; 32]),
        at: 1,
        serial: Serial(0),
        task_version: TaskVersion(0),
    }
}

/// Leaves so many commits pending, of which the last opens to a row.
fn commit<T: Config>(netuid: NetUid, hotkey: &T::AccountId, count: u32, row: &Row) {
    let hotkey: [u8; 32] = hotkey.clone().into();
    let opened = commit_hash(&CommitPayload {
        hotkey,
        netuid,
        generation: Generation(0),
        epoch: COMMITTED,
        task_version: TaskVersion(0),
        targets: &row.targets,
        values: &row.values,
        salt: [7; 32],
        evidence: Evidence::none(),
    });
    let mut commits: Vec<Commit> = (1..count)
        .map(|epoch| pending(hotkey, EpochIndex(epoch), Digest([1; 32])))
        .collect();
    commits.push(pending(hotkey, COMMITTED, opened));
    Commits::<T>::insert(netuid, VALIDATOR, BoundedVec::truncate_from(commits));
}

fn reveal<T: Config>(netuid: NetUid, row: Row) -> Call<T> {
    Call::reveal_weights {
        netuid,
        epoch: COMMITTED,
        targets: row.targets,
        values: row.values,
        salt: [7; 32],
        task_version: TaskVersion(0),
        evidence: Evidence::none(),
    }
}

fn admitted<T: Config>(hotkey: T::AccountId) -> T::RuntimeOrigin {
    let mut origin: T::RuntimeOrigin = RawOrigin::Signed(hotkey.clone()).into();
    origin.set_caller(Origin::<T>::Validator(hotkey).into());
    origin
}

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn set_weights(n: Linear<0, MAX_LEN>) {
        let (netuid, hotkey) = scene::<T>(n);
        let Row { targets, values } = row(n);

        #[extrinsic_call]
        _(
            admitted::<T>(hotkey) as T::RuntimeOrigin,
            netuid,
            targets,
            values,
            TaskVersion(0),
        );

        assert_eq!(Rows::<T>::get(netuid, VALIDATOR), Some(row(n)));
    }

    #[benchmark]
    fn commit_weights() {
        let (netuid, hotkey) = scene::<T>(1);
        commit::<T>(netuid, &hotkey, MAX_PENDING_COMMITS - 1, &row(1));

        #[extrinsic_call]
        _(
            admitted::<T>(hotkey) as T::RuntimeOrigin,
            netuid,
            EpochIndex(0),
            Digest([1; 32]),
            Digest([2; 32]),
        );

        assert_eq!(
            Commits::<T>::get(netuid, VALIDATOR).len() as u32,
            MAX_PENDING_COMMITS
        );
    }

    #[benchmark]
    fn reveal_weights(n: Linear<0, MAX_LEN>) {
        let (netuid, hotkey) = scene::<T>(n);
        let Row { targets, values } = row(n);
        commit::<T>(netuid, &hotkey, MAX_PENDING_COMMITS, &row(n));

        #[extrinsic_call]
        _(
            admitted::<T>(hotkey) as T::RuntimeOrigin,
            netuid,
            COMMITTED,
            targets,
            values,
            [7; 32],
            TaskVersion(0),
            Evidence::none(),
        );

        assert!(Reveals::<T>::contains_key(netuid, VALIDATOR));
        assert_eq!(Rows::<T>::get(netuid, VALIDATOR), Some(row(n)));
    }

    /// What the extension does for a reveal, the dearest of the three.
    #[benchmark]
    fn admit(n: Linear<0, MAX_LEN>) {
        let (netuid, hotkey) = scene::<T>(n);
        commit::<T>(netuid, &hotkey, MAX_PENDING_COMMITS, &row(n));
        let call = reveal::<T>(netuid, row(n));
        let origin: T::RuntimeOrigin = RawOrigin::Signed(hotkey).into();
        let usage = Usage {
            weight: Default::default(),
            length: 4 * n,
        };

        #[block]
        {
            Pallet::<T>::admit(&Era::mortal(64, 1), &origin, &call, usage)
                .expect("the call is well-formed and its maker permitted");
            Used::<T>::mutate(|used| *used = used.plus(usage));
        }

        assert_eq!(Pallet::<T>::used(), usage);
    }

    /// What the extension does for a call that carries none. Calls that carry others are visited
    /// once more than they are decoded, weighed and dispatched, which they pay for by themselves.
    #[benchmark]
    fn pass() {
        let call: T::RuntimeCall = frame_system::Call::remark { remark: Vec::new() }.into();

        #[block]
        {
            assert!(!Pallet::<T>::carries_weight_call(&call));
        }
    }

    #[benchmark]
    fn clear_usage() {
        Used::<T>::put(Usage {
            weight: Default::default(),
            length: 1,
        });

        #[block]
        {
            <Pallet<T> as Hooks<_>>::on_finalize(Default::default());
        }

        assert!(Pallet::<T>::used().is_empty());
    }

    #[benchmark]
    fn clear_neuron() {
        let (netuid, hotkey) = scene::<T>(MAX_LEN);
        commit::<T>(netuid, &hotkey, MAX_PENDING_COMMITS, &row(MAX_LEN));
        Reveals::<T>::insert(
            netuid,
            VALIDATOR,
            Reveal {
                commit: pending(hotkey.clone().into(), EpochIndex(0), Digest([1; 32])),
                at: 1,
                evidence: Evidence::none(),
            },
        );

        #[block]
        {
            <Pallet<T> as NeuronHooks<T::AccountId>>::on_neuron_replaced(
                netuid, VALIDATOR, &hotkey,
            );
        }

        assert!(!RowInfos::<T>::contains_key(netuid, VALIDATOR));
        assert!(!Commits::<T>::contains_key(netuid, VALIDATOR));
    }
}
