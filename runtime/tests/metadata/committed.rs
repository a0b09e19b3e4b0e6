//! The metadata that clients are compiled against.

#[test]
fn committed_metadata_is_the_runtimes() {
    let metadata = crate::metadata();
    crate::check("crates/chain-client/artifacts/metadata.scale", &metadata);
}
