use crate::{mock::*, NetworkParameters, Parameters, SubnetPrice};
use assay_pallet_traits::AdmissionPolicy;
use frame_support::traits::Hooks;

#[test]
fn genesis_keeps_what_differs_between_networks() {
    ExtBuilder::default()
        .with(|parameters| parameters.admit_on_creation = true)
        .build_and_execute(|| {
            assert_eq!(NetworkParameters::<Test>::get().subnet_price_floor, 1_000);
            assert!(Subnets::admitted_on_creation());
            assert_eq!(SubnetPrice::<Test>::get(), None);
            assert_eq!(Subnets::subnet_price(), 1_000);
        });
}

#[test]
#[should_panic(expected = "registrationPriceFloor must not be above registrationPriceCeiling")]
fn genesis_fails_when_a_floor_is_above_its_ceiling() {
    ExtBuilder::default()
        .with(|parameters| parameters.registration_price_ceiling = 1)
        .build();
}

#[test]
fn parameters_read_as_json_and_refuse_unknown_fields() {
    let parameters = Parameters::default();
    let json = serde_json::to_value(parameters).unwrap();
    assert_eq!(json["admitOnCreation"], false);
    assert_eq!(
        serde_json::from_value::<Parameters>(json.clone()).unwrap(),
        parameters
    );
    let mut unknown = json;
    unknown["floor"] = 1.into();
    assert!(serde_json::from_value::<Parameters>(unknown).is_err());
}

#[test]
fn integrity_test_passes_when_the_constants_agree() {
    Subnets::integrity_test();
}
