//! From the command line to what is run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sc_cli::{ChainSpec, Error, Result, SubstrateCli};
use sc_network::config::NetworkBackendType;
use sc_service::{ChainType, Configuration};

use crate::{
    chain_spec,
    cli::{Cli, Subcommand},
    network_file, service,
};
use assay_runtime::opaque::Block;

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "Assay Node".into()
    }

    fn impl_version() -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn description() -> String {
        "Runs the Assay chain.".into()
    }

    fn author() -> String {
        "The Assay developers".into()
    }

    fn support_url() -> String {
        "the project's issue tracker".into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> std::result::Result<Box<dyn ChainSpec>, String> {
        chain_spec::load(id).map(|spec| Box::new(spec) as _)
    }
}

/// Parses the command line and does what it says.
pub fn run() -> Result<()> {
    let cli = Cli::from_args();
    let compiled = cli.compiled_runtimes();
    match &cli.subcommand {
        None => run_node(cli),
        Some(Subcommand::Key(command)) => command.run(&cli),
        Some(Subcommand::ExportChainSpec(command)) => command.run(cli.load_spec(&command.chain)?),
        Some(Subcommand::ChainInfo(command)) => cli
            .create_runner(command)?
            .sync_run(|config| command.run::<Block>(&config)),
        Some(Subcommand::PurgeChain(command)) => cli
            .create_runner(command)?
            .sync_run(|config| command.run(config.database)),
        Some(Subcommand::CheckBlock(command)) => cli.create_runner(command)?.async_run(|config| {
            let parts = service::assemble(&config, compiled)?;
            Ok((
                command.run(parts.client, parts.import_queue),
                parts.task_manager,
            ))
        }),
        Some(Subcommand::ExportBlocks(command)) => {
            cli.create_runner(command)?.async_run(|config| {
                let parts = service::assemble(&config, compiled)?;
                Ok((
                    command.run(parts.client, config.database),
                    parts.task_manager,
                ))
            })
        }
        Some(Subcommand::ExportState(command)) => cli.create_runner(command)?.async_run(|config| {
            let parts = service::assemble(&config, compiled)?;
            Ok((
                command.run(parts.client, config.chain_spec),
                parts.task_manager,
            ))
        }),
        Some(Subcommand::ImportBlocks(command)) => {
            cli.create_runner(command)?.async_run(|config| {
                let parts = service::assemble(&config, compiled)?;
                Ok((
                    command.run(parts.client, parts.import_queue),
                    parts.task_manager,
                ))
            })
        }
        Some(Subcommand::Revert(command)) => cli.create_runner(command)?.async_run(|config| {
            let parts = service::assemble(&config, compiled)?;
            // What GRANDPA keeps beside the blocks has to go back with them.
            let revert_finality = Box::new(|client, _, blocks| {
                sc_consensus_grandpa::revert(client, blocks)?;
                Ok(())
            });
            let revert = command.run(parts.client, parts.backend, Some(revert_finality));
            Ok((revert, parts.task_manager))
        }),
        Some(Subcommand::CompileRuntime { wasm }) => compile_runtime(wasm, compiled),
    }
}

/// Runs until SIGTERM or SIGINT, and then lets every task end before the process does.
fn run_node(mut cli: Cli) -> Result<()> {
    let chain = cli
        .run
        .shared_params
        .chain_id(cli.run.shared_params.is_dev());
    if network_file::is_one(&chain) {
        return Err(Error::Input(format!(
            "nodes of one network must start from one specification: make it with `assay-node \
             export-chain-spec --chain {chain} --raw`, and give that to every node"
        )));
    }
    let spec = cli.load_spec(&chain)?;
    if matches!(spec.chain_type(), ChainType::Development | ChainType::Local) {
        // An author whose address changes would be lost to its peers, so the SDK asks for a node
        // key that was made beforehand. On one machine that is a step for nothing.
        cli.run
            .network_params
            .node_key_params
            .unsafe_force_node_key_generation = true;
    }
    let compiled = cli.compiled_runtimes();
    cli.create_runner(&cli.run)?
        .run_node_until_exit(|config| async move {
            refuse_libp2p(&config)?;
            service::start(config, compiled).map_err(Error::Service)
        })
}

/// Leaves the compiled form of a runtime where the node will look for it.
fn compile_runtime(wasm: &Path, compiled: Option<PathBuf>) -> Result<()> {
    let folder = compiled.ok_or_else(|| {
        Error::Input("there is no home to keep it in: give `--compiled-runtimes FOLDER`".into())
    })?;
    let code = fs::read(wasm)
        .map_err(|error| Error::Input(format!("can't read {}: {error}", wasm.display())))?;
    let version = service::compile(&code, folder.clone())
        .map_err(|error| Error::Input(format!("{}: {error}", wasm.display())))?;
    println!(
        "{} {} is compiled, in {}",
        version.spec_name,
        version.spec_version,
        folder.display()
    );
    Ok(())
}

/// The node has one network backend. Ignoring a wish for the other would surprise.
fn refuse_libp2p(config: &Configuration) -> Result<()> {
    match config.network.network_backend {
        NetworkBackendType::Litep2p => Ok(()),
        NetworkBackendType::Libp2p => Err(Error::Input(
            "this node speaks through litep2p alone: leave out `--network-backend`".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
