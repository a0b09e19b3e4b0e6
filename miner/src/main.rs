//! The miner's command line; everything else is in the library.

use anyhow::Context as _;
use assay_miner::{check, run, Config, Flags};
use assay_telemetry::{in_words, init_logging, Shutdown};
use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match start(&Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", in_words(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn start(flags: &Flags) -> anyhow::Result<()> {
    let config = Config::load(flags)?;
    if flags.print_config {
        print!("{}", config.to_toml()?);
        return Ok(());
    }
    init_logging(config.log.format, &config.log.filter)?;
    let runtime = tokio::runtime::Runtime::new().context("can't start the async runtime")?;
    runtime.block_on(async {
        if flags.check {
            for line in check(&config).await?.lines() {
                println!("{line}");
            }
            return Ok(());
        }
        let shutdown = Shutdown::on_signals().context("can't listen for signals")?;
        run(config, shutdown).await?;
        Ok(())
    })
}
