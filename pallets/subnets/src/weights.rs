//! What calls cost, by hand from the storage each touches at worst until `cargo xtask weights` writes
//! this file.
//!
//! `reads` and `writes` name the items in the order in which the bodies meet them; an item met
//! twice is counted once, since the second time it comes from the overlay. What is listed as
//! computation is an upper estimate of decoding, encoding and signature checking. Proof size is 0:
//! no relay chain asks for proofs. Hooks of other pallets are added by the calls themselves.

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{
        constants::{RocksDbWeight, WEIGHT_REF_TIME_PER_MICROS},
        RuntimeDbWeight, Weight,
    },
};

/// What calls cost.
pub trait WeightInfo {
    /// Registering a subnet.
    fn register_subnet() -> Weight;
    /// Changing settings, however many.
    fn patch_hyperparameters() -> Weight;
    /// Announcing another task.
    fn update_task() -> Weight;
    /// Offering a subnet.
    fn offer_subnet() -> Weight;
    /// Accepting a subnet.
    fn accept_subnet() -> Weight;
    /// Admitting a subnet.
    fn set_admitted() -> Weight;
    /// Registering a neuron where a place is free.
    fn register() -> Weight;
    /// Registering a neuron when `n` neurons were looked through for one to give way.
    fn register_full(n: u32) -> Weight;
    /// Announcing an endpoint.
    fn announce() -> Weight;
    /// Announcing a model.
    fn announce_model() -> Weight;
    /// Moving a hotkey that may be registered in each of `subnets` subnets.
    fn move_hotkey(subnets: u32) -> Weight;
    /// Moving `things` of a coldkey, where all places are taken.
    fn move_coldkey(things: u32) -> Weight;
}

/// Checking an sr25519 or ed25519 signature, with room for slow machines.
const SIGNATURE_MICROS: u64 = 100;
/// Decoding, checking and encoding a call's arguments and the few items it touches.
const CALL_MICROS: u64 = 40;
/// Checking and encoding the largest task, 5 kB, thrice: argument, storage and event.
const TASK_MICROS: u64 = 60;
/// Decoding one neuron and sorting it in.
const NEURON_NANOS: u64 = 1_500;
/// The most places for subnets of any network of ours.
const MOST_PLACES: u64 = 128;

fn micros(micros: u64) -> Weight {
    Weight::from_parts(micros.saturating_mul(WEIGHT_REF_TIME_PER_MICROS), 0)
}

fn register_subnet(db: RuntimeDbWeight) -> Weight {
    // reads: Netuids, NetworkParameters, SubnetPrice, Account of the owner, TotalIssuance, Holds,
    // Generations, the network's tempo. writes: TotalIssuance, Account, Holds, SubnetPrice,
    // Netuids, Generations, Tasks, HyperparametersOf, Subnets.
    micros(CALL_MICROS + TASK_MICROS).saturating_add(db.reads_writes(8, 9))
}

fn patch_hyperparameters(db: RuntimeDbWeight) -> Weight {
    // reads: Subnets, PendingHyperparameters, HyperparametersOf, the network's tempo.
    // writes: PendingHyperparameters.
    micros(CALL_MICROS).saturating_add(db.reads_writes(4, 1))
}

fn update_task(db: RuntimeDbWeight) -> Weight {
    // reads: Subnets, HyperparametersOf, PendingHyperparameters, the epoch's state.
    // writes: UpcomingTasks.
    micros(CALL_MICROS + TASK_MICROS).saturating_add(db.reads_writes(4, 1))
}

fn offer_subnet(db: RuntimeDbWeight) -> Weight {
    // reads: Subnets, the owner's change of coldkey. writes: SubnetOffers.
    micros(CALL_MICROS).saturating_add(db.reads_writes(2, 1))
}

fn accept_subnet(db: RuntimeDbWeight) -> Weight {
    // reads: Subnets, SubnetOffers, the owner's change of coldkey, Account and Holds of both owners.
    // writes: Account and Holds of both, SubnetOffers, Subnets.
    micros(CALL_MICROS).saturating_add(db.reads_writes(7, 6))
}

fn set_admitted(db: RuntimeDbWeight) -> Weight {
    // reads and writes: Subnets.
    micros(CALL_MICROS).saturating_add(db.reads_writes(1, 1))
}

