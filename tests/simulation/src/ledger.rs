//! The books, kept beside the chain from what each block changed.
//!
//! Sums over the whole state are brought up to date with every key that a block touched, so that
//! they can be compared after each block and not only now and then. [`Ledger::of`] counts the same
//! from nothing; the two must never differ.

use std::collections::BTreeMap;

use assay_primitives::{Balance, NetUid};
use assay_runtime::{AccountId, Runtime, RuntimeHoldReason};
use codec::{Decode, DecodeAll};
use frame_support::{storage::StoragePrefixedMap, traits::PalletInfoAccess};
use sp_crypto_hashing::{twox_128, twox_64};

use crate::state::Change;

/// Where an item lies: the first 32 bytes of its keys.
pub(crate) type Prefix = [u8; 32];

/// A sum over all that lies under a prefix.
#[derive(Clone, Debug)]
struct Sum {
    prefix: Prefix,
    value: fn(&[u8]) -> Balance,
    total: Balance,
}

impl Sum {
    fn new(prefix: Prefix, value: fn(&[u8]) -> Balance) -> Self {
        Self {
            prefix,
            value,
            total: 0,
        }
    }

    fn follow(&mut self, change: &Change) {
        if change.key.starts_with(&self.prefix) {
            let worth = |value: &Option<Vec<u8>>| value.as_deref().map_or(0, self.value);
            self.total = self.total + worth(&change.new) - worth(&change.old);
        }
    }
}

/// The books.
#[derive(Clone, Debug)]
pub struct Ledger {
    balances: Sum,
    locked: Sum,
    locks: Sum,
    waiting: Sum,
    pools: Sum,
    unbonding: Sum,
    departed: Sum,
    ready: Sum,
    credits: Sum,
    keys: KeysBySubnet,
}

impl Ledger {
    /// The books of this state.
    pub fn of(state: impl Iterator<Item = Change>) -> Self {
        use frame_system::Account;
        use pallet_balances::Holds;
        use pallet_emission::Claims;
        use pallet_stake::{DepartedUnbonding, Departures, PoolsOf, UnbondingOf};
        use pallet_subnets::{Subnets, WaitingSubnets};
        let mut ledger = Self {
            balances: Sum::new(Account::<Runtime>::final_prefix(), balance_of),
            locked: Sum::new(Holds::<Runtime>::final_prefix(), locked_of),
            locks: Sum::new(Subnets::<Runtime>::final_prefix(), lock_of),
            waiting: Sum::new(WaitingSubnets::<Runtime>::final_prefix(), waiting_of),
            pools: Sum::new(PoolsOf::<Runtime>::final_prefix(), pools_of),
            unbonding: Sum::new(UnbondingOf::<Runtime>::final_prefix(), unbonding_of),
            departed: Sum::new(DepartedUnbonding::<Runtime>::final_prefix(), unbonding_of),
            ready: Sum::new(Departures::<Runtime>::final_prefix(), ready_of),
            credits: Sum::new(Claims::<Runtime>::final_prefix(), amount),
            keys: KeysBySubnet::default(),
        };
        for change in state {
            ledger.follow(&change);
        }
        ledger
    }

    /// Books a change.
    pub fn follow(&mut self, change: &Change) {
        let Self {
            balances,
            locked,
            locks,
            waiting,
            pools,
            unbonding,
            departed,
            ready,
            credits,
            keys,
        } = self;
        let held = [locked, locks, waiting];
        let staked = [pools, unbonding, departed, ready];
        for sum in [balances, credits].into_iter().chain(held).chain(staked) {
            sum.follow(change);
        }
        keys.follow(change);
    }

