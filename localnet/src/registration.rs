//! From an empty chain to a subnet whose validators are registered and staked. Miners register
//! themselves.

use crate::{
    accounts::{account, coldkey_uri, hotkey_uri, key, CREATOR, PAYER},
    cast::{Cast, ValidatorPlan},
    error::{Error, Tried},
};
use assay_chain_client::{calls, ChainClient};
use assay_primitives::{Balance, NetUid, TaskSpec, ASY};
use futures::future::try_join_all;

/// What the creator and each coldkey get beyond what they stake: enough for prices and fees.
const POCKET_MONEY: Balance = 100 * ASY;
/// The most that anything may cost here. Prices are far below; a surprise should stop the network.
pub const MAX_PRICE: Balance = 50 * ASY;

/// Gives everybody the money they need.
pub async fn fund(chain: &ChainClient, cast: &Cast) -> Result<(), Error> {
    let mut payments = vec![(account(CREATOR)?, POCKET_MONEY)];
    for miner in &cast.miners {
        payments.push((account(&coldkey_uri(&miner.name))?, POCKET_MONEY));
    }
    for validator in &cast.validators {
        let coldkey = account(&coldkey_uri(&validator.name))?;
        payments.push((coldkey, POCKET_MONEY + validator.stake));
    }
    let call = calls::transfer_all(&payments);
    chain
        .submit(&key(PAYER)?, &call)
        .await
        .trying("endowing the participants")?;
    Ok(())
}

/// Registers the subnet.
pub async fn create_subnet(chain: &ChainClient, task: &TaskSpec) -> Result<NetUid, Error> {
    const WHAT: &str = "registering the subnet";
    let call = calls::register_subnet(task, MAX_PRICE);
    let receipt = chain.submit(&key(CREATOR)?, &call).await.trying(WHAT)?;
    let missing = || assay_chain_client::ChainError::Incompatible {
        what: WHAT,
        reason: "the call succeeded and registered nothing".into(),
    };
    calls::registered_subnet(&receipt)
        .ok_or_else(missing)
        .trying(WHAT)
}

/// Registers the validators and stakes on them, all at once.
pub async fn add_validators(chain: &ChainClient, netuid: NetUid, cast: &Cast) -> Result<(), Error> {
    try_join_all(
        cast.validators
            .iter()
            .map(|plan| add_validator(chain, netuid, plan)),
    )
    .await?;
    Ok(())
}

async fn add_validator(
    chain: &ChainClient,
    netuid: NetUid,
    plan: &ValidatorPlan,
) -> Result<(), Error> {
    let (coldkey, hotkey) = (
        key(&coldkey_uri(&plan.name))?,
        key(&hotkey_uri(&plan.name))?,
    );
    let registering = format!("registering {}", plan.name);
    chain
        .register(&coldkey, &hotkey, netuid, MAX_PRICE)
        .await
        .trying(registering)?;
    let call = calls::add_stake(netuid, &hotkey.public_key().to_account_id(), plan.stake);
    chain
        .submit(&coldkey, &call)
        .await
        .trying(format!("staking on {}", plan.name))?;
    Ok(())
}
