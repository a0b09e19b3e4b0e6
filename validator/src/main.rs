//! The validator's command line; everything else is in the library.

use anyhow::Context as _;
use assay_telemetry::{give_up, init_logging, Shutdown};
use assay_validator::{examine, run, task::refuse_telemetry, Config, Error, Flags};
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
    let runtime = tokio::runtime::Runtime::new().context("can't start the async runtime")?;
    if flags.check {
        let findings = runtime.block_on(examine(&config));
        for finding in &findings {
            match &finding.found {
                Ok(fact) => println!("ok     {}: {fact}", finding.what),
                Err(wrong) => println!("WRONG  {}: {wrong}", finding.what),
            }
        }
        let wrong = findings.iter().filter(|it| it.found.is_err()).count();
        anyhow::ensure!(wrong == 0, "{wrong} of {} need a look", findings.len());
        return Ok(());
    }
    init_logging(config.log.format, &config.log.filter).map_err(Error::from)?;
    runtime.block_on(async {
        let shutdown = Shutdown::on_signals().context("can't listen for signals")?;
        Ok(run(config, shutdown).await?)
    })
}
