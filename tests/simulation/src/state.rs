//! The chain's state, kept flat.
//!
//! A node keeps its state in a trie, so that it can prove it. Nothing here asks for proofs, and a
//! sorted map answers many times faster. It is committed after every block as a node's is, so that
//! what a runtime sees of the difference between this block's changes and what was there before
//! (how far a bounded clear of a prefix gets, say) is what it sees on a node. Its root is always the
//! same hash and means nothing.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Included, Unbounded},
};

use sp_core::storage::{ChildInfo, StateVersion, Storage};
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::{
    backend::{IterArgs, StorageIterator},
    Backend, BackendTransaction, Ext, OverlayedChanges, StateMachineStats, UsageInfo,
};
use sp_trie::MerkleValue;

type Hash = sp_core::H256;
type Key = Vec<u8>;
type Value = Vec<u8>;

/// What a block changed under one key.
#[derive(Debug)]
pub struct Change {
    /// The key.
    pub key: Key,
    /// What was there before.
    pub old: Option<Value>,
    /// What is there now.
    pub new: Option<Value>,
}

/// A chain's state.
#[derive(Default)]
pub struct State {
    committed: Flat,
    changes: OverlayedChanges<BlakeTwo256>,
}

impl State {
    /// The state that a genesis describes.
    pub fn new(genesis: Storage) -> Self {
        Self {
            committed: Flat(genesis.top),
            changes: OverlayedChanges::default(),
        }
    }

    /// Runs something that reads and writes this state as a runtime does.
    pub fn enter<R>(&mut self, run: impl FnOnce() -> R) -> R {
        let mut ext = Ext::new(&mut self.changes, &self.committed, None);
        sp_externalities::set_and_run_with_externalities(&mut ext, run)
    }

    /// Keeps what was changed since the last time, and says what it was.
    pub fn commit(&mut self) -> Vec<Change> {
        let drained = self
            .changes
            .drain_storage_changes(&self.committed, StateVersion::V1)
            .expect("no storage transaction is open between two blocks; qed");
        let keep = |(key, new): (Key, Option<Value>)| {
            let old = match &new {
                Some(value) => self.committed.0.insert(key.clone(), value.clone()),
                None => self.committed.0.remove(&key),
            };
            Change { key, old, new }
        };
        drained
            .main_storage_changes
            .into_iter()
            .map(keep)
            .filter(|change| change.old != change.new)
            .collect()
    }

    /// Everything, as if it had just been put there.
    pub fn everything(&self) -> impl Iterator<Item = Change> + '_ {
        self.committed.0.iter().map(|(key, value)| Change {
            key: key.clone(),
            old: None,
            new: Some(value.clone()),
        })
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.committed.0.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.committed.0.is_empty()
    }
}

/// A state in a sorted map, without children.
#[derive(Debug, Default)]
struct Flat(BTreeMap<Key, Value>);

impl Backend<BlakeTwo256> for Flat {
    type Error = String;
    type TrieBackendStorage = BackendTransaction<BlakeTwo256>;
    type RawIter = Walk;

    fn storage(&self, key: &[u8]) -> Result<Option<Value>, String> {
        Ok(self.0.get(key).cloned())
    }

    fn storage_hash(&self, key: &[u8]) -> Result<Option<Hash>, String> {
        Ok(self
            .0
            .get(key)
            .map(|value| sp_crypto_hashing::blake2_256(value).into()))
    }

    fn exists_storage(&self, key: &[u8]) -> Result<bool, String> {
        Ok(self.0.contains_key(key))
    }

    fn closest_merkle_value(&self, _: &[u8]) -> Result<Option<MerkleValue<Hash>>, String> {
        Ok(None)
    }

    fn child_closest_merkle_value(
        &self,
        _: &ChildInfo,
        _: &[u8],
    ) -> Result<Option<MerkleValue<Hash>>, String> {
        Ok(None)
    }

    fn child_storage(&self, _: &ChildInfo, _: &[u8]) -> Result<Option<Value>, String> {
        Ok(None)
    }

    fn child_storage_hash(&self, _: &ChildInfo, _: &[u8]) -> Result<Option<Hash>, String> {
        Ok(None)
    }

