//! How large a world is and how fast it turns.

use assay_primitives::{Balance, BlockNumber, ASY};
use assay_runtime::{
    AuthorsConfig, BalancesConfig, NetworkConfig, RuntimeGenesisConfig, SessionConfig, SessionKeys,
    SubnetsConfig, SudoConfig,
};
use pallet_subnets::Parameters;
use sp_core::storage::Storage;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::BuildStorage;

use crate::people::People;

/// What a world starts with.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// People.
    pub people: usize,
    /// Hotkeys of each.
    pub hotkeys_each: usize,
    /// What each coldkey has.
    pub endowment: Balance,
    /// The default tempo.
    pub tempo: BlockNumber,
    /// Blocks in an era of unbonding.
    pub era: BlockNumber,
    /// Most spontaneous moves in a block; what people planned comes on top.
    pub moves: u64,
    /// Blocks between two subnets that people ask for, on average.
    pub subnet_every: u64,
    /// Places for subnets: few, so that some give way for others.
    pub subnet_places: u32,
    /// Blocks in which a new subnet does not give way.
    pub subnet_immunity: BlockNumber,
    /// Most neurons that root gives a subnet, so that places are scarce.
    pub most_neurons: u16,
    /// Most permits that root gives a subnet.
    pub most_validators: u16,
    /// Blocks between two counts of the books from nothing.
    pub recount_every: BlockNumber,
}

impl Scenario {
    /// Hundreds of people for hundreds of thousands of blocks.
    pub const LONG: Self = Self {
        people: 300,
        hotkeys_each: 4,
        endowment: 10_000 * ASY,
        tempo: 100,
        era: 60,
        moves: 4,
        subnet_every: 750,
        subnet_places: 6,
        subnet_immunity: 5_000,
        most_neurons: 48,
        most_validators: 12,
        recount_every: 1_000,
    };

    /// The same in little, for a test.
    pub const SHORT: Self = Self {
        people: 60,
        tempo: 25,
        era: 15,
        subnet_every: 50,
        subnet_places: 3,
        subnet_immunity: 150,
        most_neurons: 16,
        most_validators: 6,
        recount_every: 500,
        ..Self::LONG
    };

    /// So little that a fuzzer gets around in it.
    pub const FUZZ: Self = Self {
        people: 6,
        hotkeys_each: 3,
        tempo: 5,
        era: 4,
        moves: 2,
        subnet_every: 8,
        subnet_places: 3,
        subnet_immunity: 20,
        most_neurons: 8,
        most_validators: 4,
        recount_every: 16,
        ..Self::LONG
    };

    /// The genesis of such a world.
    pub fn genesis(&self, people: &People) -> Storage {
        let author = Sr25519Keyring::Alice;
        let keys = SessionKeys {
            aura: author.public().into(),
            grandpa: Ed25519Keyring::Alice.public().into(),
        };
        let root = root_account();
        let endowed = people
            .coldkeys()
            .cloned()
            .chain([root.clone()])
            .map(|account| (account, self.endowment));
        RuntimeGenesisConfig {
            network: NetworkConfig {
                slot_millis: 6_000,
                default_tempo: self.tempo,
                unbonding_era: self.era,
                ..Default::default()
            },
            balances: BalancesConfig {
                balances: endowed.collect(),
                ..Default::default()
            },
            authors: AuthorsConfig {
                authors: vec![author.to_account_id()],
            },
            session: SessionConfig {
                keys: vec![(author.to_account_id(), author.to_account_id(), keys)],
                ..Default::default()
            },
            subnets: SubnetsConfig {
                parameters: self.parameters(),
                ..Default::default()
            },
            sudo: SudoConfig { key: Some(root) },
            ..Default::default()
        }
        .build_storage()
        .expect("the genesis of a scenario is sound; qed")
    }

    /// Prices at which people who have thousands can afford some places and not others.
    fn parameters(&self) -> Parameters {
        Parameters {
            subnet_price_floor: 10 * ASY,
            registration_price_floor: ASY / 10,
            registration_price_ceiling: 100 * ASY,
            subnet_places: self.subnet_places,
            subnet_immunity: self.subnet_immunity,
            ..Parameters::default()
        }
    }
}

/// The account that speaks for root.
pub fn root_account() -> assay_runtime::AccountId {
    Sr25519Keyring::Eve.to_account_id()
}
