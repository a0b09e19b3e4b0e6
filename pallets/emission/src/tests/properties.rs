//! Whatever happens, in whatever order: nothing above the curve, and not a unit lost.

use crate::{mock::*, Claims, Supplied};
use assay_pallet_traits::{Issuer, SubnetHooks};
use assay_primitives::{Balance, NetUid, ASY};
use frame_support::assert_ok;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// Some blocks pass.
    Blocks(u8),
    /// A subnet's stake becomes so much.
    Stake(u16, Balance),
    /// A subnet's pot is paid to accounts, by parts of a thousand, and settled.
    Payout(u16, Vec<(u8, u16)>),
    /// A tiny payment, which may become a credit.
    Crumbs(u16, u8, Balance),
    /// A subnet is registered anew.
    Register(u16),
    /// Somebody claims.
    Claim(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let netuid = 1..=3u16;
    prop_oneof![
        (1..20u8).prop_map(Step::Blocks),
        (netuid.clone(), prop_oneof![Just(0), 0..1_000_000 * ASY])
            .prop_map(|(netuid, stake)| Step::Stake(netuid, stake)),
        (
            netuid.clone(),
            prop::collection::vec((1..20u8, 0..250u16), 0..4)
        )
            .prop_map(|(netuid, parts)| Step::Payout(netuid, parts)),
        (netuid.clone(), 1..20u8, 0..2 * EXISTENTIAL_DEPOSIT)
            .prop_map(|(netuid, to, amount)| Step::Crumbs(netuid, to, amount)),
        netuid.prop_map(Step::Register),
        (1..20u8).prop_map(Step::Claim),
    ]
}

fn run(step: Step) {
    match step {
        Step::Blocks(blocks) => run_blocks(blocks.into()),
        Step::Stake(netuid, stake) => set_stake(netuid, stake),
        Step::Payout(netuid, parts) => {
            let mut due = Emission::take_due(NetUid(netuid));
            for (to, part) in parts {
                let amount = due.amount() / 1_000 * Balance::from(part);
                Emission::pay(&mut due, &account(to), amount).unwrap();
            }
            assert_ok!(Emission::settle(due));
        }
        Step::Crumbs(netuid, to, amount) => {
            let mut due = Emission::take_due(NetUid(netuid));
            let paid = amount.min(due.amount());
            Emission::pay(&mut due, &account(to), paid).unwrap();
            assert_ok!(Emission::settle(due));
        }
        Step::Register(netuid) => Emission::on_subnet_registered(NetUid(netuid)),
        Step::Claim(to) => {
            // Without a credit, or while it is too small to stand alone, this is refused.
            let _ = Emission::claim(RuntimeOrigin::signed(account(to)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn issuance_is_conserved_and_never_above_the_curve(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        ExtBuilder::default().subnets(&[1, 2]).build_and_execute(|| {
            for step in steps {
                let shown = format!("{step:?}");
                run(step);
                Emission::do_try_state().unwrap_or_else(|error| panic!("{shown}: {error:?}"));
                // Nobody burns here, so all that was minted exists or waits to be claimed.
                let credits: Balance = Claims::<Test>::iter_values().sum();
                let minted = Supplied::<Test>::get().minted;
                assert_eq!(Balances::total_issuance() + credits, minted, "{shown}");
            }
        });
    }
}
