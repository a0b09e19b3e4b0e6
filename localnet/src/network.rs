//! The network's life: up, watched, down.

use crate::{
    accounts::{account, hotkey_uri},
    authors::{self, Author},
    cast::{Cast, ValidatorRole},
    error::{Error, Tried},
    options::Options,
    participants::{Participant, Stage},
    process::Process,
    registration,
    report::Report,
    show::Show,
    watch::Watch,
};
use assay_chain_client::{ChainClient, ChainConfig};
use assay_primitives::{Balance, Metagraph, NetUid};
use assay_telemetry::Shutdown;
use assay_validator::task::TaskFolder;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long the chain may take to finalize its first block, and the miners to register.
const READY_DEADLINE: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the chain may be unreadable while the network runs, before that ends it.
const BLIND: Duration = Duration::from_secs(60);

/// Starts a network, shows it until it is told to end or has run its epochs, and ends it.
pub async fn up(options: Options) -> Result<(), Error> {
    let task = TaskFolder::load(&options.task)?;
    let cast = Cast::of_task(&options.task)?;
    let home = Home::new(options.folder.clone())?;
    let shutdown = Shutdown::on_signals().map_err(Error::NoSignals)?;
    let mut show = Show::new();
    let mut network = Network::default();
    let outcome = tokio::select! {
        outcome = network.run(&options, &task, &cast, home.path(), &mut show) => outcome.map(Some),
        () = shutdown.tripped() => Ok(None),
    };
    show.step("ending all processes");
    network.stop().await;
    show.clear();
    if outcome.is_err() {
        home.keep();
    }
    match outcome? {
        Some(report) => show.finish(&report),
        None => eprintln!("ended on request"),
    }
    Ok(())
}

/// Where everything is kept.
enum Home {
    /// A folder that the user named.
    Named(PathBuf),
    /// One that is deleted at the end.
    Temporary(TempDir),
}

