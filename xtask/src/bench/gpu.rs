//! `cargo xtask bench gpu`: the miner on an NVIDIA GPU, beside itself on the CPU and beside ONNX
//! Runtime's own Python on the same GPU.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::{
    figures::{table, Kind, Row},
    miner::{build, figures, subjects, Bench, Subject, BATCHING, SECONDS},
    servers::{script, start_miner, virtual_environment, HOTKEY},
};
use crate::{
    page, setup,
    workspace::{Workspace, ONNX_RUNTIME},
};

/// Runs all of it on the CPU, so that it can be tried where there is no GPU.
const TRY: &str = "--try";

/// Where models shall run.
struct Place {
    /// In the miner's settings.
    setting: &'static str,
    /// As ONNX Runtime calls it.
    provider: &'static str,
    /// The Python package.
    package: &'static str,
}

const GPU: Place = Place {
    setting: "cuda",
    provider: "CUDAExecutionProvider",
    package: "onnxruntime-gpu",
};

const CPU: Place = Place {
    setting: "cpu",
    provider: "CPUExecutionProvider",
    package: "onnxruntime",
};

/// Measures everything and writes the figures down, unless it is only tried. `args`: seconds per
/// measurement, `--try`.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let tried = args.iter().any(|arg| arg == TRY);
    let mut seconds = args.iter().filter(|arg| *arg != TRY);
    let seconds = seconds.next().map_or(SECONDS, String::as_str);
    let place = if tried { CPU } else { GPU };
    if tried {
        setup::run(workspace, setup::Scope::Run)?;
    } else {
        setup::gpu(workspace, false)?;
    }
    build(workspace)?;
    let python = python(workspace, &place)?;
    let before = page::load();
    let bench = Bench { workspace, seconds };
    let mut text = format!(
        "Measured by `cargo xtask bench gpu` on {} and {}, client and server on the same machine, \
         {seconds} s per figure; ONNX Runtime {ONNX_RUNTIME}. The load of the machine before it began was \
         {before:.1}.\n\n",
        name_of_gpu(),
        page::machine()?,
    );
    for subject in subjects(workspace)? {
        let rows = measure(&bench, &subject, &place, &python)?;
        text += &table(subject.title, &rows);
    }
    if tried {
        print!("{text}");
        return Ok(());
    }
    page::write_down(workspace, "bench gpu", &text)
}

fn measure(bench: &Bench<'_>, subject: &Subject, place: &Place, python: &Path) -> Result<Vec<Row>> {
    let on_cpu = format!("provider = \"{}\"", CPU.setting);
    let here = format!("provider = \"{}\"", place.setting);
    let mut rows = Vec::new();
    for (name, kind, inference, options) in [
        ("assay-miner on the CPU", Kind::Unsigned, &on_cpu, ""),
        (
            "assay-miner on the CPU, batching",
            Kind::Batching,
            &on_cpu,
            BATCHING,
        ),
        ("assay-miner", Kind::Unsigned, &here, ""),
        ("assay-miner, signed", Kind::Signed, &here, ""),
        ("assay-miner, batching", Kind::Batching, &here, BATCHING),
        (
            "assay-miner, signed, batching",
            Kind::SignedBatching,
            &here,
            BATCHING,
        ),
    ] {
        let server = start_miner(bench.workspace, &subject.model, inference, options)?;
        let address = server.address.to_string();
        let mut args = vec!["--address", &address];
        if matches!(kind, Kind::Signed | Kind::SignedBatching) {
            args.extend(["--sign-for", HOTKEY]);
        }
        let ask = |concurrency| bench.load(subject, concurrency, bench.seconds, &args);
        rows.push(bench.row(subject, name, kind, Some(&server), ask)?);
    }
    let libraries = bench.workspace.onnx_runtime_dir().join("cuda");
    let ask = |concurrency: usize| {
        let mut client = script(bench.workspace, python, "bare.py");
        client
            .arg(place.provider)
            .arg(&subject.model)
            .arg(&subject.body)
            .arg(subject.outputs)
            .arg(concurrency.to_string())
            .arg(bench.seconds)
            .env("LD_LIBRARY_PATH", &libraries);
        figures(&mut client)
    };
    let name = "ONNX Runtime's Python in a loop";
    rows.push(bench.row(subject, name, Kind::Limit, None, ask)?);
    Ok(rows)
}

/// A Python with ONNX Runtime for this place.
fn python(workspace: &Workspace, place: &Place) -> Result<PathBuf> {
    let check = format!(
        "import importlib.metadata as m, numpy; assert m.version('{}') == '{ONNX_RUNTIME}'",
        place.package
    );
    let packages = [
        format!("{}=={ONNX_RUNTIME}", place.package),
        "numpy".to_owned(),
    ];
    virtual_environment(workspace, place.package, &check, &packages)
}

fn name_of_gpu() -> String {
    let mut smi = Command::new("nvidia-smi");
    let told = smi
        .args(["--query-gpu=name", "--format=csv,noheader"])
        .output();
    let name = told.ok().filter(|told| told.status.success());
    let name = name.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned());
    name.unwrap_or_else(|| "no GPU that tells its name".into())
}
