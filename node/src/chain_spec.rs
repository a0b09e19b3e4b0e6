//! The chains that the node knows. Those with a name are made of the runtime's own presets, so that
//! there is one place in which their genesis is described.

use assay_runtime::{genesis, SS58_PREFIX, WASM_BINARY};
use sc_service::{ChainType, GenericChainSpec, Properties};

use crate::network_file;

/// A chain's specification: name, boot nodes and genesis.
pub type ChainSpec = GenericChainSpec;

/// Why no chain can be made.
pub const WITHOUT_RUNTIME: &str =
    "this node was built without its runtime: build it again without SKIP_WASM_BUILD";

/// How wallets show amounts and addresses.
pub fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), "ASY".into());
    properties.insert("tokenDecimals".into(), 12.into());
    properties.insert("ss58Format".into(), SS58_PREFIX.into());
    properties
}

/// Finds the chain that `--chain` names, or reads it from a file.
///
/// # Errors
/// Says what to give instead where nothing was named, and what is wrong with the file.
pub fn load(id: &str) -> Result<ChainSpec, String> {
    match id {
        "dev" => preset(
            "Assay development",
            "assay_dev",
            ChainType::Development,
            genesis::DEV,
        ),
        "local" => preset(
            "Assay local network",
            "assay_local",
            ChainType::Local,
            genesis::LOCAL,
        ),
        "" => Err(
            "no chain is named: give `--chain dev` (one author), `--chain local` (three \
                   authors) or `--chain <path of a chain specification or of a network's TOML>`"
                .into(),
        ),
        path if network_file::is_one(path) => network_file::load(path),
        path => ChainSpec::from_json_file(path.into()).map_err(|error| {
            format!(
                "`--chain {path}` is neither `dev` nor `local` nor a readable chain \
                 specification: {error}"
            )
        }),
    }
}

fn preset(name: &str, id: &str, kind: ChainType, preset: &str) -> Result<ChainSpec, String> {
    let wasm = WASM_BINARY.ok_or(WITHOUT_RUNTIME)?;
    Ok(ChainSpec::builder(wasm, None)
        .with_name(name)
        .with_id(id)
        .with_chain_type(kind)
        .with_protocol_id("assay")
        .with_properties(properties())
        .with_genesis_config_preset_name(preset)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_fails_when_nothing_is_named() {
        let error = load("").err().unwrap();
        assert!(error.contains("--chain dev"), "{error}");
    }

    #[test]
    fn load_names_the_path_when_there_is_no_such_file() {
        let error = load("no/such/file.json").err().unwrap();
        assert!(error.contains("no/such/file.json"), "{error}");
    }
}
