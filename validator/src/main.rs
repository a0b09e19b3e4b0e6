//! The validator's command line; everything else is in the library.

use anyhow::Context as _;
use assay_telemetry::{init_logging, Shutdown};
use assay_validator::{check, run, Config, Flags};
use clap::Parser as _;

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let config = Config::load(&flags)?;
    if flags.print_config {
        print!("{}", config.to_toml()?);
        return Ok(());
    }
    if flags.check {
        let (key, folder, _) = check(&config)?;
        println!("hotkey {}: ok\ntask {}: ok", key.hotkey(), folder.name);
        return Ok(());
    }
    init_logging(config.log.format, &config.log.filter)?;
    let runtime = tokio::runtime::Runtime::new().context("can't start the async runtime")?;
    runtime.block_on(async {
        let shutdown = Shutdown::on_signals().context("can't listen for signals")?;
        Ok(run(config, shutdown).await?)
    })
}
