//! The incentive maths as Wasm, in the executor that a node runs its runtime in.
//!
//! The module is `crates/yuma/wasm-guest`, which makes up the same subnets as the native benchmark
//! (`crates/yuma/benches/epoch.rs`). `cargo xtask bench` builds it, names it in
//! `ASSAY_YUMA_GUEST` and runs both, so that the figures of one run can be compared.

use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion, Throughput};
use sc_executor_common::{
    runtime_blob::RuntimeBlob,
    wasm_runtime::{HeapAllocStrategy, WasmInstance, WasmModule},
};
use sc_executor_wasmtime::{create_runtime, Config, InstantiationStrategy, Semantics};
use sp_io::SubstrateHostFunctions;
use std::time::{Duration, Instant};

/// Neurons and validators, as the module and the native benchmark have them.
const SIZES: [(u64, u64); 4] = [(64, 16), (256, 64), (1_024, 128), (4_096, 256)];
/// Names the module's file.
const GUEST: &str = "ASSAY_YUMA_GUEST";
/// Epochs that one call computes; the call that computes none is the measure of what else it does.
const EPOCHS: u8 = 8;
/// A node's own limit.
const HEAP: HeapAllocStrategy = HeapAllocStrategy::Static { extra_pages: 2_048 };

fn instance(module: &[u8]) -> Box<dyn WasmInstance> {
    let blob = RuntimeBlob::new(module).expect("the module is one that this executor can run");
    let semantics = Semantics {
        instantiation_strategy: InstantiationStrategy::RecreateInstance,
        deterministic_stack_limit: None,
        canonicalize_nans: false,
        parallel_compilation: true,
        heap_alloc_strategy: HEAP,
        wasm_multi_value: false,
        wasm_bulk_memory: false,
        wasm_reference_types: false,
        wasm_simd: false,
    };
    let config = Config {
        allow_missing_func_imports: false,
        cache_path: None,
        semantics,
    };
    let runtime = create_runtime::<SubstrateHostFunctions>(blob, config)
        .expect("the module imports nothing that a node lacks");
    runtime
        .new_instance(HEAP)
        .expect("the module's memory fits")
}

/// The time for `epochs` epochs and for making up the subnet.
fn call(instance: &mut dyn WasmInstance, size: u8, rule: u8, epochs: u8) -> Duration {
    let started = Instant::now();
    let answer = instance
        .call("epochs", &[size, rule, epochs])
        .expect("the module does not trap");
    assert_eq!(answer.len(), 8, "the module answers with one number");
    started.elapsed()
}

fn epoch(c: &mut Criterion) {
    let Some(path) = std::env::var_os(GUEST) else {
        eprintln!("{GUEST} is not set: `cargo xtask bench` builds the module and names it");
        return;
    };
    let module = std::fs::read(&path).expect("the module that was named can be read");
    let mut instance = instance(&module);
    let mut group = c.benchmark_group("epoch in wasm");
    group.sample_size(10);
    for (size, (n, validators)) in SIZES.into_iter().enumerate() {
        group.throughput(Throughput::Elements(n * validators));
        for (rule, name) in ["relative", "classic", "liquid"].into_iter().enumerate() {
            let (size, rule) = (size as u8, rule as u8);
            let id = BenchmarkId::new(name, format!("{n}x{validators}"));
            group.bench_function(id, |b| {
                b.iter_custom(|iterations| {
                    (0..iterations)
                        .map(|_| {
                            let rest = call(&mut *instance, size, rule, 0);
                            let all = call(&mut *instance, size, rule, EPOCHS);
                            all.saturating_sub(rest) / u32::from(EPOCHS)
                        })
                        .sum()
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, epoch);
criterion_main!(benches);
