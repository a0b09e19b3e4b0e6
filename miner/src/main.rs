//! The miner's command line; everything else is in the library.

use anyhow::Context as _;
use assay_miner::{check, onnx::refuse_telemetry, run, Config, Error, Flags};
use assay_telemetry::{give_up, init_logging, Shutdown};
use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    refuse_telemetry();
    match start(&Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let lasts = error.downcast_ref().is_some_and(Error::lasts);
            give_up(error.as_ref(), lasts)
        }
    }
}

fn start(flags: &Flags) -> anyhow::Result<()> {
    let config = Config::load(flags).map_err(Error::from)?;
    if flags.print_config {
        print!("{}", config.to_toml()?);
        return Ok(());
    }
    init_logging(config.log.format, &config.log.filter).map_err(Error::from)?;
    let runtime = tokio::runtime::Runtime::new().context("can't start the async runtime")?;
    let ended = runtime.block_on(async {
        if flags.check {
            let checked = check(&config).await?;
            for line in checked.lines() {
                println!("{line}");
            }
            // Last, so that what is good is told even when the node is away.
            return match checked.chain {
                Some(Err(why)) => Err(Error::Chain(why).into()),
                _ => Ok(()),
            };
        }
        let shutdown = Shutdown::on_signals().context("can't listen for signals")?;
        run(config, shutdown).await?;
        Ok(())
    });
    // A model may still be loaded, which takes minutes and changes nothing any more.
    runtime.shutdown_background();
    ended
}
