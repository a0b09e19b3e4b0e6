//! How a network starts: the presets that a node's `--chain` option names.
//!
//! Both are for machines under one's own control. Their keys are public, so a network that holds
//! anything of worth is started from a chain specification file with its own genesis.

use alloc::{string::ToString, vec, vec::Vec};

use frame_support::build_struct_json_patch;
use pallet_subnets::Parameters;
use sp_genesis_builder::PresetId;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

use crate::{
    AccountId, AuthorsConfig, Balance, BalancesConfig, NetworkConfig, RuntimeGenesisConfig,
    SessionConfig, SessionKeys, SubnetsConfig, SudoConfig, ASY,
};

/// One author: Alice.
pub const DEV: &str = sp_genesis_builder::DEV_RUNTIME_PRESET;
/// Three authors: Alice, Bob and Charlie.
pub const LOCAL: &str = sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;

/// Slots of local networks: short, so that nobody waits.
const LOCAL_SLOT_MILLIS: u64 = 1_000;
/// Epochs of local networks: every 20 s.
const LOCAL_TEMPO: u32 = 20;
/// Eras of unbonding of local networks: stake is out after one and a half minutes at most.
const LOCAL_ERA: u32 = 10;
/// Few enough that one can see what happens when all are taken.
const LOCAL_PLACES: u32 = 16;
/// Ten minutes.
const LOCAL_IMMUNITY: u32 = 600;
/// A place costs little on local networks, but its price moves like everywhere else.
const LOCAL_PRICES: Parameters = Parameters {
    subnet_price_floor: ASY,
    registration_price_floor: ASY / 100,
    registration_price_ceiling: 100 * ASY,
    admit_on_creation: true,
    subnet_places: LOCAL_PLACES,
    subnet_immunity: LOCAL_IMMUNITY,
};
/// What each of the well-known accounts starts with.
const LOCAL_ENDOWMENT: Balance = 10_000 * ASY;

/// The presets by name.
pub fn names() -> Vec<PresetId> {
    vec![PresetId::from(DEV), PresetId::from(LOCAL)]
}

/// One preset, as a JSON patch upon the default genesis.
pub fn preset(id: &PresetId) -> Option<Vec<u8>> {
    let authors: &[Author] = match id.as_ref() {
        DEV => &[ALICE],
        LOCAL => &[ALICE, BOB, CHARLIE],
        _ => return None,
    };
    let patch = build_struct_json_patch!(RuntimeGenesisConfig {
        network: NetworkConfig {
            slot_millis: LOCAL_SLOT_MILLIS,
            default_tempo: LOCAL_TEMPO,
            unbonding_era: LOCAL_ERA,
        },
        balances: BalancesConfig {
            balances: Sr25519Keyring::well_known()
                .map(|account| (account.to_account_id(), LOCAL_ENDOWMENT))
                .collect(),
        },
        authors: AuthorsConfig {
            authors: authors.iter().map(Author::account).collect(),
        },
        session: SessionConfig {
            keys: authors
                .iter()
                .map(|author| (author.account(), author.account(), author.keys()))
                .collect(),
        },
        subnets: SubnetsConfig {
            parameters: LOCAL_PRICES,
        },
        sudo: SudoConfig {
            key: Some(ALICE.account()),
        },
    });
    Some(patch.to_string().into_bytes())
}

/// A well-known author: the same name's key pairs of both kinds.
struct Author {
    blocks: Sr25519Keyring,
    finality: Ed25519Keyring,
}

const ALICE: Author = Author {
    blocks: Sr25519Keyring::Alice,
    finality: Ed25519Keyring::Alice,
};
const BOB: Author = Author {
    blocks: Sr25519Keyring::Bob,
    finality: Ed25519Keyring::Bob,
};
const CHARLIE: Author = Author {
    blocks: Sr25519Keyring::Charlie,
    finality: Ed25519Keyring::Charlie,
};

impl Author {
    fn account(&self) -> AccountId {
        self.blocks.to_account_id()
    }

    fn keys(&self) -> SessionKeys {
        SessionKeys {
            aura: self.blocks.public().into(),
            grandpa: self.finality.public().into(),
        }
    }
}