impl Home {
    fn new(named: Option<PathBuf>) -> Result<Self, Error> {
        let Some(path) = named else {
            let folder = tempfile::Builder::new().prefix("assay-localnet-").tempdir();
            return folder
                .map(Self::Temporary)
                .map_err(|source| Error::Unwritable {
                    path: std::env::temp_dir(),
                    source,
                });
        };
        let unwritable = |source| Error::Unwritable {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(&path).map_err(unwritable)?;
        let path = path.canonicalize().map_err(unwritable)?;
        let mut entries = std::fs::read_dir(&path).map_err(unwritable)?;
        match entries.next() {
            Some(_) => Err(Error::NotEmpty(path)),
            None => Ok(Self::Named(path)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    /// Leaves the logs where an error message points to.
    fn keep(self) {
        if let Self::Temporary(folder) = self {
            eprintln!("logs and databases are kept in {}", folder.keep().display());
        }
    }
}

/// Every process of the network.
#[derive(Default)]
struct Network {
    authors: Vec<Author>,
    miners: Vec<Participant>,
    validators: Vec<Participant>,
}

impl Network {
    async fn run(
        &mut self,
        options: &Options,
        task: &TaskFolder,
        cast: &Cast,
        folder: &Path,
        show: &mut Show,
    ) -> Result<Report, Error> {
        let programs = match &options.programs {
            Some(folder) => folder.clone(),
            None => authors::programs()?,
        };
        show.step("starting three block authors");
        authors::start(&programs.join("assay-node"), folder, &mut self.authors).await?;
        let chain = ChainClient::new(ChainConfig::new(self.authors[0].rpc.clone()));
        self.first_block(&chain, folder).await?;
        let at = chain.at_finalized().await.trying("reading the issuance")?;
        let endowed = at.issued().await.trying("reading the issuance")?;
        show.step("endowing accounts");
        registration::fund(&chain, cast).await?;
        show.step("registering the subnet");
        let netuid = registration::create_subnet(&chain, &task.spec()?).await?;
        show.step(format!(
            "registering the validators of subnet {netuid} and their stake"
        ));
        registration::add_validators(&chain, netuid, cast).await?;
        show.step("starting eight miners, which register themselves");
        let task_folder = options.task.canonicalize();
        let task_folder = task_folder.unwrap_or_else(|_| options.task.clone());
        let stage = Stage {
            programs: &programs,
            folder,
            task_folder: &task_folder,
            task,
            cast,
            authors: &self.authors,
            netuid,
        };
        stage.start_miners(&mut self.miners)?;
        stage.start_validators(&mut self.validators)?;
        self.all_announced(&chain, netuid, cast, folder).await?;
        let watch = self.watch(chain, netuid, endowed, cast)?;
        self.follow(&watch, options, show).await
    }

    async fn first_block(&mut self, chain: &ChainClient, folder: &Path) -> Result<(), Error> {
        let deadline = Instant::now() + READY_DEADLINE;
        while chain
            .finalized_block()
            .await
            .trying("waiting for the first block")?
            .number
            == 0
        {
            self.check()?;
            self.in_time(
                deadline,
                "the chain's first finalized block",
                folder,
                "author-alice",
            )?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Waits until every miner is registered and says where it listens.
    async fn all_announced(
        &mut self,
        chain: &ChainClient,
        netuid: NetUid,
        cast: &Cast,
        folder: &Path,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + READY_DEADLINE;
        loop {
            self.check()?;
            let at = chain
                .at_finalized()
                .await
                .trying("waiting for the miners")?;
            let graph: Metagraph<assay_chain_client::AccountId32> = at
                .metagraph(netuid)
                .await
                .trying("waiting for the miners")?;
            let mut missing = None;
            for plan in &cast.miners {
                let hotkey = account(&hotkey_uri(&plan.name))?;
                let place = graph.hotkeys.iter().position(|held| *held == hotkey);
                if place.is_none_or(|place| graph.endpoints[place].is_none()) {
                    missing = Some(&plan.name);
                }
            }
            let Some(missing) = missing else {
                return Ok(());
            };
            self.in_time(deadline, "the announcement of a miner", folder, missing)?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn in_time(
        &self,
        deadline: Instant,
        what: &str,
        folder: &Path,
        name: &str,
    ) -> Result<(), Error> {
        if Instant::now() < deadline {
            return Ok(());
        }
        let log = folder.join(format!("{name}.log"));
        Err(Error::NotReady {
            what: what.into(),
            waited: READY_DEADLINE,
            log,
        })
    }

    fn watch(
        &self,
        chain: ChainClient,
        netuid: NetUid,
        endowed: Balance,
        cast: &Cast,
    ) -> Result<Watch, Error> {
        let mut names = HashMap::new();
        for participant in self.miners.iter().chain(&self.validators) {
            let name = participant.name.clone();
            names.insert(account(&hotkey_uri(&name))?.0, name);
        }
        let honest = |name: &str| {
            let mut plans = cast.validators.iter();
            plans.any(|plan| plan.name == name && plan.role == ValidatorRole::Honest)
        };
        let honest = self
            .validators
            .iter()
            .filter(|participant| honest(&participant.name));
        Ok(Watch {
            chain,
            netuid,
            endowed,
            cast: cast.clone(),
            names,
            honest: honest
                .map(|participant| participant.address.clone())
                .collect(),
            http: reqwest::Client::new(),
        })
    }

    /// Shows the network until it has run its epochs.
    async fn follow(
        &mut self,
        watch: &Watch,
        options: &Options,
        show: &mut Show,
    ) -> Result<Report, Error> {
        let mut seen = Instant::now();
        loop {
            self.check()?;
            match watch.look().await {
                Ok(sight) => {
                    seen = Instant::now();
                    show.sight(&sight, options.epochs);
                    if let Some(file) = &options.json {
                        write_json(file, &sight.report)?;
                    }
                    if options
                        .epochs
                        .is_some_and(|epochs| sight.report.epochs >= epochs)
                    {
                        return Ok(sight.report);
                    }
                }
                // A busy machine may take a while; the processes themselves are checked above.
                Err(error) if error.is_transient() && seen.elapsed() < BLIND => {}
                Err(error) => return Err(error).trying("reading the network's state"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Fails if a process has ended.
    fn check(&mut self) -> Result<(), Error> {
        let authors = self.authors.iter_mut().map(|author| &mut author.process);
        let participants = self.miners.iter_mut().chain(&mut self.validators);
        for process in authors.chain(participants.map(|participant| &mut participant.process)) {
            process.check()?;
        }
        Ok(())
    }

    /// Ends every process: those that use the chain before those that are the chain.
    async fn stop(self) {
        let participants = self.validators.into_iter().chain(self.miners);
        let processes = participants.map(|participant| participant.process.stop());
        futures::future::join_all(processes).await;
        let authors = self
            .authors
            .into_iter()
            .map(|author| Process::stop(author.process));
        futures::future::join_all(authors).await;
    }
}

/// Writes the report whole or not at all.
fn write_json(file: &Path, report: &Report) -> Result<(), Error> {
    let unwritable = |source| Error::Unwritable {
        path: file.to_owned(),
        source,
    };
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut draft =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(unwritable)?;
    serde_json::to_writer_pretty(&mut draft, report)
        .map_err(|error| unwritable(std::io::Error::from(error)))?;
    draft
        .persist(file)
        .map_err(|error| unwritable(error.error))?;
    Ok(())
}
