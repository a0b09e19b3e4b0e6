//! The integrity test.

use crate::{mock::*, EpochSize};
use frame_support::traits::Hooks;

fn integrity_test() {
    <Epoch as Hooks<u64>>::integrity_test();
}

#[test]
fn integrity_test_passes_when_the_largest_epoch_fits_a_third_of_a_slot() {
    execute(|| {
        assert_eq!(
            Epoch::largest(),
            EpochSize {
                neurons: 4096,
                validators: 768,
                committers: 2304,
                entries: 3 << 20
            }
        );
        integrity_test();
    });
}

#[test]
#[should_panic(expected = "the largest epoch allowed costs")]
fn integrity_test_fails_when_the_largest_epoch_does_not_fit() {
    execute(|| {
        Budget::set(Budget::get() / 2);
        integrity_test();
    });
}
