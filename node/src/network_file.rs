//! A network of one's own, described in a TOML file.
//!
//! ```toml
//! name = "Example"
//! id = "example"
//!
//! [chain]
//! slot_millis = 6000      # the default; so are the next two
//! default_tempo = 360
//! unbonding_era = 14400
//!
//! [prices]
//! subnet_floor = "100"    # in ASY
//! registration_floor = "0.1"
//! registration_ceiling = "1000"
//!
//! [root]
//! council = ["5Grw…", "5FHn…", "5FLS…"]
//!
//! [[authors]]
//! account = "5Grw…"
//! aura = "5Grw…"          # the public keys, as `assay-node key` shows them
//! grandpa = "5FA9…"
//!
//! [[balances]]
//! account = "5Grw…"
//! amount = "1000.5"       # in ASY
//! ```
//!
//! `assay-node export-chain-spec --chain network.toml --raw` makes the specification that every
//! node of the network is started from. The file is read once, before there is a network: two
//! builds of a node can hold different runtimes, so a node never starts from the TOML itself.

use std::{collections::BTreeSet, fs, path::Path};

use assay_primitives::{parse_asy, AmountError, Balance};
use assay_runtime::{AccountId, WASM_BINARY};
use sc_service::{config::MultiaddrWithPeerId, ChainType};
use serde::Deserialize;
use serde_json::{json, Map, Value};
use sp_core::{crypto::Ss58Codec, ed25519, sr25519};

use crate::chain_spec::{properties, ChainSpec, WITHOUT_RUNTIME};

/// Whether a chain's name is that of such a file.
pub fn is_one(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "toml")
}

/// The specification of the network that the file at `path` describes.
///
/// # Errors
/// Names the field that is wrong and says what it should be.
pub fn load(path: &str) -> Result<ChainSpec, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("can't read {path}: {error}"))?;
    let file: NetworkFile = toml::from_str(&text).map_err(|error| format!("{path}: {error}"))?;
    let genesis = file.genesis().map_err(|error| format!("{path}: {error}"))?;
    let wasm = WASM_BINARY.ok_or(WITHOUT_RUNTIME)?;
    Ok(ChainSpec::builder(wasm, None)
        .with_name(&file.name)
        .with_id(&file.id)
        .with_chain_type(file.kind.into())
        .with_boot_nodes(file.boot_nodes)
        .with_protocol_id(&file.id)
        .with_properties(properties())
        .with_genesis_config_patch(genesis)
        .build())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkFile {
    name: String,
    id: String,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    boot_nodes: Vec<MultiaddrWithPeerId>,
    #[serde(default)]
    chain: Chain,
    #[serde(default)]
    prices: Prices,
    root: Root,
    authors: Vec<Author>,
    #[serde(default)]
    balances: Vec<Endowment>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Live,
    Local,
    Development,
}

impl From<Kind> for ChainType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Live => Self::Live,
            Kind::Local => Self::Local,
            Kind::Development => Self::Development,
        }
    }
}

/// What is left out is the runtime's default.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain {
    slot_millis: Option<u64>,
    default_tempo: Option<u32>,
    unbonding_era: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prices {
    subnet_floor: Option<Amount>,
    registration_floor: Option<Amount>,
    registration_ceiling: Option<Amount>,
    admit_on_creation: Option<bool>,
}

/// Who decides for the network: one key, for a network to try things on, or a council.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    #[serde(default)]
    council: Vec<Account>,
    sudo: Option<Account>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Author {
    account: Account,
    aura: PublicKey<sr25519::Public>,
    grandpa: PublicKey<ed25519::Public>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endowment {
    account: Account,
    amount: Amount,
}

impl NetworkFile {
    /// The patch upon the runtime's default genesis.
    fn genesis(&self) -> Result<Value, String> {
        self.check()?;
        let mut patch = Map::new();
        let chain = &self.chain;
        insert(
            &mut patch,
            "network",
            [
                ("slotMillis", chain.slot_millis.map(Value::from)),
                ("defaultTempo", chain.default_tempo.map(Value::from)),
                ("unbondingEra", chain.unbonding_era.map(Value::from)),
            ],
        );
        let prices = &self.prices;
        let mut parameters = Map::new();
        insert(
            &mut parameters,
            "parameters",
            [
                ("subnetPriceFloor", prices.subnet_floor.map(Value::from)),
                (
                    "registrationPriceFloor",
                    prices.registration_floor.map(Value::from),
                ),
                (
                    "registrationPriceCeiling",
                    prices.registration_ceiling.map(Value::from),
                ),
                ("admitOnCreation", prices.admit_on_creation.map(Value::from)),
            ],
        );
        if !parameters.is_empty() {
            patch.insert("subnets".into(), parameters.into());
        }
        let accounts: Vec<_> = self
            .authors
            .iter()
            .map(|author| &author.account.0)
            .collect();
        patch.insert("authors".into(), json!({ "authors": accounts }));
        let keys: Vec<_> = self.authors.iter().map(Author::session).collect();
        patch.insert("session".into(), json!({ "keys": keys }));
        let balances: Vec<_> = self
            .balances
            .iter()
            .map(|endowment| json!([endowment.account.0, endowment.amount.0]))
            .collect();
        patch.insert("balances".into(), json!({ "balances": balances }));
        if let Some(sudo) = &self.root.sudo {
            patch.insert("sudo".into(), json!({ "key": sudo.0 }));
        }
        if !self.root.council.is_empty() {
            let members: Vec<_> = self.root.council.iter().map(|member| &member.0).collect();
            patch.insert("council".into(), json!({ "members": members }));
        }
        Ok(patch.into())
    }

    /// What no single field can say about itself.
    fn check(&self) -> Result<(), String> {
        if self.authors.is_empty() {
            return Err("there is no `[[authors]]`: nobody would make blocks".into());
        }
        unique(
            "[[authors]]",
            self.authors.iter().map(|author| &author.account),
        )?;
        unique(
            "[[balances]]",
            self.balances.iter().map(|entry| &entry.account),
        )?;
        unique("root.council", self.root.council.iter())?;
        match (&self.root.sudo, self.root.council.is_empty()) {
            (None, true) => Err(
                "[root] names neither a `council` nor a `sudo` key: nothing could ever be changed"
                    .into(),
            ),
            (Some(_), false) => Err(
                "[root] names both a `council` and a `sudo` key: a key that \
                                     can do everything alone leaves a council nothing to decide"
                    .into(),
            ),
            _ => Ok(()),
        }
    }
}

impl Author {
    fn session(&self) -> Value {
        let (aura, grandpa) = (self.aura.0.to_ss58check(), self.grandpa.0.to_ss58check());
        json!([self.account.0, self.account.0, { "aura": aura, "grandpa": grandpa }])
    }
}

/// Inserts an object of those fields that are given, if any is.
fn insert<const N: usize>(
    patch: &mut Map<String, Value>,
    name: &str,
    fields: [(&str, Option<Value>); N],
) {
    let given: Map<_, _> = fields
        .into_iter()
        .filter_map(|(field, value)| Some((field.to_owned(), value?)))
        .collect();
    if !given.is_empty() {
        patch.insert(name.into(), given.into());
    }
}

fn unique<'a>(place: &str, accounts: impl Iterator<Item = &'a Account>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for account in accounts {
        if !seen.insert(&account.0) {
            return Err(format!("{place} names {} twice", account.0.to_ss58check()));
        }
    }
    Ok(())
}

