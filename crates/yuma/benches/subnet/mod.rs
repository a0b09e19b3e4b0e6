//! A synthetic subnet, the same on every machine, for benchmarks native and in Wasm.

use alloc::vec::Vec;
use assay_yuma::{
    run, BondRow, BondRule, EpochInput, LiquidAlpha, Neuron, NewBonds, Params, WeightRow,
};

/// Neurons and validators.
#[allow(
    dead_code,
    reason = "a test that takes the subnet has a size of its own"
)]
pub const SIZES: [(u16, u16); 4] = [(64, 16), (256, 64), (1_024, 128), (4_096, 256)];

/// A subnet some epochs old: validators roughly agree, and bonds follow older weights.
pub struct Subnet {
    neurons: Vec<Neuron>,
    /// Each row has targets of its own, as rows read from storage do.
    targets: Vec<Vec<u16>>,
    values: Vec<Vec<u16>>,
    bonds: Vec<NewBonds>,
}

impl Subnet {
    /// `n` neurons, the first of which validate; every validator weighs every uid.
    pub fn new(n: u16, validators: u16, rule: Rule) -> Self {
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
            targets: (0..validators).map(|_| (0..n).collect()).collect(),
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

    /// Last epoch's bonds as this epoch's input.
    pub fn bond_rows(&self) -> Vec<BondRow<'_>> {
        self.bonds.iter().map(NewBonds::as_row).collect()
    }

    /// The weights as this epoch's input.
    pub fn rows(&self) -> Vec<WeightRow<'_>> {
        (0u16..)
            .zip(self.targets.iter().zip(&self.values))
            .map(|(validator, (targets, values))| WeightRow {
                validator,
                targets,
                values,
            })
            .collect()
    }

    /// The epoch of this subnet under `rule`.
    pub fn input<'a>(
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

/// The bond rule, or the relative one with liquid alpha.
#[derive(Clone, Copy)]
pub enum Rule {
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
