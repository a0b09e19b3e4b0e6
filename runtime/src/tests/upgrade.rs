//! A new runtime takes over a chain: with nothing to change, with pallets that are new, and with a
//! migration of the kind that `migrations` describes.
//!
//! The executive's own trial, with its checks before and after, exists with the feature
//! `try-runtime` alone: `cargo xtask upgrade` runs these tests with it.

use frame_support::{
    migrations::VersionedMigration,
    storage::unhashed,
    traits::{GetStorageVersion, OnRuntimeUpgrade, StorageVersion, UncheckedOnRuntimeUpgrade},
    weights::Weight,
};
use sp_io::TestExternalities;

use super::{always::Watched, network, run_to};
use crate::{
    genesis, network as parameters, Authors, Emission, Epoch, Executive, Governance, Network,
    Runtime, Stake, Subnets, System, Weights, VERSION,
};

/// What became of a pallet's storage version.
fn versions<P>() -> (StorageVersion, StorageVersion)
where
    P: GetStorageVersion<InCodeStorageVersion = StorageVersion>,
{
    (P::on_chain_storage_version(), P::in_code_storage_version())
}

fn assert_versions_agree() {
    let all = [
        versions::<Authors>(),
        versions::<Emission>(),
        versions::<Epoch>(),
        versions::<Governance>(),
        versions::<Network>(),
        versions::<Stake>(),
        versions::<Subnets>(),
        versions::<Weights>(),
    ];
    for (on_chain, in_code) in all {
        assert_eq!(on_chain, in_code);
        assert!(in_code >= 1);
    }
}

/// A chain with a subnet that pays, whose last block an older runtime made.
fn older() -> TestExternalities {
    let mut chain = network(genesis::DEV);
    chain.execute_with(|| {
        let mut chain = Watched::default();
        chain.found_subnet();
        chain.run_to_permits();
        chain.weigh();
        frame_system::LastRuntimeUpgrade::<Runtime>::put(frame_system::LastRuntimeUpgradeInfo {
            spec_version: (VERSION.spec_version - 1).into(),
            spec_name: VERSION.spec_name,
        });
    });
    chain
}

/// Upgrades as a tool would that tries it before the chain does.
#[cfg(feature = "try-runtime")]
fn upgrade() {
    use frame_support::traits::UpgradeCheckSelect;
    Executive::try_runtime_upgrade(UpgradeCheckSelect::All).unwrap();
}

/// Upgrades as the next block does.
#[cfg(not(feature = "try-runtime"))]
fn upgrade() {
    Executive::execute_on_runtime_upgrade();
    super::always::try_state().unwrap();
}

#[test]
fn versions_agree_when_a_chain_starts() {
    network(genesis::DEV).execute_with(assert_versions_agree);
}

#[test]
fn upgrade_changes_nothing_when_nothing_is_to_be_migrated() {
    older().execute_with(|| {
        let before = state();
        upgrade();
        // What tells the runtimes apart is written down, and by the trial alone.
        let last = frame_system::LastRuntimeUpgrade::<Runtime>::hashed_key();
        let without = |state: Vec<(Vec<u8>, Vec<u8>)>| -> Vec<_> {
            state.into_iter().filter(|(key, _)| *key != last).collect()
        };
        assert_eq!(without(state()), without(before));
        assert_versions_agree();
    });
}

#[test]
fn chain_goes_on_when_a_new_runtime_takes_over() {
    older().execute_with(|| {
        let mut chain = Watched::default();
        // Money that was burned before this watch began.
        chain.forget_burns();
        let next = System::block_number() + 1;
        chain.run_to(next + 50);
        let last = frame_system::LastRuntimeUpgrade::<Runtime>::get().unwrap();
        assert_eq!(last.spec_version.0, VERSION.spec_version);
        assert_versions_agree();
    });
}

#[test]
fn pallet_gets_its_version_when_it_comes_with_the_upgrade() {
    older().execute_with(|| {
        let prefix = frame_support::storage::storage_prefix(b"Governance", b"");
        let _ = unhashed::clear_prefix(&prefix[..16], None, None);
        assert_eq!(Governance::on_chain_storage_version(), 0);
        upgrade();
        assert_versions_agree();
    });
}

/// Blocks were counted in half-minutes once: what a migration of that looks like.
struct ToBlocks;

impl UncheckedOnRuntimeUpgrade for ToBlocks {
    fn on_runtime_upgrade() -> Weight {
        parameters::DefaultTempo::<Runtime>::mutate(|tempo| *tempo *= 5);
        <Runtime as frame_system::Config>::DbWeight::get().reads_writes(1, 1)
    }

    #[cfg(feature = "try-runtime")]
    fn pre_upgrade() -> Result<Vec<u8>, sp_runtime::TryRuntimeError> {
        use codec::Encode;
        Ok(parameters::DefaultTempo::<Runtime>::get().encode())
    }

    #[cfg(feature = "try-runtime")]
    fn post_upgrade(before: Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
        use codec::Decode;
        let before = u32::decode(&mut &before[..]).map_err(|_| "an old tempo is missing")?;
        frame_support::ensure!(
            parameters::DefaultTempo::<Runtime>::get() == before * 5,
            "a tempo was not converted"
        );
        Ok(())
    }
}

type Migration =
    VersionedMigration<0, 1, ToBlocks, Network, <Runtime as frame_system::Config>::DbWeight>;

#[test]
fn migration_runs_once_when_the_version_is_the_old_one() {
    older().execute_with(|| {
        StorageVersion::new(0).put::<Network>();
        let tempo = parameters::DefaultTempo::<Runtime>::get();
        migrate();
        assert_eq!(parameters::DefaultTempo::<Runtime>::get(), tempo * 5);
        assert_versions_agree();
        migrate();
        assert_eq!(parameters::DefaultTempo::<Runtime>::get(), tempo * 5);
        run_to(System::block_number() + 2);
    });
}

#[cfg(feature = "try-runtime")]
fn migrate() {
    Migration::try_on_runtime_upgrade(true).unwrap();
}

#[cfg(not(feature = "try-runtime"))]
fn migrate() {
    Migration::on_runtime_upgrade();
}

/// All that is stored.
fn state() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut state = Vec::new();
    let mut key = Vec::new();
    while let Some(next) = sp_io::storage::next_key(&key) {
        let value = unhashed::get_raw(&next).unwrap_or_default();
        state.push((next.clone(), value));
        key = next;
    }
    state
}