/// An account by its address.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Account(AccountId);

impl TryFrom<String> for Account {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        AccountId::from_ss58check(&text)
            .map(Self)
            .map_err(|error| format!("`{text}` is no account's address: {error}"))
    }
}

/// A public key by its address, as `assay-node key inspect` shows it.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct PublicKey<K: Ss58Codec>(K);

impl<K: Ss58Codec> TryFrom<String> for PublicKey<K> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        K::from_ss58check(&text)
            .map(Self)
            .map_err(|error| format!("`{text}` is no public key's address: {error}"))
    }
}

/// Money, written in whole tokens with up to twelve decimals.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Amount(Balance);

impl From<Amount> for Value {
    fn from(amount: Amount) -> Self {
        json!(amount.0)
    }
}

impl TryFrom<String> for Amount {
    type Error = AmountError;

    fn try_from(text: String) -> Result<Self, AmountError> {
        parse_asy(&text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use assay_primitives::ASY;

    use super::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    const ALICE_GRANDPA: &str = "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu";

    fn file(root: &str, rest: &str) -> String {
        format!(
            "name = 'Example'\nid = 'example'\n[root]\n{root}\n[[authors]]\naccount = '{ALICE}'\n\
             aura = '{ALICE}'\ngrandpa = '{ALICE_GRANDPA}'\n{rest}"
        )
    }

    fn genesis(text: &str) -> Result<Value, String> {
        let file: NetworkFile = toml::from_str(text).map_err(|error| error.to_string())?;
        file.genesis()
    }

    #[test]
    fn genesis_holds_what_the_file_says_and_nothing_else() {
        let rest = format!(
            "[[balances]]\naccount = '{ALICE}'\namount = '1000.5'\n[chain]\nslot_millis = 1000\n\
             [prices]\nsubnet_floor = '2'\n"
        );
        let patch = genesis(&file(&format!("sudo = '{ALICE}'"), &rest)).unwrap();
        assert_eq!(patch["network"], json!({ "slotMillis": 1_000 }));
        assert_eq!(
            patch["subnets"],
            json!({ "parameters": { "subnetPriceFloor": 2 * ASY } })
        );
        assert_eq!(
            patch["balances"]["balances"],
            json!([[ALICE, 1_000 * ASY + ASY / 2]])
        );
        assert_eq!(
            patch["session"]["keys"],
            json!([[ALICE, ALICE, { "aura": ALICE, "grandpa": ALICE_GRANDPA }]])
        );
        assert_eq!(patch["sudo"], json!({ "key": ALICE }));
        assert_eq!(patch.get("council"), None);
    }

    #[test]
    fn genesis_fails_when_nobody_or_two_could_decide() {
        let error = genesis(&file("", "")).unwrap_err();
        assert!(
            error.contains("neither a `council` nor a `sudo`"),
            "{error}"
        );
        let both = format!("sudo = '{ALICE}'\ncouncil = ['{ALICE}']");
        let error = genesis(&file(&both, "")).unwrap_err();
        assert!(error.contains("both"), "{error}");
    }

    #[test]
    fn genesis_fails_when_an_account_is_named_twice() {
        let twice = format!("council = ['{ALICE}', '{ALICE}']");
        let error = genesis(&file(&twice, "")).unwrap_err();
        assert!(
            error.contains("root.council") && error.contains("twice"),
            "{error}"
        );
    }

    #[test]
    fn genesis_names_what_is_wrong_when_the_file_is() {
        for (rest, named) in [
            ("colour = 'red'", "colour"),
            ("[[balances]]\naccount = 'nobody'\namount = '1'", "nobody"),
            ("[prices]\nsubnet_floor = '1e3'", "1e3"),
        ] {
            let error = genesis(&file(&format!("sudo = '{ALICE}'"), rest)).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn load_names_the_path_when_there_is_no_such_file() {
        let error = load("no/such/network.toml").err().unwrap();
        assert!(error.contains("no/such/network.toml"), "{error}");
    }
}
