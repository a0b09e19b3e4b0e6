//! Keys that change.

use frame_support::{
    parameter_types,
    traits::{
        fungible::{Balanced, Inspect},
        tokens::{Fortitude::Force, Precision::Exact, Preservation::Preserve},
    },
};
use pallet_transaction_payment::{FungibleAdapter, OnChargeTransaction, TxCreditHold};
use sp_runtime::{
    traits::{DispatchInfoOf, PostDispatchInfoOf},
    transaction_validity::{InvalidTransaction, TransactionValidityError},
};

use super::{incentives::MaxProofLifetime, RootOrigin};
use crate::{
    AccountId, Balance, Balances, BlockNumber, Emission, Keys, Runtime, RuntimeCall, Stake,
    Subnets, TransactionPayment, ASY,
};

/// Blocks in a day at 6 s.
const DAYS: BlockNumber = 14_400;

parameter_types! {
    /// As much as a neuron costs at least on a network with something at stake: an exchange takes
    /// storage for ever and must not be a way to fill it.
    pub const HotkeySwapPrice: Balance = ASY / 10;
    /// Exchanging a key is for when it may be in wrong hands, which is not every hour.
    pub const HotkeySwapInterval: BlockNumber = DAYS;
    /// So that nobody freezes and thaws accounts for nothing.
    pub const ColdkeyChangePrice: Balance = ASY / 10;
    /// Time to notice an announcement that one did not make, over a weekend, too.
    pub const ColdkeyChangeDelay: BlockNumber = 5 * DAYS;
    /// Time to take over, before a change whose new coldkey never comes can be dropped.
    pub const ColdkeyChangeWindow: BlockNumber = 7 * DAYS;
}

impl pallet_keys::Config for Runtime {
    type Currency = Balances;
    type AdminOrigin = RootOrigin;
    type Neurons = Subnets;
    // The registry first: once hotkeys have their new owner, nothing new comes to the old one.
    type Holders = (Subnets, Stake, Emission);
    type HotkeySwapPrice = HotkeySwapPrice;
    type HotkeySwapInterval = HotkeySwapInterval;
    type MaxProofLifetime = MaxProofLifetime;
    type ColdkeyChangePrice = ColdkeyChangePrice;
    type ColdkeyChangeDelay = ColdkeyChangeDelay;
    type ColdkeyChangeWindow = ColdkeyChangeWindow;
    type WeightInfo = pallet_keys::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Setup;
}

/// How fees are charged where nothing is special. They burn: `()` drops them, and what is dropped
/// leaves the total issuance.
type Adapter = FungibleAdapter<Balances, ()>;

/// Charges fees as usual, with one exception: a coldkey that is frozen because it is being changed
/// pays for its dispute, and for nothing else, out of what is frozen.
pub struct Fees;

impl Fees {
    /// Whether this transaction is the dispute that a frozen coldkey may pay for. Without a tip, by
    /// which a thief could burn what it can't take.
    fn is_dispute(who: &AccountId, call: &RuntimeCall, tip: Balance) -> bool {
        let dispute = pallet_keys::Call::<Runtime>::dispute_coldkey_change {};
        tip == 0
            && matches!(call, RuntimeCall::Keys(call) if *call == dispute)
            && Keys::may_dispute(who)
    }
}

impl TxCreditHold<Runtime> for Fees {
    type Credit = <Adapter as TxCreditHold<Runtime>>::Credit;
}

impl OnChargeTransaction<Runtime> for Fees {
    type Balance = Balance;
    type LiquidityInfo = <Adapter as OnChargeTransaction<Runtime>>::LiquidityInfo;

    fn withdraw_fee(
        who: &AccountId,
        call: &RuntimeCall,
        info: &DispatchInfoOf<RuntimeCall>,
        fee_with_tip: Balance,
        tip: Balance,
    ) -> Result<Self::LiquidityInfo, TransactionValidityError> {
        if !Self::is_dispute(who, call, tip) {
            return <Adapter as OnChargeTransaction<Runtime>>::withdraw_fee(
                who,
                call,
                info,
                fee_with_tip,
                tip,
            );
        }
        let fee = Balances::withdraw(who, fee_with_tip, Exact, Preserve, Force)
            .map_err(|_| InvalidTransaction::Payment)?;
        TransactionPayment::deposit_txfee(fee);
        Ok(None)
    }

    fn can_withdraw_fee(
        who: &AccountId,
        call: &RuntimeCall,
        info: &DispatchInfoOf<RuntimeCall>,
        fee_with_tip: Balance,
        tip: Balance,
    ) -> Result<(), TransactionValidityError> {
        if !Self::is_dispute(who, call, tip) {
            return <Adapter as OnChargeTransaction<Runtime>>::can_withdraw_fee(
                who,
                call,
                info,
                fee_with_tip,
                tip,
            );
        }
        if Balances::reducible_balance(who, Preserve, Force) >= fee_with_tip {
            Ok(())
        } else {
            Err(InvalidTransaction::Payment.into())
        }
    }

    fn correct_and_deposit_fee(
        who: &AccountId,
        info: &DispatchInfoOf<RuntimeCall>,
        post_info: &PostDispatchInfoOf<RuntimeCall>,
        corrected_fee_with_tip: Balance,
        tip: Balance,
        paid: Self::LiquidityInfo,
    ) -> Result<(), TransactionValidityError> {
        let fee = corrected_fee_with_tip;
        <Adapter as OnChargeTransaction<Runtime>>::correct_and_deposit_fee(
            who, info, post_info, fee, tip, paid,
        )
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn endow_account(who: &AccountId, amount: Balance) {
        <Adapter as OnChargeTransaction<Runtime>>::endow_account(who, amount);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn minimum_balance() -> Balance {
        <Adapter as OnChargeTransaction<Runtime>>::minimum_balance()
    }
}
