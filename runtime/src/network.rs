//! What differs from one network to the next, as genesis data.
//!
//! The same Wasm runs a network with 6 s blocks and one on a desk with 1 s blocks. What tells them
//! apart is written here once, while genesis is built, and has no call that changes it: Aura
//! counts slots as time divided by the length of a slot, so another length later on would make
//! slots jump and the chain stand still.

pub use pallet::*;

use core::marker::PhantomData;

use frame_support::traits::Get;

#[frame_support::pallet]
pub mod pallet {
    use assay_primitives::MIN_TEMPO;
    use frame_support::pallet_prelude::*;

    /// The longest slot that a network may choose, an hour: a typing mistake, not a wish.
    pub const MAX_SLOT_MILLIS: u64 = 3_600_000;
    /// The shortest slot that a network may choose. Less leaves no time for a block to travel.
    pub const MIN_SLOT_MILLIS: u64 = 200;

    /// The pallet's version of what it keeps.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config {}

    #[pallet::type_value]
    pub fn DefaultSlotMillis() -> u64 {
        6_000
    }

    #[pallet::type_value]
    pub fn DefaultDefaultTempo() -> u32 {
        360
    }

    /// A day at 6 s.
    #[pallet::type_value]
    pub fn DefaultUnbondingEra() -> u32 {
        14_400
    }

    /// The length of a slot, in which one author may make one block, in milliseconds.
    #[pallet::storage]
    pub type SlotMillis<T: Config> = StorageValue<_, u64, ValueQuery, DefaultSlotMillis>;

    /// The tempo of a new subnet: how many blocks from one of its epochs to the next.
    #[pallet::storage]
    pub type DefaultTempo<T: Config> = StorageValue<_, u32, ValueQuery, DefaultDefaultTempo>;

    /// The length of an era in which removed stake is gathered, in blocks. Stake that waits is
    /// filed under its era, so another length later on would release it at another time.
    #[pallet::storage]
    pub type EraLength<T: Config> = StorageValue<_, u32, ValueQuery, DefaultUnbondingEra>;

    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// The length of a slot in milliseconds, even.
        pub slot_millis: u64,
        /// The tempo of a new subnet, in blocks.
        pub default_tempo: u32,
        /// The length of an era of unbonding, in blocks.
        pub unbonding_era: u32,
        #[serde(skip)]
        pub _config: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self {
                slot_millis: DefaultSlotMillis::get(),
                default_tempo: DefaultDefaultTempo::get(),
                unbonding_era: DefaultUnbondingEra::get(),
                _config: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(
                (MIN_SLOT_MILLIS..=MAX_SLOT_MILLIS).contains(&self.slot_millis)
                    && self.slot_millis.is_multiple_of(2),
                "network.slotMillis must be an even number from {MIN_SLOT_MILLIS} to \
                 {MAX_SLOT_MILLIS}, not {}",
                self.slot_millis
            );
            assert!(
                self.default_tempo >= MIN_TEMPO,
                "network.defaultTempo must be at least {MIN_TEMPO}, not {}",
                self.default_tempo
            );
            assert!(
                self.unbonding_era > 0,
                "network.unbondingEra must be at least 1"
            );
            SlotMillis::<T>::put(self.slot_millis);
            DefaultTempo::<T>::put(self.default_tempo);
            EraLength::<T>::put(self.unbonding_era);
        }
    }
}

/// The length of a slot in milliseconds, as other pallets' configurations want it.
pub struct SlotDuration<T>(PhantomData<T>);

impl<T: Config> Get<u64> for SlotDuration<T> {
    fn get() -> u64 {
        SlotMillis::<T>::get()
    }
}

/// The least time between two blocks' timestamps: half a slot, so that an author whose clock is
/// slightly behind its predecessor's is still let in.
pub struct MinimumPeriod<T>(PhantomData<T>);

impl<T: Config> Get<u64> for MinimumPeriod<T> {
    fn get() -> u64 {
        SlotMillis::<T>::get() / 2
    }
}

/// The tempo of a new subnet in blocks, as other pallets' configurations want it.
pub struct NewSubnetTempo<T>(PhantomData<T>);

impl<T: Config> Get<u32> for NewSubnetTempo<T> {
    fn get() -> u32 {
        DefaultTempo::<T>::get()
    }
}

/// The length of an era of unbonding in blocks, as other pallets' configurations want it.
pub struct UnbondingEra<T>(PhantomData<T>);

impl<T: Config> Get<u32> for UnbondingEra<T> {
    fn get() -> u32 {
        EraLength::<T>::get()
    }
}

#[cfg(test)]
mod tests {
    use frame_support::traits::BuildGenesisConfig;
    use sp_io::TestExternalities;

    use super::{GenesisConfig, MinimumPeriod, NewSubnetTempo, SlotDuration, UnbondingEra};
    use crate::Runtime;
    use frame_support::traits::Get;

    fn build(slot_millis: u64, default_tempo: u32, unbonding_era: u32) {
        TestExternalities::default().execute_with(|| {
            GenesisConfig::<Runtime> {
                slot_millis,
                default_tempo,
                unbonding_era,
                ..Default::default()
            }
            .build();
            assert_eq!(SlotDuration::<Runtime>::get(), slot_millis);
            assert_eq!(MinimumPeriod::<Runtime>::get(), slot_millis / 2);
            assert_eq!(NewSubnetTempo::<Runtime>::get(), default_tempo);
            assert_eq!(UnbondingEra::<Runtime>::get(), unbonding_era);
        });
    }

    #[test]
    fn genesis_is_kept_when_it_makes_sense() {
        build(200, 5, 1);
        build(6_000, 360, 14_400);
        build(3_600_000, u32::MAX, u32::MAX);
    }

    #[test]
    #[should_panic(expected = "network.slotMillis")]
    fn genesis_fails_when_slots_are_too_short() {
        build(198, 360, 1);
    }

    #[test]
    #[should_panic(expected = "network.slotMillis")]
    fn genesis_fails_when_slots_are_odd() {
        build(999, 360, 1);
    }

    #[test]
    #[should_panic(expected = "network.defaultTempo")]
    fn genesis_fails_when_the_tempo_is_below_the_least() {
        build(1_000, 4, 1);
    }

    #[test]
    #[should_panic(expected = "network.unbondingEra")]
    fn genesis_fails_when_eras_have_no_length() {
        build(1_000, 360, 0);
    }
}
