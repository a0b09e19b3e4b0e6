//! The calls by which keys change.

use crate::{
    calls::PROOF_BLOCKS, connection::ChainClient, error::ChainError, runtime,
    runtime::runtime_types::assay_pallet_traits::proof::HotkeyProof, submit::TransactionReceipt,
    AccountId32, AssayConfig, SignsProofs,
};
use assay_primitives::{Balance, BlockNumber, SwapProofPayload};
use subxt::{
    transactions::{Payload, Signer},
    utils::Static,
};

/// Announces that everything the signer owns will be another coldkey's, and freezes its account.
pub fn announce_coldkey_change(new: &AccountId32) -> impl Payload {
    runtime::tx().keys().announce_coldkey_change(*new)
}

/// Disputes the announced change of the signer: root decides.
pub fn dispute_coldkey_change() -> impl Payload {
    runtime::tx().keys().dispute_coldkey_change()
}

/// Moves up to `limit` things of the old coldkey to the signer, the new one.
pub fn take_over_coldkey(old: &AccountId32, limit: u32) -> impl Payload {
    runtime::tx().keys().take_over_coldkey(*old, limit)
}

/// Drops a change whose new coldkey did not take over in time.
pub fn drop_coldkey_change(old: &AccountId32) -> impl Payload {
    runtime::tx().keys().drop_coldkey_change(*old)
}

/// A change of coldkey that a transaction announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnnouncedChange {
    /// The first block in which the new coldkey may take over.
    pub ready_at: BlockNumber,
    /// The first block in which it may not any more.
    pub expires_at: BlockNumber,
    /// What was burned for it.
    pub price: Balance,
}

/// The change of coldkey that a transaction announced.
pub fn announced_change(receipt: &TransactionReceipt) -> Option<AnnouncedChange> {
    let event = receipt.find_event::<runtime::keys::events::ColdkeyChangeAnnounced>()?;
    Some(AnnouncedChange {
        ready_at: event.ready_at,
        expires_at: event.expires_at,
        price: event.price,
    })
}

/// Whether a transaction moved the last of what belonged to a coldkey, and its money.
pub fn changed_coldkey(receipt: &TransactionReceipt) -> bool {
    let event = receipt.find_event::<runtime::keys::events::ColdkeyChanged>();
    event.is_some()
}

/// What the exchange of a hotkey in a transaction cost.
pub fn swap_price(receipt: &TransactionReceipt) -> Option<Balance> {
    let event = receipt.find_event::<runtime::keys::events::HotkeySwapped>()?;
    Some(event.price)
}

impl ChainClient {
    /// Exchanges the hotkey `old` for `new` in all subnets, paid by `coldkey`, which owns it. The
    /// new hotkey agrees by its signature.
    ///
    /// # Errors
    /// As [`ChainClient::submit`].
    pub async fn swap_hotkey<Hotkey: SignsProofs>(
        &self,
        coldkey: &impl Signer<AssayConfig>,
        old: &AccountId32,
        new: &Hotkey,
    ) -> Result<TransactionReceipt, ChainError> {
        let genesis = self.genesis_hash().await?.0;
        let now = self.at_finalized().await?.block().number;
        let payload = SwapProofPayload {
            genesis,
            coldkey: coldkey.account_id().0,
            old_hotkey: old.0,
            expires_at: now.saturating_add(PROOF_BLOCKS),
        };
        let proof = HotkeyProof {
            expires_at: payload.expires_at,
            signature: Static(new.sign_proof(&payload.to_bytes())),
        };
        let call = runtime::tx().keys().swap_hotkey(*old, new.account(), proof);
        self.submit(coldkey, &call).await
    }
}