fn register(db: RuntimeDbWeight, searched: u32) -> Weight {
    // reads: Subnets, HyperparametersOf, Uids, Hotkeys, NetworkParameters, RegistrationPrices,
    // Account of the coldkey, BlockHash, NeuronCount, NextSerial, TotalIssuance, Account of the
    // hotkey, Successors. writes: TotalIssuance, Account of the coldkey, RegistrationPrices, NextSerial,
    // Hotkeys, OwnedHotkeys, Account of the hotkey, Uids, Neurons, NeuronCount.
    let base = micros(CALL_MICROS + SIGNATURE_MICROS).saturating_add(db.reads_writes(13, 10));
    if searched == 0 {
        return base;
    }
    // reads: the block of the last epoch, Uids, Hotkeys and Account of the one that gives way.
    // writes: its Uids, Endpoints, Models, Hotkeys, Account.
    let eviction = db.reads_writes(4, 5);
    // reads for each neuron: Neurons, its standing.
    let search = Weight::from_parts(NEURON_NANOS.saturating_mul(1_000), 0)
        .saturating_add(db.reads(2))
        .saturating_mul(searched.into());
    base.saturating_add(eviction).saturating_add(search)
}

fn announce(db: RuntimeDbWeight) -> Weight {
    // reads: Subnets, Uids, Hotkeys, Endpoints or Models, HyperparametersOf.
    // writes: Endpoints or Models.
    micros(CALL_MICROS).saturating_add(db.reads_writes(5, 1))
}

fn move_hotkey(db: RuntimeDbWeight, subnets: u32) -> Weight {
    // reads: Hotkeys, Netuids, both accounts. writes: Hotkeys twice, OwnedHotkeys twice,
    // Successors, both accounts.
    let base = micros(CALL_MICROS).saturating_add(db.reads_writes(4, 7));
    // reads for each subnet: Uids, Neurons. writes: Uids twice, Neurons.
    let subnet = Weight::from_parts(NEURON_NANOS.saturating_mul(1_000), 0)
        .saturating_add(db.reads_writes(2, 3))
        .saturating_mul(subnets.into());
    base.saturating_add(subnet)
}

fn move_coldkey(db: RuntimeDbWeight, things: u32) -> Weight {
    // reads: Netuids, Dissolving, and Subnets, WaitingSubnets and SubnetOffers of each number.
    let base = micros(CALL_MICROS).saturating_add(db.reads(3 * MOST_PLACES + 2));
    // A subnet costs more than a hotkey. reads: Holds and Account of both. writes: those, Subnets,
    // SubnetOffers.
    let thing = micros(CALL_MICROS)
        .saturating_add(db.reads_writes(4, 6))
        .saturating_mul(things.into());
    base.saturating_add(thing)
}

/// What calls cost on the runtime's database.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn register_subnet() -> Weight {
        register_subnet(T::DbWeight::get())
    }
    fn patch_hyperparameters() -> Weight {
        patch_hyperparameters(T::DbWeight::get())
    }
    fn update_task() -> Weight {
        update_task(T::DbWeight::get())
    }
    fn offer_subnet() -> Weight {
        offer_subnet(T::DbWeight::get())
    }
    fn accept_subnet() -> Weight {
        accept_subnet(T::DbWeight::get())
    }
    fn set_admitted() -> Weight {
        set_admitted(T::DbWeight::get())
    }
    fn register() -> Weight {
        register(T::DbWeight::get(), 0)
    }
    fn register_full(n: u32) -> Weight {
        register(T::DbWeight::get(), n)
    }
    fn announce() -> Weight {
        announce(T::DbWeight::get())
    }
    fn announce_model() -> Weight {
        announce(T::DbWeight::get())
    }
    fn move_hotkey(subnets: u32) -> Weight {
        move_hotkey(T::DbWeight::get(), subnets)
    }
    fn move_coldkey(things: u32) -> Weight {
        move_coldkey(T::DbWeight::get(), things)
    }
}

/// What calls cost on RocksDB, for tests.
impl WeightInfo for () {
    fn register_subnet() -> Weight {
        register_subnet(RocksDbWeight::get())
    }
    fn patch_hyperparameters() -> Weight {
        patch_hyperparameters(RocksDbWeight::get())
    }
    fn update_task() -> Weight {
        update_task(RocksDbWeight::get())
    }
    fn offer_subnet() -> Weight {
        offer_subnet(RocksDbWeight::get())
    }
    fn accept_subnet() -> Weight {
        accept_subnet(RocksDbWeight::get())
    }
    fn set_admitted() -> Weight {
        set_admitted(RocksDbWeight::get())
    }
    fn register() -> Weight {
        register(RocksDbWeight::get(), 0)
    }
    fn register_full(n: u32) -> Weight {
        register(RocksDbWeight::get(), n)
    }
    fn announce() -> Weight {
        announce(RocksDbWeight::get())
    }
    fn announce_model() -> Weight {
        announce(RocksDbWeight::get())
    }
    fn move_hotkey(subnets: u32) -> Weight {
        move_hotkey(RocksDbWeight::get(), subnets)
    }
    fn move_coldkey(things: u32) -> Weight {
        move_coldkey(RocksDbWeight::get(), things)
    }
}
