//! The servers that are compared: ours, and those out of the Python package registry.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure, Context, Result};

use crate::{
    process,
    workspace::{Workspace, ONNX_RUNTIME, ORT_DYLIB_PATH},
};

/// Longest that a server may take to start.
const START: Duration = Duration::from_secs(120);

/// The hotkey of the development key `//Bob`, with which our miner is started.
pub const HOTKEY: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

/// A server of somebody else.
#[derive(Clone, Copy, Debug)]
pub struct Foreign {
    /// What it is called in tables.
    pub name: &'static str,
    /// What `server.py` calls it.
    pub kind: &'static str,
    /// Its package, and the version that is compared.
    package: &'static str,
    version: &'static str,
    /// How it is asked.
    pub asked: Asked,
}

/// How a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The query is posted there, unsigned: that is all it knows.
    Post(&'static str),
    /// Signed as Bittensor's clients sign; it knows nothing else.
    Axon,
}

/// The last release of Bittensor that has an axon; those after it have none.
pub const FOREIGN: [Foreign; 5] = [
    Foreign {
        name: "mosec",
        kind: "mosec",
        package: "mosec",
        version: "0.9.8",
        asked: Asked::Post("/inference"),
    },
    Foreign {
        name: "MLServer",
        kind: "mlserver",
        package: "mlserver",
        version: "1.7.1",
        asked: Asked::Post("/v2/models/model/infer"),
    },
    Foreign {
        name: "KServe",
        kind: "kserve",
        package: "kserve",
        version: "0.21.0",
        asked: Asked::Post("/v2/models/model/infer"),
    },
    Foreign {
        name: "LitServe",
        kind: "litserve",
        package: "litserve",
        version: "0.2.19",
        asked: Asked::Post("/predict"),
    },
    Foreign {
        name: "Bittensor's axon, signed",
        kind: "axon",
        package: "bittensor",
        version: "10.5.0",
        asked: Asked::Axon,
    },
];

impl Foreign {
    /// Installs it into an environment of its own, unless it is there, and returns its Python.
    pub fn install(&self, workspace: &Workspace) -> Result<PathBuf> {
        let Self {
            package, version, ..
        } = self;
        let check = format!(
            "import importlib.metadata as m, onnxruntime; assert m.version('{package}') == '{version}'"
        );
        let packages = [
            format!("{package}=={version}"),
            "numpy".to_owned(),
            format!("onnxruntime=={ONNX_RUNTIME}"),
        ];
        virtual_environment(workspace, self.kind, &check, &packages)
    }

    /// What it is, for readers.
    pub fn release(&self) -> String {
        format!("{} {}", self.package, self.version)
    }

    /// Starts it. `outputs` are those that it gives; all if empty.
    pub fn start(
        &self,
        workspace: &Workspace,
        python: &Path,
        model: &Path,
        outputs: &str,
    ) -> Result<Running> {
        let port = free_port()?;
        let mut command = script(workspace, python, "server.py");
        command
            .arg(self.kind)
            .arg(model)
            .arg(port.to_string())
            .env("BENCH_OUTPUTS", outputs)
            .env("OMP_NUM_THREADS", "1");
        Running::start(command, port, workspace, self.kind)
    }
}

