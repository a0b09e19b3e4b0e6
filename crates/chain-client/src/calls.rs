//! The calls that Assay's programs make, in Assay's own types.

use crate::{
    connection::ChainClient,
    error::ChainError,
    runtime::{
        self,
        runtime_types::{
            assay_pallet_traits::proof::HotkeyProof, bounded_collections::bounded_vec::BoundedVec,
            pallet_subnets::pallet::Call as SubnetsCall,
        },
    },
    submit::TransactionReceipt,
    AccountId32, AssayConfig,
};
use assay_primitives::{
    Balance, BlockNumber, Digest, Endpoint, EpochIndex, Evidence, Generation, Hyperparameter,
    ModelAnnouncement, NetUid, Ratio16, RegistrationProofPayload, Salt, TaskSpec, TaskVersion, Uid,
};
use subxt::{
    transactions::{Payload, Signer},
    utils::{MultiAddress, MultiSignature, Static},
};

/// For how many blocks a hotkey's agreement, to be registered or to take another's place, holds.
pub(crate) const PROOF_BLOCKS: u32 = 100;

/// Sends money; an account that would be left below the existential deposit refuses.
pub fn transfer(to: &AccountId32, amount: Balance) -> impl Payload {
    runtime::tx()
        .balances()
        .transfer_keep_alive(MultiAddress::Id(*to), amount)
}

/// Sends money to many at once: all of it or none.
pub fn transfer_all(payments: &[(AccountId32, Balance)]) -> impl Payload {
    use runtime::runtime_types::{assay_runtime::RuntimeCall, pallet_balances::pallet::Call};
    let calls = payments
        .iter()
        .map(|(to, amount)| {
            let dest = MultiAddress::Id(*to);
            RuntimeCall::Balances(Call::transfer_keep_alive {
                dest,
                value: *amount,
            })
        })
        .collect();
    runtime::tx().utility().batch_all(calls)
}

/// Registers a subnet for at most `max_price`.
pub fn register_subnet(task: &TaskSpec, max_price: Balance) -> impl Payload {
    runtime::tx()
        .subnets()
        .register_subnet(Static(task.clone()), max_price)
}

/// Changes settings of a subnet from its next epoch on.
pub fn patch_hyperparameters(netuid: NetUid, changes: &[Hyperparameter]) -> impl Payload {
    let changes = BoundedVec(changes.iter().copied().map(Static).collect());
    runtime::tx()
        .subnets()
        .patch_hyperparameters(Static(netuid), changes)
}

/// Announces another task for a subnet. Signed by its owner.
pub fn update_task(netuid: NetUid, task: &TaskSpec) -> impl Payload {
    runtime::tx()
        .subnets()
        .update_task(Static(netuid), Static(task.clone()))
}

/// Offers a subnet to an account, or withdraws the offer. Signed by its owner.
pub fn offer_subnet(netuid: NetUid, to: Option<AccountId32>) -> impl Payload {
    runtime::tx().subnets().offer_subnet(Static(netuid), to)
}

/// Takes over a subnet that was offered to the signer.
pub fn accept_subnet(netuid: NetUid) -> impl Payload {
    runtime::tx().subnets().accept_subnet(Static(netuid))
}

/// Says whether a subnet's miners and owner are paid. Signed by the key of `sudo`, where there is
/// one.
pub fn sudo_set_admitted(netuid: NetUid, admitted: bool) -> impl Payload {
    by_sudo(SubnetsCall::set_admitted {
        netuid: Static(netuid),
        admitted,
    })
}

/// Replaces the runtime by one with a higher version. Signed by the key of `sudo`, where there is
/// one.
pub fn sudo_set_code(code: Vec<u8>) -> impl Payload {
    use runtime::runtime_types::{assay_runtime::RuntimeCall, frame_system::pallet::Call};
    let set = RuntimeCall::System(Call::set_code { code });
    runtime::tx().sudo().sudo(set)
}

/// Ends a subnet. Signed by the key of `sudo`, where there is one.
pub fn sudo_dissolve_subnet(netuid: NetUid) -> impl Payload {
    by_sudo(SubnetsCall::dissolve_subnet {
        netuid: Static(netuid),
    })
}

/// Changes settings of a subnet that are root's. Signed by the key of `sudo`, where there is one.
pub fn sudo_patch_hyperparameters(netuid: NetUid, changes: &[Hyperparameter]) -> impl Payload {
    by_sudo(SubnetsCall::patch_hyperparameters {
        netuid: Static(netuid),
        changes: BoundedVec(changes.iter().copied().map(Static).collect()),
    })
}

fn by_sudo(call: SubnetsCall) -> impl Payload {
    use runtime::runtime_types::assay_runtime::RuntimeCall;
    runtime::tx().sudo().sudo(RuntimeCall::Subnets(call))
}

