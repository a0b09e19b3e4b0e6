//! One model in one session.

use super::{folder::ModelFile, stop::Stop, workers::Engine};
use crate::backend::{BackendError, ModelInfo};
use assay_onnx::{datatype, from_onnx, to_onnx};
use assay_protocol::oip::{InferRequest, Tensor, TensorMetadata};
use ort::{
    environment::Environment,
    ep::{ExecutionProvider, ExecutionProviderDispatch, TensorRT, CPU, CUDA},
    logging::LogLevel,
    session::{builder::SessionBuilder, RunOptions, Session},
    value::{Outlet, ValueType},
    ErrorCode,
};
use serde::{Deserialize, Serialize};
use std::{fmt, fs, path::PathBuf, sync::Arc};

/// What models shall run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The GPU if it can be used, else the CPU.
    Auto {
        /// Which GPU.
        cuda_device: i32,
    },
    /// The CPU.
    Cpu,
    /// The GPU; without one, the model can't be loaded.
    Cuda {
        /// Which GPU.
        cuda_device: i32,
    },
    /// The GPU through TensorRT, and through CUDA what TensorRT does not take.
    TensorRt {
        /// Which GPU.
        cuda_device: i32,
    },
}

/// What a model really runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An NVIDIA GPU through TensorRT.
    TensorRt,
}

impl Device {
    /// Whether nothing but a GPU will do.
    pub(super) const fn is_gpu_only(self) -> bool {
        matches!(self, Self::Cuda { .. } | Self::TensorRt { .. })
    }

    /// Where a model's next file is loaded that is served from a GPU now, if it is: from there and
    /// from nowhere else. Both are held together for a while, and that there is no room for it is
    /// no reason to answer on, slowly, without one.
    pub(super) const fn staying(self, now: Option<Provider>) -> Self {
        match now {
            Some(gpu @ (Provider::Cuda | Provider::TensorRt)) => Self::exactly(gpu, self),
            Some(Provider::Cpu) | None => self,
        }
    }

    /// The device on which `provider` runs: a model loaded again must not silently move.
    pub(super) const fn exactly(provider: Provider, chosen: Self) -> Self {
        match (provider, chosen) {
            (Provider::Cpu, _) | (_, Self::Cpu) => Self::Cpu,
            (
                Provider::Cuda | Provider::TensorRt,
                Self::Auto { cuda_device } | Self::Cuda { cuda_device },
            ) => Self::Cuda { cuda_device },
            (Provider::Cuda | Provider::TensorRt, chosen @ Self::TensorRt { .. }) => chosen,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => <CPU as ExecutionProvider>::NAME,
            Self::Cuda => <CUDA as ExecutionProvider>::NAME,
            Self::TensorRt => <TensorRT as ExecutionProvider>::NAME,
        })
    }
}

/// Why a model can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file can't be read.
    #[error("can't read {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        why: std::io::Error,
    },
    /// ONNX Runtime does not take it.
    #[error("{} is not a model that ONNX Runtime can run: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What it said.
        why: String,
    },
    /// It was to be loaded on a GPU or not at all, and that did not work.
    #[error(
        "{} can't be loaded on the GPU, which `inference.provider` asks for ({why}): docs/mining.md says \
         what a GPU needs; with \"auto\" models run on the CPU where there is none", path.display()
    )]
    NoGpu {
        /// The file.
        path: PathBuf,
        /// What ONNX Runtime said.
        why: String,
    },
    /// The GPU does not take it that serves the model now.
    #[error(
        "{} can't be loaded on the GPU from which the model is served now ({why}): what is served \
         answers on. If there is no room for both, restart the miner", path.display()
    )]
    NotOnGpu {
        /// The file.
        path: PathBuf,
        /// What ONNX Runtime said.
        why: String,
    },
    /// It has inputs or outputs that the protocol can't carry.
    #[error("{}: {what}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Which, and what to do.
        what: String,
    },
    /// Loaded again, the file was another.
    #[error("{} was changed on disk, and the new file is not served yet", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// A model ready to run.
pub(super) struct OnnxEngine {
    name: String,
    session: Session,
    provider: Provider,
    /// What ends the next run.
    stop: Option<Stop>,
}

/// A loaded engine and what it serves.
pub(super) struct Loaded {
    pub engine: OnnxEngine,
    pub info: ModelInfo,
}

impl OnnxEngine {
    /// Loads a model. The digest is that of the very bytes that are loaded, so a model that keeps
    /// weights in further files is refused: its digest would not cover them.
    pub(super) fn load(
        environment: &Environment,
        file: &ModelFile,
        device: Device,
        threads: usize,
    ) -> Result<Loaded, ModelError> {
        let unreadable = |why| ModelError::Unreadable {
            path: file.path.clone(),
            why,
        };
        let bytes = fs::read(&file.path).map_err(unreadable)?;
        let Opened {
            session,
            provider,
            fallback,
        } = open(environment, &bytes, device, threads).map_err(|why| ModelError::Unusable {
            path: file.path.clone(),
            why,
        })?;
        let describe = |outlets: &[Outlet]| {
            outlets
                .iter()
                .map(describe)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|what| ModelError::Unsupported {
                    path: file.path.clone(),
                    what,
                })
        };
        let info = ModelInfo {
            name: file.name.clone(),
            version: file.version,
            sha256: assay_protocol::sha256(&bytes).into(),
            size: bytes.len() as u64,
            platform: "onnxruntime_onnx".into(),
            provider: provider.to_string(),
            fallback,
            inputs: describe(session.inputs())?,
            outputs: describe(session.outputs())?,
        };
        let engine = Self {
            name: file.name.clone(),
            session,
            provider,
            stop: None,
        };
        Ok(Loaded { engine, info })
    }

    pub(super) const fn provider(&self) -> Provider {
        self.provider
    }
}

