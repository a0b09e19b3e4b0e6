//! The runtime under measurement: its Wasm, a database with its genesis, and the executor.

use std::{borrow::Cow, sync::Arc};

use anyhow::{anyhow, ensure, Context, Result};
use codec::{Decode, Encode};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use sc_client_db::BenchmarkingState;
use sc_executor::{HeapAllocStrategy, WasmExecutor};
use sp_core::traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode};
use sp_externalities::Extensions;
use sp_keystore::{testing::MemoryKeystore, KeystoreExt};
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::{BasicExternalities, OverlayedChanges, StateMachine};
use sp_storage::Storage;

/// What a node offers its runtime, and what benchmarks ask for besides.
type HostFunctions = (
    sp_io::SubstrateHostFunctions,
    frame_benchmarking::benchmarking::HostFunctions,
);

/// A node's own limit.
const HEAP: HeapAllocStrategy = HeapAllocStrategy::Static { extra_pages: 2_048 };

/// Whether the database writes down what is read and written, which takes time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracking {
    /// Accesses are counted; times mean nothing.
    On,
    /// Times are a node's; no access is counted.
    Off,
}

/// A runtime at its default genesis.
pub struct Subject {
    wasm: Vec<u8>,
    executor: WasmExecutor<HostFunctions>,
    genesis: Storage,
}

impl Subject {
    /// Compiles the Wasm and builds its genesis.
    pub fn new(wasm: Vec<u8>) -> Result<Self> {
        let executor = WasmExecutor::builder()
            .with_onchain_heap_alloc_strategy(HEAP)
            .with_offchain_heap_alloc_strategy(HEAP)
            .build();
        let mut subject = Self {
            wasm,
            executor,
            genesis: Storage::default(),
        };
        subject.genesis = subject.build_genesis()?;
        Ok(subject)
    }

    /// The lists of benchmarks by pallet; with `extra` also those that make no weights.
    pub fn benchmarks(&self, extra: bool) -> Result<Vec<BenchmarkList>> {
        // What is stored where, the second part, is of no interest here.
        let bytes = self.call(
            "Benchmark_benchmark_metadata",
            &extra.encode(),
            Tracking::Off,
        )?;
        Vec::<BenchmarkList>::decode(&mut &bytes[..])
            .context("the list of benchmarks is not what it used to be")
    }

    /// Runs one benchmark from genesis.
    pub fn dispatch(
        &self,
        config: &BenchmarkConfig,
        tracking: Tracking,
    ) -> Result<Vec<BenchmarkBatch>> {
        let bytes = self.call("Benchmark_dispatch_benchmark", &config.encode(), tracking)?;
        <Result<Vec<BenchmarkBatch>, String>>::decode(&mut &bytes[..])
            .context("the outcome of a benchmark is not what it used to be")?
            .map_err(|reason| anyhow!(reason))
    }

    fn call(&self, method: &str, data: &[u8], tracking: Tracking) -> Result<Vec<u8>> {
        let tracking = tracking == Tracking::On;
        let genesis = self.genesis.clone();
        let state = BenchmarkingState::<BlakeTwo256>::new(genesis, None, false, tracking)
            .map_err(|reason| anyhow!(reason))?;
        let mut changes = OverlayedChanges::default();
        let mut extensions = Extensions::new();
        extensions.register(KeystoreExt(Arc::new(MemoryKeystore::new())));
        let fetcher = WrappedRuntimeCode(Cow::Borrowed(&self.wasm));
        let code = code(&fetcher);
        // Named, so that the machine is gone before what it borrows.
        let outcome = StateMachine::new(
            &state,
            &mut changes,
            &self.executor,
            method,
            data,
            &mut extensions,
            &code,
            CallContext::Offchain,
        )
        .execute();
        outcome.map_err(|reason| anyhow!("{method}: {reason}"))
    }

    fn build_genesis(&self) -> Result<Storage> {
        let mut storage = BasicExternalities::default();
        let mut call = |method: &str, data: Vec<u8>| {
            let fetcher = WrappedRuntimeCode(Cow::Borrowed(&self.wasm));
            let context = CallContext::Offchain;
            let (outcome, _) =
                self.executor
                    .call(&mut storage, &code(&fetcher), method, &data, context);
            outcome.map_err(|reason| anyhow!("{method}: {reason}"))
        };
        let none: Option<Vec<u8>> = None;
        let bytes = call("GenesisBuilder_get_preset", none.encode())?;
        let default = Option::<Vec<u8>>::decode(&mut &bytes[..])?
            .context("the runtime has no default genesis")?;
        let bytes = call("GenesisBuilder_build_state", default.encode())?;
        let built = <Result<(), String>>::decode(&mut &bytes[..])?;
        ensure!(
            built.is_ok(),
            "the default genesis can't be built: {built:?}"
        );
        Ok(storage.into_storages())
    }
}

fn code<'a>(fetcher: &'a WrappedRuntimeCode<'a>) -> RuntimeCode<'a> {
    RuntimeCode {
        code_fetcher: fetcher,
        heap_pages: None,
        // There is one, so any name tells it from others.
        hash: b"assay".to_vec(),
    }
}
