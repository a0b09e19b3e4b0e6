//! What a pallet's benchmarks need of its neighbours before they measure.

use assay_primitives::{Balance, NetUid};

/// Puts a subnet of any size in place.
///
/// Benchmarks measure one call or hook in the largest state that it can meet. The way there by
/// calls alone would be thousands of signed ones for every measurement, so neighbours' state is
/// written as those calls would leave it. Only the runtime, which knows all pallets, can do that.
pub trait BenchmarkHelper<AccountId> {
    /// Registers an admitted subnet with the widest settings, and this many neurons in it: uid `n`
    /// is held by `account("hotkey", n, netuid)`, owned by `account("coldkey", n, netuid)`.
    fn subnet(neurons: u16) -> NetUid;

    /// Stakes on the first `hotkeys` uids, from the owner and from somebody else: on the first more
    /// than on all others together. All of it has entered.
    fn stake(netuid: NetUid, hotkeys: u16);

    /// Gives the first `validators` uids the right to validate.
    fn permit(netuid: NetUid, validators: u16);

    /// Puts rows of the first uids into force, each with weights on so many of the last uids.
    fn weigh(netuid: NetUid, rows: &[u16]);

    /// Leaves a commit of each of the last `committers` uids that expires with epoch `epoch`.
    fn commit(netuid: NetUid, committers: u16, epoch: u32);

    /// Has all neurons paid into their own bonds, the dearer of the two ways.
    fn pay_into_bonds(netuid: NetUid);

    /// Ends the subnet; nothing of it is gone yet.
    fn dissolve(netuid: NetUid);

    /// Makes up keys that were exchanged one after the other, so many times, the last of them for
    /// this hotkey. Returns the first.
    fn exchange(hotkey: &AccountId, times: u32) -> AccountId;

    /// Fills the subnet's pot.
    fn fund(netuid: NetUid, amount: Balance);
}
