//! The miner's command line; everything else is in the library.

use anyhow::Context as _;
use assay_miner::{check, run, Config, Flags};
use assay_telemetry::{init_logging, Shutdown};
use clap::Parser as _;

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let config = Config::load(&flags)?;
    if flags.print_config {
        print!("{}", config.to_toml()?);
        return Ok(());
    }
    init_logging(config.log.format, &config.log.filter)?;
    let runtime = tokio::runtime::Runtime::new().context("can't start the async runtime")?;
    runtime.block_on(async {
        if flags.check {
            for model in check(&config).await? {
                println!("{} {} on {}: ok", model.name, model.version, model.provider);
            }
            return Ok(());
        }
        let shutdown = Shutdown::on_signals().context("can't listen for signals")?;
        run(config, shutdown).await?;
        Ok(())
    })
}
