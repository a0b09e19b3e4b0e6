//! How a subnet ends: what each pallet that keeps something under a netuid must let go of.
//!
//! ```text
//! start ── Teardown::begin, at once ──► steps over blocks ── Teardown::step ──► Done: number free
//!          nothing may be added              bounded by a meter                  next generation
//!          or earned any more
//! ```
//!
//! From the start on, [`Subnets::exists`](crate::Subnets::exists) says no and
//! [`Subnets::dissolving`](crate::Subnets::dissolving) names the generation, until the last key is
//! gone.

use assay_primitives::{Generation, NetUid};
use frame_support::weights::{Weight, WeightMeter};
use sp_io::MultiRemovalResults;

/// How far a piece of work came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left.
    Done,
    /// Something is left for another block.
    Pending,
}

/// Lets go of everything that is kept under a netuid.
pub trait Teardown {
    /// The subnet ends: does at once what must not wait, so that nothing is earned, scheduled or
    /// issued for it any more. Bounded by [`Self::begin_weight`].
    fn begin(netuid: NetUid);

    /// What [`Self::begin`] costs at most.
    fn begin_weight() -> Weight;

    /// Removes as much as `meter` pays for of what is kept under the netuid, whose `generation`
    /// ends. Called once a block until nothing is left, also again after it said [`Progress::Done`].
    fn step(netuid: NetUid, generation: Generation, meter: &mut WeightMeter) -> Progress;

    /// A weight with which [`Self::step`] always gets something done, or finds that nothing is
    /// left: a block's budget must not be smaller.
    fn least_weight() -> Weight;
}

/// Clears a prefix as far as a meter pays for it. `clear` removes at most so many keys, as the
/// `clear_prefix` of every map does.
///
/// To be called once per prefix and block: the storage below keeps no cursor and counts only keys
/// of earlier blocks, so that a second call in a block would count, and charge for, the same keys
/// again and remove nothing.
pub fn clear_within(
    meter: &mut WeightMeter,
    per_key: Weight,
    clear: impl FnOnce(u32) -> MultiRemovalResults,
) -> Progress {
    let affordable = affordable(meter, per_key);
    if affordable == 0 {
        return Progress::Pending;
    }
    let removed = clear(affordable);
    // Finding that there is nothing costs as much as finding one.
    let looked_at = removed.loops.max(removed.unique).max(1);
    meter.consume(per_key.saturating_mul(looked_at.into()));
    match removed.maybe_cursor {
        None => Progress::Done,
        Some(_) => Progress::Pending,
    }
}

/// How many pieces of work at this weight a meter still pays for.
pub fn affordable(meter: &WeightMeter, piece: Weight) -> u32 {
    let pieces = meter.remaining().checked_div_per_component(&piece);
    // A piece that costs nothing can be done any number of times.
    pieces.map_or(u32::MAX, |pieces| u32::try_from(pieces).unwrap_or(u32::MAX))
}

macro_rules! for_tuples {
    ($($name:ident)*) => {
        impl<$($name: Teardown),*> Teardown for ($($name,)*) {
            fn begin(_netuid: NetUid) {
                $($name::begin(_netuid);)*
            }

            fn begin_weight() -> Weight {
                Weight::zero()$(.saturating_add($name::begin_weight()))*
            }

            fn step(
                _netuid: NetUid,
                _generation: Generation,
                _meter: &mut WeightMeter,
            ) -> Progress {
                $(
                    if $name::step(_netuid, _generation, _meter) == Progress::Pending {
                        return Progress::Pending;
                    }
                )*
                Progress::Done
            }

            fn least_weight() -> Weight {
                Weight::zero()$(.saturating_add($name::least_weight()))*
            }
        }
    };
}

for_tuples!();
for_tuples!(A);
for_tuples!(A B);
for_tuples!(A B C);
for_tuples!(A B C D);

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(pieces: u64) -> WeightMeter {
        WeightMeter::with_limit(Weight::from_parts(10 * pieces, u64::MAX))
    }

    const PIECE: Weight = Weight::from_parts(10, 0);

    fn removed(count: u32, left: bool) -> MultiRemovalResults {
        MultiRemovalResults {
            maybe_cursor: left.then(|| vec![1]),
            backend: count,
            unique: count,
            loops: count,
        }
    }

    #[test]
    fn clear_within_asks_for_what_is_paid_for_and_charges_for_what_was_removed() {
        let mut meter = meter(5);
        let progress = clear_within(&mut meter, PIECE, |limit| {
            assert_eq!(limit, 5);
            removed(3, false)
        });
        assert_eq!(progress, Progress::Done);
        assert_eq!(meter.consumed(), PIECE * 3);
        let nothing = clear_within(&mut meter, PIECE, |_| removed(0, false));
        assert_eq!(nothing, Progress::Done);
        assert_eq!(meter.consumed(), PIECE * 4);
        let some = clear_within(&mut meter, PIECE, |limit| removed(limit, true));
        assert_eq!(some, Progress::Pending);
        let unasked = clear_within(&mut meter, PIECE, |_| panic!("nothing is left to pay with"));
        assert_eq!(unasked, Progress::Pending);
    }

    #[test]
    fn affordable_is_without_bound_when_work_is_free() {
        assert_eq!(affordable(&meter(3), PIECE), 3);
        assert_eq!(affordable(&meter(3), Weight::zero()), u32::MAX);
    }
}
