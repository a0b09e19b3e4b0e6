//! The committed code of the gRPC messages is that of `proto/inference.proto`.

use std::{env, fs, path::Path};

/// With this variable set, the code is written instead of compared.
const WRITE: &str = "ASSAY_WRITE_GRPC";

#[test]
fn generated_code_is_that_of_the_proto() {
    let miner = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        .bytes(".")
        .out_dir(folder.path())
        .compile_protos(
            &[miner.join("proto/inference.proto")],
            &[miner.join("proto")],
        )
        .expect("`protoc` makes this code: `cargo xtask setup` installs it");
    let made = fs::read_to_string(folder.path().join("inference.rs")).unwrap();
    let committed = miner.join("src/grpc/inference.rs");
    if env::var_os(WRITE).is_some() {
        fs::write(committed, made).unwrap();
    } else {
        let current = fs::read_to_string(committed).unwrap_or_default() == made;
        assert!(
            current,
            "proto/inference.proto was changed: run `{WRITE}=1 cargo nextest run -p assay-miner \
             generated_code` and commit src/grpc/inference.rs"
        );
    }
}
