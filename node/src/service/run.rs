//! Everything that is running in a node.

use std::{path::PathBuf, sync::Arc, time::Duration};

use assay_runtime::{opaque::Block, Hash};
use sc_client_api::BlockBackend;
use sc_consensus_aura::{SlotProportion, StartAuraParams};
use sc_consensus_grandpa::{GrandpaParams, SharedVoterState, ThreeQuartersOfTheUnfinalizedChain};
use sc_consensus_slots::BackoffAuthoringOnFinalizedHeadLagging;
use sc_network::{
    config::FullNetworkConfiguration, service::traits::NetworkService, Litep2pNetworkBackend,
    NetworkBackend, NotificationService, ProtocolName,
};
use sc_network_sync::SyncingService;
use sc_service::{
    error::Error, BuildNetworkParams, Configuration, PartialComponents, SpawnTasksParams,
    TaskManager, WarpSyncConfig,
};
use sc_telemetry::{Telemetry, TelemetryHandle};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_aura::sr25519::AuthorityPair;
use sp_keystore::KeystorePtr;
use substrate_prometheus_endpoint::Registry;

use super::{
    assemble, inherents, Client, Extras, GrandpaImport, GrandpaLink, Pool, SelectChain,
    JUSTIFICATION_PERIOD,
};
use crate::rpc;

/// How long a vote takes to reach everyone, so how fast rounds of votes can follow each other. A
/// round waits four times this.
const GOSSIP_DURATION: Duration = Duration::from_millis(333);

/// Networks with short slots are small ones, and a round should be over within the slot: votes get
/// at most this part of one.
const GOSSIP_PART_OF_SLOT: u32 = 8;

/// The part of a slot in which an author fills a block. The rest is for the block to travel.
const PROPOSAL_PORTION: f32 = 2.0 / 3.0;

/// What making blocks and voting for their finality both need.
struct Shared {
    client: Arc<Client>,
    pool: Arc<Pool>,
    keystore: KeystorePtr,
    sync: Arc<SyncingService<Block>>,
    telemetry: Option<TelemetryHandle>,
    registry: Option<Registry>,
}

/// GRANDPA's share of the network.
struct Votes {
    protocol: ProtocolName,
    notifications: Box<dyn NotificationService>,
}