/// Why a call that `sudo` made failed: the transaction itself succeeds either way.
pub fn sudo_failed(receipt: &TransactionReceipt) -> bool {
    receipt
        .find_event::<runtime::sudo::events::Sudid>()
        .is_some_and(|event| event.sudo_result.is_err())
}

/// What a transaction that registers a subnet came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubnetRegistration {
    /// It is registered.
    Registered(NetUid),
    /// It is paid for and registered as soon as this number is free.
    Waiting(NetUid),
}

/// What a transaction that registers a subnet came to.
pub fn subnet_registration(receipt: &TransactionReceipt) -> Option<SubnetRegistration> {
    let waiting = receipt.find_event::<runtime::subnets::events::RegistrationWaiting>();
    waiting
        .map(|event| SubnetRegistration::Waiting(event.netuid.0))
        .or_else(|| registered_subnet(receipt).map(SubnetRegistration::Registered))
}

/// The first epoch in which a task that a transaction announced is in force.
pub fn announced_task(receipt: &TransactionReceipt) -> Option<EpochIndex> {
    let event = receipt.find_event::<runtime::subnets::events::TaskAnnounced>()?;
    Some(event.from_epoch.0)
}

/// Says where a neuron listens. Signed by its hotkey or its coldkey.
pub fn announce(netuid: NetUid, hotkey: &AccountId32, endpoint: &Endpoint) -> impl Payload {
    runtime::tx()
        .subnets()
        .announce(Static(netuid), *hotkey, Static(endpoint.clone()))
}

/// Says which model a neuron serves. Signed by its hotkey or its coldkey.
pub fn announce_model(
    netuid: NetUid,
    hotkey: &AccountId32,
    model: ModelAnnouncement,
) -> impl Payload {
    runtime::tx()
        .subnets()
        .announce_model(Static(netuid), *hotkey, Static(model))
}

/// Stakes on a validator.
pub fn add_stake(netuid: NetUid, hotkey: &AccountId32, amount: Balance) -> impl Payload {
    runtime::tx()
        .stake()
        .add_stake(Static(netuid), *hotkey, amount)
}

/// Takes stake out, all of it without an amount. It can be withdrawn after the unbonding time.
pub fn remove_stake(netuid: NetUid, hotkey: &AccountId32, amount: Option<Balance>) -> impl Payload {
    runtime::tx()
        .stake()
        .remove_stake(Static(netuid), *hotkey, amount)
}

/// Withdraws what has finished unbonding.
pub fn withdraw(netuid: NetUid, hotkey: &AccountId32) -> impl Payload {
    runtime::tx().stake().withdraw(Static(netuid), *hotkey)
}

/// A position that is moved to another hotkey or another subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StakeMove {
    /// The subnet that it leaves.
    pub netuid: NetUid,
    /// The hotkey that it leaves.
    pub hotkey: AccountId32,
    /// The subnet that it goes to.
    pub to_netuid: NetUid,
    /// The hotkey that it goes to.
    pub to_hotkey: AccountId32,
    /// How much; all of it where this says nothing.
    pub amount: Option<Balance>,
}

/// Moves stake. It can arrive after the unbonding time.
pub fn move_stake(stake: &StakeMove) -> impl Payload {
    let StakeMove {
        netuid,
        hotkey,
        to_netuid,
        to_hotkey,
        amount,
    } = *stake;
    let (from, to) = (Static(netuid), Static(to_netuid));
    runtime::tx()
        .stake()
        .move_stake(from, hotkey, to, to_hotkey, amount)
}

/// Lets arrive what a coldkey moves from a hotkey. By anybody.
pub fn complete_move(coldkey: &AccountId32, netuid: NetUid, hotkey: &AccountId32) -> impl Payload {
    runtime::tx()
        .stake()
        .complete_move(*coldkey, Static(netuid), *hotkey)
}

/// The first block at which what a transaction moves can arrive.
pub fn arrives_at(receipt: &TransactionReceipt) -> Option<BlockNumber> {
    let event = receipt.find_event::<runtime::stake::events::StakeMoving>()?;
    Some(event.arrives_at)
}

/// Sets a validator's take. A higher one holds after a delay.
pub fn set_take(netuid: NetUid, hotkey: &AccountId32, take: Ratio16) -> impl Payload {
    runtime::tx()
        .stake()
        .set_take(Static(netuid), *hotkey, Static(take))
}

/// The block from which a take that a transaction set holds.
pub fn take_holds_from(receipt: &TransactionReceipt) -> Option<BlockNumber> {
    let event = receipt.find_event::<runtime::stake::events::TakeSet>()?;
    Some(event.from)
}

