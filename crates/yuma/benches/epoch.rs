//! One epoch at the two sizes by which implementations are compared: 256 neurons with 64
//! validators and 4,096 with 256, every validator weighing every uid and holding bonds in all.
//!
//! Throughput is per weight. `cargo bench -p assay-yuma --profile dev`

use assay_yuma::{
    run, BondRow, BondRule, EpochInput, LiquidAlpha, Neuron, NewBonds, Params, WeightRow,
};
use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion, Throughput};
use std::hint::black_box;

/// A subnet some epochs old: validators roughly agree, and bonds follow older weights.
struct Subnet {
    neurons: Vec<Neuron>,
    targets: Vec<u16>,
    values: Vec<Vec<u16>>,
    bonds: Vec<NewBonds>,
}

impl Subnet {
    fn new(n: u16, validators: u16, rule: Rule) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let neurons = (0..n)
            .map(|uid| Neuron {
                stake: if uid < validators {
                    u128::from(random.below(1 << 50)) + 1
                } else {
                    0
                },
                permit: uid < validators,
                last_update: 950,
                registered_at: 1,
            })
            .collect();
        let mut subnet = Self {
            neurons,
            targets: (0..n).collect(),
            values: Vec::new(),
            bonds: Vec::new(),
        };
        let quality: Vec<u64> = (0..n).map(|_| random.below(40_000)).collect();
        for _ in 0..2 {
            subnet.values = (0..validators)
                .map(|_| {
                    quality
                        .iter()
                        .map(|q| (q + random.below(20_000)) as u16 + 1)
                        .collect()
                })
                .collect();
            let rows = subnet.rows();
            let outcome = run(&subnet.input(rule, &rows, &[])).expect("the input is well-formed");
            subnet.bonds = outcome.bonds;
        }
        subnet
    }

    fn rows(&self) -> Vec<WeightRow<'_>> {
        (0u16..)
            .zip(&self.values)
            .map(|(validator, values)| WeightRow {
                validator,
                targets: &self.targets,
                values,
            })
            .collect()
    }

    fn input<'a>(
        &'a self,
        rule: Rule,
        weights: &'a [WeightRow<'a>],
        bonds: &'a [BondRow<'a>],
    ) -> EpochInput<'a> {
        let (bond_rule, liquid_alpha) = match rule {
            Rule::Relative => (BondRule::Relative, None),
            Rule::Classic => (BondRule::Classic, None),
            Rule::Liquid => {
                let liquid = LiquidAlpha {
                    low: 45_875,
                    high: 58_982,
                    steepness: 10_000,
                };
                (BondRule::Relative, Some(liquid))
            }
        };
        let params = Params {
            kappa: 32_768,
            bonds_penalty: u16::MAX,
            bonds_alpha: 6_554,
            bond_rule,
            liquid_alpha,
            block: 1_000,
            last_epoch_block: 900,
            activity_cutoff: 5_000,
            min_stake: 0,
            max_validators: 64,
        };
        EpochInput {
            params,
            neurons: &self.neurons,
            weights,
            bonds,
        }
    }
}

#[derive(Clone, Copy)]
enum Rule {
    Relative,
    Classic,
    Liquid,
}

/// SplitMix64: the same subnet on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn epoch(c: &mut Criterion) {
    let mut group = c.benchmark_group("epoch");
    group.sample_size(20);
    for (n, validators) in [(256, 64), (4_096, 256)] {
        group.throughput(Throughput::Elements(u64::from(n) * u64::from(validators)));
        for (name, rule) in [
            ("relative", Rule::Relative),
            ("classic", Rule::Classic),
            ("liquid", Rule::Liquid),
        ] {
            let subnet = Subnet::new(n, validators, rule);
            let weights = subnet.rows();
            let bonds: Vec<BondRow> = subnet.bonds.iter().map(NewBonds::as_row).collect();
            let input = subnet.input(rule, &weights, &bonds);
            let id = BenchmarkId::new(name, format!("{n}x{validators}"));
            group.bench_function(id, |b| b.iter(|| run(black_box(&input))));
        }
    }
    group.finish();
}

criterion_group!(benches, epoch);
criterion_main!(benches);
