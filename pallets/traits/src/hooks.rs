//! News for those who keep something per subnet or per neuron.

use assay_primitives::{NetUid, Uid};
use frame_support::weights::Weight;

/// News about subnets.
pub trait SubnetHooks {
    /// A subnet was registered. Nothing is stored under its number yet.
    fn on_subnet_registered(netuid: NetUid);

    /// What [`Self::on_subnet_registered`] costs at most.
    fn on_subnet_registered_weight() -> Weight;
}

/// News about neurons.
pub trait NeuronHooks<AccountId> {
    /// A neuron took a place that nobody held.
    fn on_neuron_added(netuid: NetUid, uid: Uid);

    /// A place changes hands: whatever `old_hotkey` had there is cleared now. Its stake stays its
    /// stakers' own.
    fn on_neuron_replaced(netuid: NetUid, uid: Uid, old_hotkey: &AccountId);

    /// What either costs at most.
    fn on_neuron_weight() -> Weight;
}

macro_rules! for_tuples {
    ($($name:ident)*) => {
        impl<$($name: SubnetHooks),*> SubnetHooks for ($($name,)*) {
            fn on_subnet_registered(_netuid: NetUid) {
                $($name::on_subnet_registered(_netuid);)*
            }

            fn on_subnet_registered_weight() -> Weight {
                Weight::zero()$(.saturating_add($name::on_subnet_registered_weight()))*
            }
        }

        impl<AccountId, $($name: NeuronHooks<AccountId>),*> NeuronHooks<AccountId>
            for ($($name,)*)
        {
            fn on_neuron_added(_netuid: NetUid, _uid: Uid) {
                $($name::on_neuron_added(_netuid, _uid);)*
            }

            fn on_neuron_replaced(_netuid: NetUid, _uid: Uid, _old_hotkey: &AccountId) {
                $($name::on_neuron_replaced(_netuid, _uid, _old_hotkey);)*
            }

            fn on_neuron_weight() -> Weight {
                Weight::zero()$(.saturating_add($name::on_neuron_weight()))*
            }
        }
    };
}

for_tuples!();
for_tuples!(A);
for_tuples!(A B);
for_tuples!(A B C);
for_tuples!(A B C D);
