//! One epoch at four sizes, among them those by which implementations are compared: 256 neurons with
//! 64 validators and 4,096 with 256. Every validator weighs every uid and holds bonds in all.
//!
//! Throughput is per weight. `cargo xtask bench` runs it, and after it the same as Wasm.

extern crate alloc;

mod subnet;

use assay_yuma::run;
use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use subnet::{Rule, Subnet, SIZES};

fn epoch(c: &mut Criterion) {
    let mut group = c.benchmark_group("epoch");
    group.sample_size(20);
    for (n, validators) in SIZES {
        group.throughput(Throughput::Elements(u64::from(n) * u64::from(validators)));
        for (name, rule) in [
            ("relative", Rule::Relative),
            ("classic", Rule::Classic),
            ("liquid", Rule::Liquid),
        ] {
            let subnet = Subnet::new(n, validators, rule);
            let weights = subnet.rows();
            let bonds = subnet.bond_rows();
            let input = subnet.input(rule, &weights, &bonds);
            let id = BenchmarkId::new(name, format!("{n}x{validators}"));
            group.bench_function(id, |b| b.iter(|| run(black_box(&input))));
        }
    }
    group.finish();
}

criterion_group!(benches, epoch);
criterion_main!(benches);
