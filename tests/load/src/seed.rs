//! A chain's specification whose first block holds a state of our making.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use anyhow::{ensure, Context, Result};
use serde_json::{json, Value};
use sp_core::storage::Storage;
use sp_state_machine::BasicExternalities;

use crate::rpc::hex;

/// The account with all the money, the author and root.
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
/// The same author's key for finality.
const ALICE_GRANDPA: &str = "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu";

/// Makes the specification of a chain with one author and slots of so many milliseconds, and lets
/// `write` change what its first block holds.
pub fn specification(
    node: &Path,
    slot_millis: u64,
    write: impl FnOnce() -> Result<()>,
) -> Result<Vec<u8>> {
    let mut specification = plain(node, slot_millis)?;
    let entries = changed(entries(&specification)?, write)?;
    let top = entries
        .iter()
        .map(|(key, value)| (hex(key), json!(hex(value))));
    specification["genesis"]["raw"]["top"] = Value::Object(top.collect());
    Ok(serde_json::to_vec(&specification)?)
}

/// What the first block of a specification's chain holds.
pub fn storage(specification: &[u8]) -> Result<Storage> {
    Ok(Storage {
        top: entries(&serde_json::from_slice(specification)?)?,
        ..Storage::default()
    })
}

fn entries(specification: &Value) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let top = specification["genesis"]["raw"]["top"]
        .as_object()
        .context("the node's specification is not raw")?;
    top.iter()
        .map(|(key, value)| {
            let value = value.as_str().context("a value is text")?;
            Ok((
                sp_core::bytes::from_hex(key)?,
                sp_core::bytes::from_hex(value)?,
            ))
        })
        .collect()
}

/// What a chain's storage is after `write`.
fn changed(
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    write: impl FnOnce() -> Result<()>,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut externalities = BasicExternalities::new(Storage {
        top: entries,
        ..Storage::default()
    });
    externalities.execute_with(write)?;
    Ok(externalities.into_storages().top)
}

fn plain(node: &Path, slot_millis: u64) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let description = folder.path().join("network.toml");
    fs::write(
        &description,
        format!(
            "name = 'Assay load'\nid = 'assay_load'\nkind = 'local'\n\
             [chain]\nslot_millis = {slot_millis}\n\
             [prices]\nsubnet_floor = '1'\nregistration_floor = '0.01'\n\
             registration_ceiling = '100'\nadmit_on_creation = true\n\
             [root]\nsudo = '{ALICE}'\n\
             [[authors]]\naccount = '{ALICE}'\naura = '{ALICE}'\ngrandpa = '{ALICE_GRANDPA}'\n\
             [[balances]]\naccount = '{ALICE}'\namount = '10000000'\n"
        ),
    )?;
    let output = Command::new(node)
        .args(["export-chain-spec", "--raw", "--chain"])
        .arg(&description)
        .output()
        .with_context(|| format!("can't start {}", node.display()))?;
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "no specification: {problem}");
    Ok(serde_json::from_slice(&output.stdout)?)
}