/// Starts a node. It runs as long as the returned manager is kept.
pub fn start(config: Configuration, compiled: Option<PathBuf>) -> Result<TaskManager, Error> {
    let PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other:
            Extras {
                grandpa_import,
                grandpa_link,
                mut telemetry,
            },
    } = assemble(&config, compiled)?;

    let (net_config, votes, metrics) = network_config(&config, &client)?;
    let warp_sync = sc_consensus_grandpa::warp_proof::NetworkProvider::new(
        backend.clone(),
        grandpa_link.shared_authority_set().clone(),
        Vec::new(),
    );
    let (network, system_rpc_tx, tx_handler_controller, sync, _) =
        sc_service::build_network(BuildNetworkParams {
            config: &config,
            net_config,
            client: client.clone(),
            transaction_pool: transaction_pool.clone(),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: Some(WarpSyncConfig::WithProvider(Arc::new(warp_sync))),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;

    let makes_blocks = config.role.is_authority();
    let force_authoring = config.force_authoring;
    let slot_duration = sc_consensus_aura::slot_duration(&*client)?;
    let gossip_duration = GOSSIP_DURATION.min(slot_duration.as_duration() / GOSSIP_PART_OF_SLOT);
    let voter_config = (!config.disable_grandpa).then(|| {
        let keystore = keystore_container.keystore();
        voter_config(&config, votes.protocol, keystore, gossip_duration)
    });
    let registry = config.prometheus_registry().cloned();
    let (rpc_client, rpc_pool) = (client.clone(), transaction_pool.clone());
    sc_service::spawn_tasks(SpawnTasksParams {
        config,
        client: client.clone(),
        backend,
        task_manager: &mut task_manager,
        keystore: keystore_container.keystore(),
        transaction_pool: transaction_pool.clone(),
        rpc_builder: Box::new(move |_| {
            rpc::methods(rpc_client.clone(), rpc_pool.clone())
                .map_err(|error| Error::Application(error.into()))
        }),
        network: network.clone(),
        system_rpc_tx,
        tx_handler_controller,
        sync_service: sync.clone(),
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    let shared = Shared {
        client,
        pool: transaction_pool,
        keystore: keystore_container.keystore(),
        sync,
        telemetry: telemetry.as_ref().map(Telemetry::handle),
        registry,
    };
    if makes_blocks {
        make_blocks(
            &shared,
            &task_manager,
            select_chain,
            grandpa_import,
            force_authoring,
        )?;
    }
    if let Some(voter_config) = voter_config {
        finalize(
            shared,
            &task_manager,
            voter_config,
            grandpa_link,
            network,
            votes.notifications,
        )?;
    }
    Ok(task_manager)
}

type NetConfig = FullNetworkConfiguration<Block, Hash, Litep2pNetworkBackend>;

/// The network's configuration, with GRANDPA's protocol in it.
fn network_config(
    config: &Configuration,
    client: &Client,
) -> Result<(NetConfig, Votes, sc_network::NotificationMetrics), Error> {
    let registry = config.prometheus_registry();
    let mut net_config = NetConfig::new(&config.network, registry.cloned());
    let metrics =
        <Litep2pNetworkBackend as NetworkBackend<Block, Hash>>::register_notification_metrics(
            registry,
        );
    let genesis = client.block_hash(0)?.ok_or_else(|| {
        Error::Other("the database holds no genesis block: run `purge-chain` first".into())
    })?;
    let protocol = sc_consensus_grandpa::protocol_standard_name(&genesis, &config.chain_spec);
    let (protocol_config, notifications) =
        sc_consensus_grandpa::grandpa_peers_set_config::<Block, Litep2pNetworkBackend>(
            protocol.clone(),
            metrics.clone(),
            net_config.peer_store_handle(),
        );
    net_config.add_notification_protocol(protocol_config);
    Ok((
        net_config,
        Votes {
            protocol,
            notifications,
        },
        metrics,
    ))
}

fn voter_config(
    config: &Configuration,
    protocol_name: ProtocolName,
    keystore: KeystorePtr,
    gossip_duration: Duration,
) -> sc_consensus_grandpa::Config {
    sc_consensus_grandpa::Config {
        gossip_duration,
        justification_generation_period: JUSTIFICATION_PERIOD,
        observer_enabled: false,
        local_role: config.role,
        name: Some(config.network.node_name.clone()),
        // Without keys a node follows the votes and casts none.
        keystore: config.role.is_authority().then_some(keystore),
        telemetry: None,
        protocol_name,
    }
}

/// Starts making a block in every slot that is ours.
fn make_blocks(
    shared: &Shared,
    task_manager: &TaskManager,
    select_chain: SelectChain,
    block_import: GrandpaImport,
    force_authoring: bool,
) -> Result<(), Error> {
    let slot_duration = sc_consensus_aura::slot_duration(&*shared.client)?;
    let proposer_factory = sc_basic_authorship::ProposerFactory::new(
        task_manager.spawn_handle(),
        shared.client.clone(),
        shared.pool.clone(),
        shared.registry.as_ref(),
        shared.telemetry.clone(),
    );
    let aura = sc_consensus_aura::start_aura::<AuthorityPair, _, _, _, _, _, _, _, _, _, _>(
        StartAuraParams {
            slot_duration,
            client: shared.client.clone(),
            select_chain,
            block_import,
            proposer_factory,
            sync_oracle: shared.sync.clone(),
            justification_sync_link: shared.sync.clone(),
            create_inherent_data_providers: move |_, ()| async move { Ok(inherents(slot_duration)) },
            force_authoring,
            backoff_authoring_blocks: Some(BackoffAuthoringOnFinalizedHeadLagging::default()),
            keystore: shared.keystore.clone(),
            block_proposal_slot_portion: SlotProportion::new(PROPOSAL_PORTION),
            max_block_proposal_slot_portion: None,
            telemetry: shared.telemetry.clone(),
            compatibility_mode: Default::default(),
        },
    )?;
    // Essential: an author that stopped making blocks must not look as if it worked.
    task_manager
        .spawn_essential_handle()
        .spawn_blocking("aura", Some("block-authoring"), aura);
    Ok(())
}

/// Starts voting for finality, or following the votes where this node has no keys.
fn finalize(
    shared: Shared,
    task_manager: &TaskManager,
    mut config: sc_consensus_grandpa::Config,
    link: GrandpaLink,
    network: Arc<dyn NetworkService>,
    notification_service: Box<dyn NotificationService>,
) -> Result<(), Error> {
    config.telemetry = shared.telemetry.clone();
    let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
        config,
        link,
        network,
        sync: shared.sync,
        notification_service,
        // Up to the best block, without the default's distance of two. That distance spares rounds
        // on blocks that a fork undoes; with authors who take turns forks are rare, and a vote for
        // one that loses costs a round and nothing else. Clients read finalized blocks only, so
        // they would wait for the distance every time. A long unfinalized chain is still caught up
        // with in steps.
        voting_rule: ThreeQuartersOfTheUnfinalizedChain,
        prometheus_registry: shared.registry,
        shared_voter_state: SharedVoterState::empty(),
        telemetry: shared.telemetry,
        offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(shared.pool),
    })?;
    task_manager
        .spawn_essential_handle()
        .spawn_blocking("grandpa-voter", None, voter);
    Ok(())
}
