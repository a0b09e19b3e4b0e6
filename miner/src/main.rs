//! The miner's command line; everything else is in the library.

use anyhow::Context as _;
use assay_miner::{check, run, Config, Error, Flags};
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
    })
}
