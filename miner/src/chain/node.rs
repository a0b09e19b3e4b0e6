//! The chain as an Assay node tells it.

use super::{Chain, ChainError, Neuron, Standing};
use crate::{
    config::{ChainSettings, ConfigError},
    Error,
};
use assay_chain_client::{calls, AccountId32, ChainClient, ChainConfig, Keypair};
use assay_primitives::{Balance, Endpoint, Metagraph, ModelAnnouncement, NetUid, Uid};
use assay_protocol::{keys::KeySource, Hotkey};
use async_trait::async_trait;
use std::{future::Future, sync::Arc};

/// One subnet through one node.
pub struct NodeChain {
    client: ChainClient,
    netuid: NetUid,
    hotkey: Keypair,
    coldkey: Option<Keypair>,
}

impl NodeChain {
    /// Loads the keys; the connection is opened when it is first needed.
    pub fn new(settings: &ChainSettings, hotkey: &KeySource) -> Result<Self, Error> {
        let hotkey = sr25519("hotkey", &hotkey.load().map_err(Error::Hotkey)?)?;
        let coldkey = match &settings.coldkey {
            Some(source) => Some(sr25519(
                "chain.coldkey",
                &source.load().map_err(Error::Coldkey)?,
            )?),
            None => None,
        };
        let mut config = ChainConfig::new(&settings.url);
        config.genesis = settings.genesis;
        let client = ChainClient::new(config);
        Ok(Self {
            client,
            netuid: settings.netuid,
            hotkey,
            coldkey,
        })
    }

    /// Wraps it for the services that share it.
    pub fn shared(self) -> Arc<dyn Chain> {
        Arc::new(self)
    }

    fn account(&self) -> AccountId32 {
        AccountId32(self.hotkey.public_key().0)
    }

    /// Who signs announcements: the coldkey where it is at hand, since it has the money for the fee.
    fn payer(&self) -> &Keypair {
        self.coldkey.as_ref().unwrap_or(&self.hotkey)
    }
}

/// Transactions are signed with sr25519 here. An ed25519 hotkey can serve and sign receipts, but is
/// registered and announced by hand.
fn sr25519(name: &'static str, key: &assay_protocol::Keypair) -> Result<Keypair, ConfigError> {
    key.as_sr25519()
        .cloned()
        .ok_or_else(|| ConfigError::Invalid {
            name,
            why: "must be sr25519 where `chain` is set: this miner signs transactions with it"
                .into(),
        })
}

/// Sorts what the client said by whether waiting may help.
async fn told<T>(
    answer: impl Future<Output = Result<T, assay_chain_client::ChainError>>,
) -> Result<T, ChainError> {
    answer.await.map_err(|why| {
        let text = why.to_string();
        if why.is_transient() {
            ChainError::Away(text)
        } else {
            ChainError::Refused(text)
        }
    })
}

#[async_trait]
impl Chain for NodeChain {
    async fn standing(&self) -> Result<Standing, ChainError> {
        let snapshot = told(self.client.at_finalized()).await?;
        let graph: Metagraph<AccountId32> = told(snapshot.metagraph(self.netuid)).await?;
        let registration_price = told(snapshot.registration_price(self.netuid)).await?;
        let account = self.account();
        let place = graph.hotkeys.iter().position(|hotkey| *hotkey == account);
        // Columns of a metagraph are equally long, and uids fit 16 bits; a node that breaks this
        // shows a miner that is not registered.
        let neuron = place.and_then(|index| {
            Some(Neuron {
                uid: Uid(u16::try_from(index).ok()?),
                endpoint: graph
                    .endpoints
                    .get(index)?
                    .clone()
                    .map(|announced| announced.what),
                model: (*graph.models.get(index)?).map(|announced| announced.what),
            })
        });
        let permitted = graph
            .hotkeys
            .iter()
            .zip(&graph.permits)
            .filter(|(_, permit)| **permit);
        let permit_holders = permitted.map(|(hotkey, _)| Hotkey(hotkey.0)).collect();
        Ok(Standing {
            neuron,
            registration_price,
            permit_holders,
        })
    }

    async fn register(&self, max_price: Balance) -> Result<(), ChainError> {
        let Some(coldkey) = &self.coldkey else {
            let why = "`chain.coldkey` is needed to register: it pays the price";
            return Err(ChainError::Refused(why.into()));
        };
        told(
            self.client
                .register(coldkey, &self.hotkey, self.netuid, max_price),
        )
        .await?;
        Ok(())
    }

    async fn announce(&self, endpoint: &Endpoint) -> Result<(), ChainError> {
        let call = calls::announce(self.netuid, &self.account(), endpoint);
        told(self.client.submit(self.payer(), &call)).await?;
        Ok(())
    }

    async fn announce_model(&self, model: &ModelAnnouncement) -> Result<(), ChainError> {
        let call = calls::announce_model(self.netuid, &self.account(), *model);
        told(self.client.submit(self.payer(), &call)).await?;
        Ok(())
    }
}
