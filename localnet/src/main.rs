//! `assay-adversary`: a miner or validator of the local network that does not play fair.

use assay_localnet::adversary::{run, Flags};
use assay_miner::onnx::refuse_telemetry;
use assay_telemetry::{init_logging, LogFormat, Shutdown};
use clap::Parser as _;

fn main() -> anyhow::Result<()> {
    refuse_telemetry();
    let flags = Flags::parse();
    init_logging(LogFormat::Text, "info,ort=warn")?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async { run(flags, Shutdown::on_signals()?).await })
}
