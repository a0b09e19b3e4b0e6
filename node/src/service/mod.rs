//! Puts the node together: database, transaction pool, network, RPC, and for authors the making
//! (Aura) and finalizing (GRANDPA) of blocks.
//!
//! ```text
//!   network ──► import queue ──► GRANDPA import ──► client ──► database
//!      ▲                                              │
//!      ├── GRANDPA voter ◄── finality link ───────────┤
//!      └── Aura author ◄──── transaction pool ◄───────┴── RPC
//! ```

mod run;

pub use run::start;

use std::{path::PathBuf, sync::Arc};

use assay_runtime::{opaque::Block, RuntimeApi};
use sc_consensus_aura::ImportQueueParams;
use sc_executor::{
    HeapAllocStrategy, RuntimeVersion, RuntimeVersionOf, WasmExecutor, DEFAULT_HEAP_ALLOC_STRATEGY,
};
use sc_service::{
    config::ExecutorConfiguration, error::Error, Configuration, PartialComponents, TaskManager,
};
use sc_telemetry::{Telemetry, TelemetryHandle, TelemetryWorker};
use sp_consensus_aura::{
    inherents::InherentDataProvider as SlotProvider, sr25519::AuthorityPair, SlotDuration,
};
use sp_core::traits::{RuntimeCode, WrappedRuntimeCode};
use sp_runtime::traits::{BlakeTwo256, Hash as _};
use sp_state_machine::BasicExternalities;
use sp_timestamp::InherentDataProvider as TimeProvider;

type Executor = WasmExecutor<sp_io::SubstrateHostFunctions>;
type Client = sc_service::TFullClient<Block, RuntimeApi, Executor>;
type Backend = sc_service::TFullBackend<Block>;
type SelectChain = sc_consensus::LongestChain<Backend, Block>;
type ImportQueue = sc_consensus::DefaultImportQueue<Block>;
type Pool = sc_transaction_pool::TransactionPoolHandle<Block, Client>;
type GrandpaImport = sc_consensus_grandpa::GrandpaBlockImport<Backend, Block, Client, SelectChain>;
type GrandpaLink = sc_consensus_grandpa::LinkHalf<Block, Client, SelectChain>;

/// At least every so many blocks a justification is kept, by which others can trust what was
/// finalized without having watched.
const JUSTIFICATION_PERIOD: u32 = 512;

/// What [`assemble`] makes beside the usual.
pub struct Extras {
    grandpa_import: GrandpaImport,
    grandpa_link: GrandpaLink,
    telemetry: Option<Telemetry>,
}

/// The parts that every command needs, with nothing running that makes blocks or talks to others.
pub type Parts = PartialComponents<Client, Backend, SelectChain, ImportQueue, Pool, Extras>;

/// Opens the database and builds what is needed to read and import blocks. Compiled runtimes are
/// kept in `compiled`, if there is such a folder.
pub fn assemble(config: &Configuration, compiled: Option<PathBuf>) -> Result<Parts, Error> {
    let worker = telemetry_worker(config)?;
    let (client, backend, keystore_container, task_manager) =
        sc_service::new_full_parts::<Block, RuntimeApi, _>(
            config,
            worker.as_ref().map(|(_, telemetry)| telemetry.handle()),
            executor(&config.executor, compiled),
            Vec::new(),
        )?;
    let client = Arc::new(client);
    let telemetry = worker.map(|(worker, telemetry)| {
        task_manager
            .spawn_handle()
            .spawn("telemetry", None, worker.run());
        telemetry
    });
    let handle = telemetry.as_ref().map(Telemetry::handle);

    let select_chain = sc_consensus::LongestChain::new(backend.clone());
    let transaction_pool = Arc::from(
        sc_transaction_pool::Builder::new(
            task_manager.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .with_prometheus(config.prometheus_registry())
        .build(),
    );
    let (grandpa_import, grandpa_link) = sc_consensus_grandpa::block_import(
        client.clone(),
        JUSTIFICATION_PERIOD,
        &client,
        select_chain.clone(),
        handle.clone(),
    )?;
    let import_queue = import_queue(config, &client, &task_manager, &grandpa_import, handle)?;

    Ok(PartialComponents {
        client,
        backend,
        task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: Extras {
            grandpa_import,
            grandpa_link,
            telemetry,
        },
    })
}

/// The SDK's executor, but one that keeps what it compiled.
fn executor(config: &ExecutorConfiguration, compiled: Option<PathBuf>) -> Executor {
    let heap = config
        .default_heap_pages
        .map_or(DEFAULT_HEAP_ALLOC_STRATEGY, |pages| {
            HeapAllocStrategy::Static {
                extra_pages: u32::try_from(pages).unwrap_or(u32::MAX),
            }
        });
    let mut builder = Executor::builder()
        .with_execution_method(config.wasm_method)
        .with_onchain_heap_alloc_strategy(heap)
        .with_offchain_heap_alloc_strategy(heap)
        .with_max_runtime_instances(config.max_runtime_instances)
        .with_runtime_cache_size(config.runtime_cache_size);
    if let Some(folder) = compiled {
        builder = builder.with_cache_path(folder);
    }
    builder.build()
}

/// Compiles a runtime that no chain has yet, into `folder`, and says which it is.
pub fn compile(code: &[u8], folder: PathBuf) -> Result<RuntimeVersion, sc_executor::error::Error> {
    let executor = executor(&ExecutorConfiguration::default(), Some(folder));
    let fetcher = WrappedRuntimeCode(code.into());
    let runtime = RuntimeCode {
        code_fetcher: &fetcher,
        heap_pages: None,
        hash: BlakeTwo256::hash(code).as_bytes().to_vec(),
    };
    executor.runtime_version(&mut BasicExternalities::new_empty(), &runtime)
}

fn telemetry_worker(
    config: &Configuration,
) -> Result<Option<(TelemetryWorker, Telemetry)>, sc_telemetry::Error> {
    let Some(endpoints) = config.telemetry_endpoints.clone().filter(|e| !e.is_empty()) else {
        return Ok(None);
    };
    let worker = TelemetryWorker::new(16)?;
    let telemetry = worker.handle().new_telemetry(endpoints);
    Ok(Some((worker, telemetry)))
}

/// Checks and imports the blocks that others made.
fn import_queue(
    config: &Configuration,
    client: &Arc<Client>,
    task_manager: &TaskManager,
    grandpa_import: &GrandpaImport,
    telemetry: Option<TelemetryHandle>,
) -> Result<ImportQueue, Error> {
    // A network's slots are as long as its genesis says, for good.
    let slot_duration = sc_consensus_aura::slot_duration(&**client)?;
    let queue = sc_consensus_aura::import_queue::<AuthorityPair, _, _, _, _, _>(
        ImportQueueParams {
            block_import: grandpa_import.clone(),
            justification_import: Some(Box::new(grandpa_import.clone())),
            client: client.clone(),
            create_inherent_data_providers: move |_, ()| async move { Ok(inherents(slot_duration)) },
            spawner: &task_manager.spawn_essential_handle(),
            registry: config.prometheus_registry(),
            check_for_equivocation: Default::default(),
            telemetry,
            compatibility_mode: Default::default(),
        },
    )?;
    Ok(queue)
}

/// What a block has to carry by the clock: its slot and its time.
fn inherents(slot_duration: SlotDuration) -> (SlotProvider, TimeProvider) {
    let time = TimeProvider::from_system_time();
    let slot = SlotProvider::from_timestamp_and_slot_duration(*time, slot_duration);
    (slot, time)
}