/// The Python of an environment with these packages, which is made anew unless `check` runs in it.
pub fn virtual_environment(
    workspace: &Workspace,
    name: &str,
    check: &str,
    packages: &[String],
) -> Result<PathBuf> {
    let folder = workspace.bench_dir().join(name);
    let python = folder.join("bin").join("python");
    if process::succeeds(Command::new(&python).args(["-c", check])) {
        return Ok(python);
    }
    let mut venv = Command::new("python3");
    process::run(venv.args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet"])
        .arg("--disable-pip-version-check")
        .args(packages);
    process::run(&mut pip)?;
    Ok(python)
}

/// One of the scripts beside `server.py`, which find each other.
pub fn script(workspace: &Workspace, python: &Path, name: &str) -> Command {
    let scripts = workspace.root().join("xtask").join("bench");
    let mut command = Command::new(python);
    command.arg(scripts.join(name)).env("PYTHONPATH", &scripts);
    command
}

/// Starts our miner on a folder of its own that holds the model. `inference` says on what it runs, and
/// `options` are settings besides.
pub fn start_miner(
    workspace: &Workspace,
    model: &Path,
    inference: &str,
    options: &str,
) -> Result<Running> {
    let folder = workspace.bench_dir().join("miner");
    let place = folder.join("models").join("model").join("1");
    fs::create_dir_all(&place)?;
    fs::copy(model, place.join("model.onnx"))?;
    let port = free_port()?;
    let config = folder.join("miner.toml");
    let text = format!(
        "models = {:?}\nstate = {:?}\nlisten = \"127.0.0.1:{port}\"\nadmission = \"public\"\n\
         hotkey = {{ suri = \"//Bob\" }}\n\
         [rates]\nper_second = 0\nunsigned_per_second = 0\n\
         [limits]\nnonces = 10000000\nnonces_per_caller = 10000000\n\
         [inference]\nqueue = 256\n{inference}\n{options}\n",
        folder.join("models").display().to_string(),
        folder.join("state").display().to_string(),
    );
    fs::write(&config, text)?;
    let mut command = Command::new(workspace.release("assay-miner"));
    command
        .arg("--config")
        .arg(&config)
        .env(ORT_DYLIB_PATH, workspace.onnx_runtime());
    Running::start(command, port, workspace, "assay-miner")
}

/// A server that is ended when this is dropped.
pub struct Running {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Running {
    fn start(mut command: Command, port: u16, workspace: &Workspace, name: &str) -> Result<Self> {
        let log = workspace.bench_dir().join(format!("{name}.log"));
        let file = fs::File::create(&log)?;
        // A group of its own, so that its workers end with it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("can't start {name}"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut running = Self { child, address };
        let deadline = Instant::now() + START;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = running.child.try_wait()? {
                bail!("{name} ended ({status}): see {}", log.display());
            }
            ensure!(
                Instant::now() < deadline,
                "{name} does not listen: see {}",
                log.display()
            );
            thread::sleep(Duration::from_millis(100));
        }
        Ok(running)
    }
}

impl Running {
    /// What it and the processes that it started took of the processor so far, in milliseconds.
    pub fn processor_ms(&self) -> Result<f64> {
        let group = self.child.id().to_string();
        let mut ticks = 0;
        for entry in fs::read_dir("/proc")?.flatten() {
            // Most are no processes, and some have ended meanwhile.
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
                continue;
            };
            ticks += ticks_in_group(&stat, &group).unwrap_or(0);
        }
        Ok(ticks as f64 * TICK_MS)
    }
}

/// Milliseconds of the unit in which Linux tells processor time, whatever the machine.
const TICK_MS: f64 = 10.0;

/// Processor time out of a process's `stat`, if it is of this group: in user and system mode, and of
/// children that have ended.
fn ticks_in_group(stat: &str, group: &str) -> Option<u64> {
    // A program's name may hold anything, but it ends with the last parenthesis.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    if fields.get(2) != Some(&group) {
        return None;
    }
    let times = fields.get(11..15)?.iter();
    times.map(|field| field.parse::<u64>().ok()).sum()
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        // Whatever is left of it must not take part in the next measurement.
        for (signal, patience) in [("-TERM", 50), ("-KILL", 50)] {
            let _ = Command::new("kill")
                .args([signal, "--", &group])
                .stderr(Stdio::null())
                .status();
            for _ in 0..patience {
                if matches!(self.child.try_wait(), Ok(Some(_))) {
                    break;
                }
                thread::sleep(Duration::from_millis(100));
            }
        }
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_that_of_the_group() {
        let stat = "7 (a) b) S 1 42 7 0 -1 4194560 1 0 0 0 100 20 3 4 20 0 1 0";
        assert_eq!(ticks_in_group(stat, "42"), Some(127));
        assert_eq!(ticks_in_group(stat, "43"), None);
    }
}
