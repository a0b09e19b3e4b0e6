//! What is committed of the runtime's metadata: the metadata itself, which clients are compiled
//! against, and `docs/chain.md`, which lists for people what it holds.
//!
//! Both are written here, and not with the clients, because writing must work when clients don't
//! compile for want of it.

mod chain_docs;
mod commands;
mod committed;
mod examples;
mod types;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use assay_runtime::Runtime;

/// The newest version of metadata that all sides understand.
const VERSION: u32 = 16;

/// Set by `cargo xtask metadata`: write what is committed instead of comparing it.
const WRITE: &str = "ASSAY_WRITE_METADATA";

fn metadata() -> Vec<u8> {
    // Constants in storage are part of the metadata, and reading them takes storage.
    let metadata = sp_io::TestExternalities::default()
        .execute_with(|| Runtime::metadata_at_version(VERSION))
        .expect("the runtime knows this version of metadata");
    (*metadata).clone()
}

/// Compares a file of the checkout with what it should be, or writes it.
fn check(file: &str, expected: &[u8]) {
    let path = checkout().join(file);
    if env::var_os(WRITE).is_some() {
        let folder = path.parent().expect("the file lies in a folder");
        fs::create_dir_all(folder).expect("the folder can be made");
        fs::write(&path, expected).expect("the file can be written");
        return;
    }
    let committed = fs::read(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "{file} does not say what this runtime is: run `cargo xtask metadata` and commit the file"
    );
}

fn checkout() -> PathBuf {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checkout = runtime.parent();
    checkout
        .expect("the runtime's folder lies in the checkout")
        .into()
}
