//! Clients are compiled against the metadata that is committed with them, so it must be that of the
//! runtime. The test is here, and not with the clients, because writing the metadata must work when
//! clients don't compile for want of it.

use std::{env, fs, path::Path};

use assay_runtime::Runtime;

/// The newest version of metadata that both sides understand.
const VERSION: u32 = 16;

/// Set by `cargo xtask metadata`: write the metadata instead of comparing it.
const WRITE: &str = "ASSAY_WRITE_METADATA";

#[test]
fn committed_metadata_is_the_runtimes() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let path = checkout
        .expect("the runtime's folder lies in the checkout")
        .join("crates/chain-client/artifacts/metadata.scale");
    // Constants in storage are part of the metadata, and reading them takes storage.
    let metadata = sp_io::TestExternalities::default()
        .execute_with(|| Runtime::metadata_at_version(VERSION))
        .expect("the runtime knows this version of metadata");

    if env::var_os(WRITE).is_some() {
        let folder = path.parent().expect("the file lies in a folder");
        fs::create_dir_all(folder).expect("the artifacts' folder can be made");
        fs::write(&path, &*metadata).expect("the metadata can be written");
        return;
    }
    let committed = fs::read(&path).unwrap_or_default();
    assert!(
        committed == *metadata,
        "{} is not the metadata of this runtime: run `cargo xtask metadata` and commit the file",
        path.display()
    );
}
