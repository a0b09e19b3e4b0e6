//! The chain as an Assay node tells it.

use super::{Callers, Chain, ChainError, Neuron, Standing};
use crate::{
    config::{ChainSettings, ConfigError},
    Error,
};
use assay_chain_client::{
    calls::{self, SignsProofs},
    AccountId32, ChainClient, ChainConfig, Keypair as Sr25519, MultiSignature,
};
use assay_primitives::{Balance, Endpoint, Metagraph, ModelAnnouncement, NetUid, Uid};
use assay_protocol::{keys::KeySource, Hotkey, Keypair, Scheme};
use async_trait::async_trait;
use std::{future::Future, sync::Arc};

/// One subnet through one node.
pub struct NodeChain {
    client: ChainClient,
    netuid: NetUid,
    hotkey: Keypair,
    /// Signs announcements: the coldkey where it is at hand, since it has the money for the fee.
    payer: Sr25519,
    coldkey: Option<Sr25519>,
}

impl NodeChain {
    /// Loads the keys; the connection is opened when it is first needed.
    pub fn new(settings: &ChainSettings, hotkey: &KeySource) -> Result<Self, Error> {
        let hotkey = hotkey.load().map_err(Error::Hotkey)?;
        let coldkey = match &settings.coldkey {
            Some(source) => {
                let key = source.load().map_err(Error::Coldkey)?;
                let why = "must be sr25519: this miner signs transactions with it";
                Some(sr25519(&key, "chain.coldkey", why)?)
            }
            None => None,
        };
        let payer = match &coldkey {
            Some(coldkey) => coldkey.clone(),
            None => {
                let why = "is needed with an ed25519 hotkey: transactions are signed with sr25519";
                sr25519(&hotkey, "chain.coldkey", why)?
            }
        };
        let mut config = ChainConfig::new(&settings.url);
        config.genesis = settings.genesis;
        let client = ChainClient::new(config);
        let netuid = settings.netuid;
        Ok(Self {
            client,
            netuid,
            hotkey,
            payer,
            coldkey,
        })
    }

    /// Wraps it for the services that share it.
    pub fn shared(self) -> Arc<dyn Chain> {
        Arc::new(self)
    }

    fn account(&self) -> AccountId32 {
        AccountId32(self.hotkey.hotkey().0)
    }
}

fn sr25519(key: &Keypair, name: &'static str, why: &str) -> Result<Sr25519, ConfigError> {
    let why = || ConfigError::Invalid {
        name,
        why: why.to_owned(),
    };
    key.as_sr25519().cloned().ok_or_else(why)
}

/// The hotkey as the one that agrees to be registered.
struct Agreeing<'a>(&'a Keypair);

impl SignsProofs for Agreeing<'_> {
    fn account(&self) -> AccountId32 {
        AccountId32(self.0.hotkey().0)
    }

    fn sign_proof(&self, payload: &[u8]) -> MultiSignature {
        let signature = self.0.sign(payload);
        match self.0.scheme() {
            Scheme::Sr25519 => MultiSignature::Sr25519(signature),
            Scheme::Ed25519 => MultiSignature::Ed25519(signature),
        }
    }
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
        let hotkeys = || graph.hotkeys.iter().map(|hotkey| Hotkey(hotkey.0));
        let permitted = hotkeys().zip(&graph.permits).filter(|(_, permit)| **permit);
        let callers = Callers {
            permits: permitted.map(|(hotkey, _)| hotkey).collect(),
            stakes: hotkeys().zip(graph.stake.iter().copied()).collect(),
        };
        Ok(Standing {
            neuron,
            registration_price,
            callers,
        })
    }

    async fn register(&self, max_price: Balance) -> Result<(), ChainError> {
        let Some(coldkey) = &self.coldkey else {
            let why = "`chain.coldkey` is needed to register: it pays the price";
            return Err(ChainError::Refused(why.into()));
        };
        told(
            self.client
                .register(coldkey, &Agreeing(&self.hotkey), self.netuid, max_price),
        )
        .await?;
        Ok(())
    }

    async fn announce(&self, endpoint: &Endpoint) -> Result<(), ChainError> {
        let call = calls::announce(self.netuid, &self.account(), endpoint);
        told(self.client.submit(&self.payer, &call)).await?;
        Ok(())
    }

    async fn announce_model(&self, model: &ModelAnnouncement) -> Result<(), ChainError> {
        let call = calls::announce_model(self.netuid, &self.account(), *model);
        told(self.client.submit(&self.payer, &call)).await?;
        Ok(())
    }
}