/// Withdraws what has finished unbonding of stake in a subnet that was dissolved.
pub fn withdraw_dissolved(
    netuid: NetUid,
    generation: Generation,
    hotkey: &AccountId32,
) -> impl Payload {
    runtime::tx()
        .stake()
        .withdraw_dissolved(Static(netuid), Static(generation), *hotkey)
}

/// Puts weights into force at once, in a subnet that allows it. Signed by the validator's hotkey; free.
pub fn set_weights(
    netuid: NetUid,
    targets: Vec<u16>,
    values: Vec<u16>,
    task_version: TaskVersion,
) -> impl Payload {
    runtime::tx().weights().set_weights(
        Static(netuid),
        BoundedVec(targets),
        BoundedVec(values),
        Static(task_version),
    )
}

/// Commits to weights for the open epoch. Signed by the validator's hotkey; free.
pub fn commit_weights(
    netuid: NetUid,
    epoch: EpochIndex,
    hash: Digest,
    next_seed: Digest,
) -> impl Payload {
    let weights = runtime::tx().weights();
    weights.commit_weights(
        Static(netuid),
        Static(epoch),
        Static(hash),
        Static(next_seed),
    )
}

/// What a commit bound and a reveal shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reveal {
    /// The epoch of the commit.
    pub epoch: EpochIndex,
    /// Uids, ascending.
    pub targets: Vec<u16>,
    /// Raw weights, one per target.
    pub values: Vec<u16>,
    /// The commit's salt.
    pub salt: Salt,
    /// The version of the task that the weights were computed for.
    pub task_version: TaskVersion,
    /// What they rest on.
    pub evidence: Evidence,
}

/// Opens a commit in its window. Signed by the validator's hotkey; free.
pub fn reveal_weights(netuid: NetUid, reveal: Reveal) -> impl Payload {
    let Reveal {
        epoch,
        targets,
        values,
        salt,
        task_version,
        evidence,
    } = reveal;
    runtime::tx().weights().reveal_weights(
        Static(netuid),
        Static(epoch),
        BoundedVec(targets),
        BoundedVec(values),
        salt,
        Static(task_version),
        Static(evidence),
    )
}

/// The subnet that a transaction registered.
pub fn registered_subnet(receipt: &TransactionReceipt) -> Option<NetUid> {
    let event = receipt.find_event::<runtime::subnets::events::SubnetRegistered>()?;
    Some(event.netuid.0)
}

/// A neuron that a transaction registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredNeuron {
    /// Its place.
    pub uid: Uid,
    /// What was burned for it.
    pub price: Balance,
}

/// The neuron that a transaction registered.
pub fn registered_neuron(receipt: &TransactionReceipt) -> Option<RegisteredNeuron> {
    let event = receipt.find_event::<runtime::subnets::events::NeuronRegistered>()?;
    Some(RegisteredNeuron {
        uid: event.uid.0,
        price: event.price,
    })
}

impl ChainClient {
    /// Registers `hotkey` in a subnet for at most `max_price`, paid and owned by `coldkey`. The
    /// hotkey agrees by its signature.
    ///
    /// # Errors
    /// As [`ChainClient::submit`], and [`ChainError::NoSuchSubnet`].
    pub async fn register<Hotkey: SignsProofs>(
        &self,
        coldkey: &impl Signer<AssayConfig>,
        hotkey: &Hotkey,
        netuid: NetUid,
        max_price: Balance,
    ) -> Result<TransactionReceipt, ChainError> {
        let genesis = self.genesis_hash().await?.0;
        let snapshot = self.at_finalized().await?;
        let generation = snapshot.subnet(netuid).await?.summary.generation;
        let expires_at = snapshot.block().number.saturating_add(PROOF_BLOCKS);
        let owner = coldkey.account_id().0;
        let payload = RegistrationProofPayload {
            genesis,
            netuid,
            generation,
            coldkey: owner,
            expires_at,
        };
        let signature = hotkey.sign_proof(&payload.to_bytes());
        let proof = HotkeyProof {
            expires_at,
            signature: Static(signature),
        };
        let (netuid, account) = (Static(netuid), hotkey.account());
        let call = runtime::tx()
            .subnets()
            .register(netuid, account, max_price, proof);
        self.submit(coldkey, &call).await
    }
}

/// A hotkey that can agree to be registered.
pub trait SignsProofs {
    /// The hotkey's account.
    fn account(&self) -> AccountId32;
    /// Signs the bytes of a [`RegistrationProofPayload`].
    fn sign_proof(&self, payload: &[u8]) -> MultiSignature;
}

impl SignsProofs for crate::Keypair {
    fn account(&self) -> AccountId32 {
        AccountId32(self.public_key().0)
    }

    fn sign_proof(&self, payload: &[u8]) -> MultiSignature {
        MultiSignature::Sr25519(self.sign(payload).0)
    }
}