    fn next_storage_key(&self, key: &[u8]) -> Result<Option<Key>, String> {
        let after = self.0.range::<[u8], _>((Excluded(key), Unbounded)).next();
        Ok(after.map(|(key, _)| key.clone()))
    }

    fn next_child_storage_key(&self, _: &ChildInfo, _: &[u8]) -> Result<Option<Key>, String> {
        Ok(None)
    }

    fn storage_root<'a>(
        &self,
        _: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
        _: StateVersion,
    ) -> (Hash, BackendTransaction<BlakeTwo256>) {
        (
            Hash::default(),
            BackendTransaction::with_hasher(Default::default()),
        )
    }

    fn child_storage_root<'a>(
        &self,
        _: &ChildInfo,
        _: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
        _: StateVersion,
    ) -> (Hash, bool, BackendTransaction<BlakeTwo256>) {
        (
            Hash::default(),
            true,
            BackendTransaction::with_hasher(Default::default()),
        )
    }

    fn raw_iter(&self, args: IterArgs) -> Result<Walk, String> {
        let prefix = args.prefix.unwrap_or_default().to_vec();
        let start = args.start_at.unwrap_or_default().to_vec();
        Ok(Walk {
            from: prefix.clone().max(start),
            prefix,
            exclusive: args.start_at_exclusive,
            over: false,
        })
    }

    fn register_overlay_stats(&self, _: &StateMachineStats) {}

    fn usage_info(&self) -> UsageInfo {
        UsageInfo::empty()
    }
}

/// A walk over the keys with a prefix.
struct Walk {
    prefix: Key,
    from: Key,
    exclusive: bool,
    over: bool,
}

impl Walk {
    fn step(&mut self, state: &Flat) -> Option<(Key, Value)> {
        if self.over {
            return None;
        }
        let from = if self.exclusive {
            Excluded(self.from.as_slice())
        } else {
            Included(self.from.as_slice())
        };
        let next = state
            .0
            .range::<[u8], _>((from, Unbounded))
            .next()
            .filter(|(key, _)| key.starts_with(&self.prefix));
        let Some((key, value)) = next else {
            self.over = true;
            return None;
        };
        self.from.clone_from(key);
        self.exclusive = true;
        Some((key.clone(), value.clone()))
    }
}

impl StorageIterator<BlakeTwo256> for Walk {
    type Backend = Flat;
    type Error = String;

    fn next_key(&mut self, state: &Flat) -> Option<Result<Key, String>> {
        self.step(state).map(|(key, _)| Ok(key))
    }

    fn next_pair(&mut self, state: &Flat) -> Option<Result<(Key, Value), String>> {
        self.step(state).map(Ok)
    }

    fn was_complete(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use frame_support::storage::unhashed;

    use super::*;

    fn state(keys: &[&str]) -> State {
        let mut state = State::default();
        state.enter(|| {
            for key in keys {
                unhashed::put_raw(key.as_bytes(), b"x");
            }
        });
        state.commit();
        state
    }

    #[test]
    fn commit_names_what_changed_and_nothing_else() {
        let mut state = state(&["a", "b", "c"]);
        state.enter(|| {
            unhashed::put_raw(b"a", b"y");
            unhashed::put_raw(b"b", b"x");
            unhashed::kill(b"c");
            unhashed::put_raw(b"d", b"z");
            unhashed::kill(b"d");
        });
        let changed: Vec<_> = state
            .commit()
            .into_iter()
            .map(|change| (change.key, change.old, change.new))
            .collect();
        let bytes = |bytes: &[u8]| Some(bytes.to_vec());
        assert_eq!(
            changed,
            [
                (b"a".to_vec(), bytes(b"x"), bytes(b"y")),
                (b"c".to_vec(), bytes(b"x"), None),
            ]
        );
        assert_eq!(state.len(), 2);
    }

    #[test]
    fn clearing_a_prefix_stops_at_its_limit_as_on_a_node() {
        let mut state = state(&["pa", "pb", "pc", "q"]);
        let left = state.enter(|| unhashed::clear_prefix(b"p", Some(2), None));
        assert!(left.maybe_cursor.is_some());
        state.commit();
        assert_eq!(state.len(), 2);
        let left = state.enter(|| unhashed::clear_prefix(b"p", Some(2), None));
        assert!(left.maybe_cursor.is_none());
        state.commit();
        assert_eq!(state.len(), 1);
    }
}
