//! Many epochs due in one block of a running node: the short form of `cargo xtask soak epochs`.

use assay_tests::{program, Process};
use std::time::Duration;

/// How long all of it may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test]
async fn no_block_weighs_too_much_and_no_epoch_waits_without_need_when_many_are_due() {
    let folder = tempfile::tempdir().unwrap();
    let node = program("assay-node");
    let arguments = ["--node", node.to_str().unwrap(), "epochs"]
        .into_iter()
        .chain(["--subnets=12", "--neurons=64", "--validators=16"])
        .chain(["--slot-millis=1000"]);
    let mut load = Process::start("load", "assay-load", arguments, folder.path());
    let status = load.ended(PATIENCE).await;
    assert!(status.success(), "{}", load.log());
    let outcome = "12 epochs ran in 1 blocks";
    assert!(load.log().contains(outcome), "{}", load.log());
}