impl Engine for OnnxEngine {
    fn stop_by(&mut self, stop: &Stop) {
        self.stop = Some(stop.clone());
    }

    fn run(&mut self, query: InferRequest) -> Result<Vec<Tensor>, BackendError> {
        let InferRequest {
            inputs, outputs, ..
        } = query;
        let inputs = inputs
            .into_iter()
            .map(to_onnx)
            .collect::<Result<Vec<_>, _>>()
            .map_err(BackendError::Invalid)?;
        let wanted: Vec<String> = if outputs.is_empty() {
            self.session
                .outputs()
                .iter()
                .map(|output| output.name().to_owned())
                .collect()
        } else {
            outputs.into_iter().map(|output| output.name).collect()
        };
        // All outputs are computed whichever are asked for; options that select some could not be
        // shared with whoever ends the run.
        let mut options = RunOptions::new().map_err(|why| failed(&self.name, &why))?;
        // What goes wrong is told to whoever asked; callers must not fill the log.
        let quiet = options.set_log_level(LogLevel::Fatal);
        quiet.map_err(|why| failed(&self.name, &why))?;
        let options = Arc::new(options);
        if let Some(stop) = self.stop.take() {
            let options = Arc::clone(&options);
            stop.on_asked(move || {
                // It fails only where there are no options.
                let _ = options.terminate();
            });
        }
        let found = self
            .session
            .run_with_options(inputs, &options)
            .map_err(|why| failed(&self.name, &why))?;
        wanted
            .iter()
            .map(|name| {
                let value = found
                    .get(name)
                    .ok_or_else(|| "the model left it out".to_owned());
                value
                    .and_then(|value| from_onnx(name, value))
                    .map_err(|why| {
                        let why = format!("output `{name}`: {why}");
                        BackendError::Failed {
                            model: self.name.clone(),
                            why,
                        }
                    })
            })
            .collect()
    }
}

fn failed(model: &str, why: &ort::Error) -> BackendError {
    // What ONNX Runtime calls an invalid argument is the query's fault: lengths that must agree
    // between inputs, an index out of range.
    if why.code() == ErrorCode::InvalidArgument {
        BackendError::Invalid(format!("the model refuses this query: {why}"))
    } else {
        BackendError::Failed {
            model: model.to_owned(),
            why: why.to_string(),
        }
    }
}

struct Opened {
    session: Session,
    provider: Provider,
    fallback: Option<String>,
}

/// Opens a session on the device, or says why there is none.
fn open(
    environment: &Environment,
    bytes: &[u8],
    device: Device,
    threads: usize,
) -> Result<Opened, String> {
    let on_cpu = |fallback| {
        let session = builder(environment, threads)?
            .commit_from_memory(bytes)
            .map_err(text)?;
        Ok(Opened {
            session,
            provider: Provider::Cpu,
            fallback,
        })
    };
    let on_gpu = |provider, wanted: &[ExecutionProviderDispatch]| {
        let mut builder = builder(environment, threads)?
            .with_execution_providers(wanted)
            .map_err(text)?;
        let session = builder.commit_from_memory(bytes).map_err(text)?;
        Ok(Opened {
            session,
            provider,
            fallback: None,
        })
    };
    // Unless told to fail, ONNX Runtime would move to the CPU without a word.
    let cuda = |device| {
        let cuda = CUDA::default().with_device_id(device);
        cuda.build().error_on_failure()
    };
    let tensorrt = |device| {
        let tensorrt = TensorRT::default().with_device_id(device);
        tensorrt.build().error_on_failure()
    };
    match device {
        Device::Cpu => on_cpu(None),
        Device::Cuda { cuda_device } => on_gpu(Provider::Cuda, &[cuda(cuda_device)]),
        Device::TensorRt { cuda_device } => on_gpu(
            Provider::TensorRt,
            &[tensorrt(cuda_device), cuda(cuda_device)],
        ),
        Device::Auto { cuda_device } => {
            on_gpu(Provider::Cuda, &[cuda(cuda_device)]).or_else(|why: String| on_cpu(Some(why)))
        }
    }
}

fn text(why: impl ToString) -> String {
    why.to_string().trim().to_owned()
}

fn builder(environment: &Environment, threads: usize) -> Result<SessionBuilder, String> {
    Session::builder(environment)
        .map_err(text)?
        .with_intra_threads(threads)
        .map_err(text)
}

fn describe(outlet: &Outlet) -> Result<TensorMetadata, String> {
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else {
        return Err(format!(
            "`{}` is not a tensor; export classifiers with `zipmap` off",
            outlet.name()
        ));
    };
    let datatype = datatype(*ty)
        .ok_or_else(|| format!("`{}` is of type {ty}, which can't be served", outlet.name()))?;
    Ok(TensorMetadata {
        name: outlet.name().to_owned(),
        datatype,
        shape: shape.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_is_the_gpu_alone_when_the_model_is_served_from_it() {
        let (auto, cuda) = (
            Device::Auto { cuda_device: 1 },
            Device::Cuda { cuda_device: 1 },
        );
        let tensorrt = Device::TensorRt { cuda_device: 1 };
        for (chosen, now, device) in [
            (auto, Some(Provider::Cuda), cuda),
            // A GPU that works now is welcome, if one is wanted.
            (auto, Some(Provider::Cpu), auto),
            (auto, None, auto),
            (tensorrt, Some(Provider::TensorRt), tensorrt),
            (Device::Cpu, Some(Provider::Cpu), Device::Cpu),
        ] {
            assert_eq!(chosen.staying(now), device);
        }
    }
}