    /// Whether these books say the same as others.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let sums = |books: &Self| {
            [
                books.balances.total,
                books.locked.total,
                books.locks(),
                books.stake(),
                books.credits.total,
            ]
        };
        sums(self) == sums(other) && self.keys == other.keys
    }

    /// Σ of all accounts' balances.
    pub fn balances(&self) -> Balance {
        self.balances.total
    }

    /// Σ of what is on hold for subnets.
    pub fn locked(&self) -> Balance {
        self.locked.total
    }

    /// Σ of what the registry says it holds.
    pub fn locks(&self) -> Balance {
        self.locks.total + self.waiting.total
    }

    /// Σ of stake: active, entering and unbonding, also of subnets that were dissolved.
    pub fn stake(&self) -> Balance {
        self.pools.total + self.unbonding.total + self.departed.total + self.ready.total
    }

    /// Σ of what waits to be claimed.
    pub fn credits(&self) -> Balance {
        self.credits.total
    }

    /// The numbers under which anything is stored.
    pub fn netuids(&self) -> impl Iterator<Item = NetUid> + '_ {
        self.keys.0.keys().copied()
    }
}

/// How many keys there are under each number of a subnet.
///
/// Nothing is listed here by name. In every map of our pallets whose first key is a netuid, the
/// prefix is followed by its hash and by itself, and a hash of eight bytes fits its two bytes in
/// nothing else. So an item that is added to a pallet is watched from its first day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct KeysBySubnet(BTreeMap<NetUid, u64>);

impl KeysBySubnet {
    fn follow(&mut self, change: &Change) {
        if change.old.is_some() == change.new.is_some() {
            return;
        }
        let Some(netuid) = netuid_of(&change.key) else {
            return;
        };
        let count = self.0.entry(netuid).or_default();
        if change.new.is_some() {
            *count += 1;
        } else {
            *count -= 1;
        }
        if *count == 0 {
            self.0.remove(&netuid);
        }
    }
}

/// The netuid under which a key of ours lies.
fn netuid_of(key: &[u8]) -> Option<NetUid> {
    let (pallet, item, hash, netuid) = (
        key.get(..16)?,
        key.get(..32)?,
        key.get(32..40)?,
        key.get(40..42)?,
    );
    let ours = [
        assay_runtime::Subnets::name(),
        assay_runtime::Stake::name(),
        assay_runtime::Weights::name(),
        assay_runtime::Emission::name(),
        assay_runtime::Epoch::name(),
        assay_runtime::Keys::name(),
    ];
    if !ours.iter().any(|name| twox_128(name.as_bytes()) == pallet) || twox_64(netuid) != hash {
        return None;
    }
    // The one thing that outlives a subnet, so that the next one of its number inherits nothing.
    if item == pallet_subnets::Generations::<Runtime>::final_prefix() {
        return None;
    }
    Some(NetUid(u16::from_le_bytes([netuid[0], netuid[1]])))
}

pub(crate) fn read<T: Decode>(value: &[u8]) -> T {
    T::decode_all(&mut &*value).expect("what is stored under an item's prefix is that item; qed")
}

fn amount(value: &[u8]) -> Balance {
    read(value)
}

fn balance_of(value: &[u8]) -> Balance {
    let account: frame_system::AccountInfo<
        <Runtime as frame_system::Config>::Nonce,
        pallet_balances::AccountData<Balance>,
    > = read(value);
    account.data.free + account.data.reserved
}

fn locked_of(value: &[u8]) -> Balance {
    type Hold = frame_support::traits::tokens::IdAmount<RuntimeHoldReason, Balance>;
    let reason: RuntimeHoldReason = pallet_subnets::HoldReason::SubnetLock.into();
    read::<Vec<Hold>>(value)
        .into_iter()
        .filter(|hold| hold.id == reason)
        .map(|hold| hold.amount)
        .sum()
}

fn lock_of(value: &[u8]) -> Balance {
    read::<pallet_subnets::Subnet<AccountId>>(value).lock
}

fn waiting_of(value: &[u8]) -> Balance {
    read::<pallet_subnets::WaitingSubnet<AccountId>>(value).lock
}

fn ready_of(value: &[u8]) -> Balance {
    type Departure =
        pallet_stake::Departure<AccountId, <Runtime as pallet_stake::Config>::MaxUnbondingChunks>;
    read::<Departure>(value).ready
}

fn pools_of(value: &[u8]) -> Balance {
    let pools: pallet_stake::Pools = read(value);
    pools.active() + pools.entering()
}

fn unbonding_of(value: &[u8]) -> Balance {
    let unbonding: pallet_stake::Unbonding = read(value);
    unbonding.own.amount + unbonding.delegated.amount
}
