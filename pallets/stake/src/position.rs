//! What a staker's position answers, and how it keeps what is on its way out.

use crate::types::{Chunk, Destination, Era, Holding, Pools, Position, Side};
use assay_primitives::Balance;
use core::fmt::Debug;
use frame_support::pallet_prelude::Get;

impl<AccountId: Clone + Debug + Eq, MaxChunks: Get<u32>> Position<AccountId, MaxChunks> {
    /// The holding of a side, to change.
    pub fn side_mut(&mut self, side: Side) -> &mut Holding {
        match side {
            Side::Own => &mut self.own,
            Side::Delegated => &mut self.delegated,
        }
    }

    /// The holding of a side.
    pub const fn side(&self, side: Side) -> &Holding {
        match side {
            Side::Own => &self.own,
            Side::Delegated => &self.delegated,
        }
    }

    /// What it is worth, without what is on its way out.
    pub fn value(&self, pools: &Pools) -> Balance {
        self.own
            .value(&pools.own)
            .saturating_add(self.delegated.value(&pools.delegated))
    }

    /// Whether it holds no shares but of what is on its way out.
    pub const fn holds_nothing(&self) -> bool {
        self.own.is_empty() && self.delegated.is_empty()
    }

    /// Whether there is nothing to remember of it.
    pub fn is_empty(&self) -> bool {
        self.holds_nothing() && self.unbonding.is_empty()
    }

    /// How many entries of what is on its way out go on to another place.
    pub fn moves(&self) -> u32 {
        // Bounded by a u32.
        self.unbonding
            .iter()
            .filter(|chunk| chunk.to.is_some())
            .count() as u32
    }

    /// Takes the entry of an era and a destination out, or a new one where there is none.
    pub fn take_chunk(&mut self, era: Era, to: Option<Destination<AccountId>>) -> Chunk<AccountId> {
        let same = |chunk: &Chunk<AccountId>| chunk.era == era && chunk.to == to;
        match self.unbonding.iter().position(same) {
            Some(index) => self.unbonding.remove(index),
            None => Chunk::new(era, to),
        }
    }

    /// Puts an entry where its era belongs, unless it holds nothing; gives it back where no room is
    /// left. There is room for one of each era that still waits, and for the moves allowed.
    pub fn put_chunk(&mut self, chunk: Chunk<AccountId>) -> Result<(), Chunk<AccountId>> {
        if chunk.is_empty() {
            return Ok(());
        }
        if self.unbonding.is_full() {
            return Err(chunk);
        }
        let at = self
            .unbonding
            .partition_point(|other| other.era <= chunk.era);
        // There is room, as was just seen.
        let _ = self.unbonding.try_insert(at, chunk);
        Ok(())
    }
}
