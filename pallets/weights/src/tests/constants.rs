//! The integrity test.

use crate::mock::*;
use frame_support::traits::Hooks;
use sp_runtime::Perbill;

#[test]
fn integrity_test_passes_when_constants_agree() {
    ExtBuilder::default().build_and_execute(Weights::integrity_test);
}

#[test]
#[should_panic(expected = "at most a quarter")]
fn integrity_test_fails_when_free_calls_may_take_more_than_a_quarter() {
    ExtBuilder::default().build_and_execute(|| {
        FreePart::set(Perbill::from_percent(26));
        Weights::integrity_test();
    });
}

#[test]
#[should_panic(expected = "the largest weight call must fit")]
fn integrity_test_fails_when_the_largest_call_does_not_fit() {
    ExtBuilder::default().build_and_execute(|| {
        FreePart::set(Perbill::from_parts(1_000));
        Weights::integrity_test();
    });
}
