//! Everything that an epoch is computed from, gathered before anything is changed.

use crate::{
    pallet::{Bonds, Config, Error, Pallet},
    payout::Terms,
    types::{BondRow, EpochState},
};
use alloc::vec::Vec;
use assay_pallet_traits::{NeuronFacts, Neurons, RowInForce, Stakes, Subnets, WeightRows};
use assay_primitives::{Balance, BlockNumber, BondRule, EpochIndex, Hyperparameters, NetUid, Uid};
use assay_yuma::{EpochInput, EpochOutput, Judgement, YumaError};

/// Yuma's `last_update` of who has no weights in force or does not count: no transaction is in the
/// first block, and [`params`] keeps the cutoff short of it.
const NEVER: u64 = 0;

/// A subnet as its epoch sees it.
pub(crate) struct Snapshot<T: Config> {
    pub netuid: NetUid,
    pub epoch: EpochIndex,
    pub owner: T::AccountId,
    pub admitted: bool,
    pub settings: Hyperparameters,
    pub facts: Vec<NeuronFacts<T::AccountId>>,
    params: assay_yuma::Params,
    neurons: Vec<assay_yuma::Neuron>,
    rows: Vec<RowInForce>,
    /// Ascending by validator.
    pub bonds: Vec<(Uid, BondRow)>,
}

impl<T: Config> Snapshot<T> {
    /// Gathers the facts. `late` are those who left a commit unrevealed, ascending.
    pub fn take(
        netuid: NetUid,
        state: &EpochState,
        now: BlockNumber,
        late: &[Uid],
    ) -> Result<Self, Error<T>> {
        let mut snapshot = Self::without_bonds(netuid, state, now, late)?;
        snapshot.bonds = Bonds::<T>::iter_prefix(netuid).collect();
        snapshot
            .bonds
            .sort_unstable_by_key(|(validator, _)| *validator);
        Ok(snapshot)
    }

    /// The same without bonds: enough to judge by, and not to pay.
    pub fn without_bonds(
        netuid: NetUid,
        state: &EpochState,
        now: BlockNumber,
        late: &[Uid],
    ) -> Result<Self, Error<T>> {
        let settings = T::Subnets::hyperparameters(netuid).ok_or(Error::UnknownSubnet)?;
        let owner = T::Subnets::owner(netuid).ok_or(Error::UnknownSubnet)?;
        let facts = T::Neurons::neurons(netuid);
        let neurons = Self::neurons(netuid, &facts, late)?;
        Ok(Self {
            netuid,
            epoch: state.epoch,
            owner,
            admitted: T::Subnets::is_admitted(netuid),
            params: params(&settings, T::Stakes::total(netuid), state, now),
            settings,
            facts,
            neurons,
            rows: T::Weights::rows(netuid),
            bonds: Vec::new(),
        })
    }

    fn neurons(
        netuid: NetUid,
        facts: &[NeuronFacts<T::AccountId>],
        late: &[Uid],
    ) -> Result<Vec<assay_yuma::Neuron>, Error<T>> {
        let count = u16::try_from(facts.len()).map_err(|_| Error::TooMany)?;
        let hotkeys: Vec<T::AccountId> = facts.iter().map(|fact| fact.hotkey.clone()).collect();
        let stakes = T::Stakes::stakes(netuid, &hotkeys);
        let updates = T::Weights::last_updates(netuid, count);
        let permits = Pallet::<T>::permit_bits(netuid);
        let neurons = (0..count).zip(facts).zip(stakes).zip(updates);
        Ok(neurons
            .map(|(((uid, fact), stake), last_update)| assay_yuma::Neuron {
                stake,
                permit: permits.get(Uid(uid)),
                last_update: last_update
                    .filter(|_| late.binary_search(&Uid(uid)).is_err())
                    .map_or(NEVER, u64::from),
                registered_at: fact.registered_at.into(),
            })
            .collect())
    }

    /// Computes the epoch.
    pub fn run(&self) -> Result<EpochOutput, Error<T>> {
        self.with_input(assay_yuma::run)
    }

    /// Computes what becomes of the weights on one neuron and by it.
    pub fn judge(&self, uid: Uid) -> Result<Judgement, Error<T>> {
        self.with_input(|input| assay_yuma::judge(input, uid.0))
    }

    fn with_input<R>(
        &self,
        compute: impl FnOnce(&EpochInput) -> Result<R, YumaError>,
    ) -> Result<R, Error<T>> {
        let weights: Vec<_> = self
            .rows
            .iter()
            .map(|row| assay_yuma::WeightRow {
                validator: row.validator.0,
                targets: &row.targets,
                values: &row.values,
            })
            .collect();
        let bonds: Vec<_> = self
            .bonds
            .iter()
            .map(|(validator, row)| assay_yuma::BondRow {
                validator: validator.0,
                targets: &row.targets,
                values: &row.values,
            })
            .collect();
        let input = EpochInput {
            params: self.params,
            neurons: &self.neurons,
            weights: &weights,
            bonds: &bonds,
        };
        compute(&input).map_err(|error| match error {
            YumaError::StakeOverflow => Error::StakeOverflow,
            YumaError::TooManyNeurons { .. } => Error::TooMany,
            _ => Error::MalformedRows,
        })
    }

    /// How the epoch is paid.
    pub fn terms(&self, output: &EpochOutput) -> Terms {
        Terms {
            admitted: self.admitted,
            miners_part: self.settings.miners_part,
            owner_cut: self.settings.owner_cut,
            active_stake: output.active_stake,
            permitted_stake: output.permitted_stake,
        }
    }
}

fn params(
    settings: &Hyperparameters,
    total_stake: Balance,
    state: &EpochState,
    now: BlockNumber,
) -> assay_yuma::Params {
    // Besides being among the `K` largest, a permit takes a quarter of an equal part of the stake.
    let quarter_part = total_stake / (4 * Balance::from(settings.max_validators)).max(1);
    assay_yuma::Params {
        kappa: settings.kappa.0,
        bonds_penalty: settings.bonds_penalty.0,
        bonds_alpha: settings.bonds_alpha.0,
        bond_rule: match settings.bond_rule {
            BondRule::Relative => assay_yuma::BondRule::Relative,
            BondRule::Classic => assay_yuma::BondRule::Classic,
        },
        liquid_alpha: settings.liquid_alpha.map(|liquid| assay_yuma::LiquidAlpha {
            low: liquid.low.0,
            high: liquid.high.0,
            // Hundredths to thousandths.
            steepness: u32::from(liquid.steepness_hundredths) * 10,
        }),
        block: now.into(),
        last_epoch_block: state.last_ran_at.into(),
        activity_cutoff: u64::from(settings.activity_cutoff().min(now.saturating_sub(1))),
        min_stake: settings.min_stake.max(quarter_part),
        max_validators: settings.max_validators,
    }
}
