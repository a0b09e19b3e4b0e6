//! What clients may ask over JSON-RPC, besides what every Substrate node answers.

mod assay;

use std::sync::Arc;

use assay_runtime::{opaque::Block, AccountId, Balance, Nonce};
use assay_runtime_api::AssayApi;
use frame_system_rpc_runtime_api::AccountNonceApi;
use jsonrpsee::{core::RegisterMethodError, RpcModule};
use pallet_transaction_payment_rpc::{
    TransactionPayment, TransactionPaymentApiServer, TransactionPaymentRuntimeApi,
};
use sc_transaction_pool_api::TransactionPool;
use sp_api::ProvideRuntimeApi;
use sp_block_builder::BlockBuilder;
use sp_blockchain::{Error as BlockChainError, HeaderBackend, HeaderMetadata};
use substrate_frame_rpc_system::{System, SystemApiServer};

use self::assay::{Assay, AssayServer};

/// Puts together the methods that ask this chain's runtime.
pub fn methods<C, P>(client: Arc<C>, pool: Arc<P>) -> Result<RpcModule<()>, RegisterMethodError>
where
    C: ProvideRuntimeApi<Block>
        + HeaderBackend<Block>
        + HeaderMetadata<Block, Error = BlockChainError>
        + Send
        + Sync
        + 'static,
    C::Api: AssayApi<Block, AccountId>
        + AccountNonceApi<Block, AccountId, Nonce>
        + BlockBuilder<Block>
        + TransactionPaymentRuntimeApi<Block, Balance>,
    P: TransactionPool + 'static,
{
    let mut module = RpcModule::new(());
    module.merge(System::new(client.clone(), pool).into_rpc())?;
    module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
    module.merge(Assay::new(client).into_rpc())?;
    Ok(module)
}
