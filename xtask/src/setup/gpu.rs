//! ONNX Runtime with its providers for NVIDIA's GPUs, and the libraries of CUDA that they load.
//!
//! It takes the place of the build for CPUs: it runs models there just as well. The driver comes
//! from elsewhere, with the machine; and so does TensorRT, of which PyPI has no libraries, but only
//! packages that would fetch them somewhere else.

use std::{fs, path::Path, path::PathBuf};

use anyhow::{Context, Result};

use super::{
    onnx::{fetch, unpack, OnnxRuntime},
    Need,
};
use crate::workspace::{Workspace, ONNX_RUNTIME};

/// What ONNX Runtime's provider for CUDA loads.
const CUDA: [&str; 7] = [
    "nvidia-cublas>=13,<14",
    "nvidia-cuda-nvrtc>=13,<14",
    "nvidia-cuda-runtime>=13,<14",
    "nvidia-cudnn-cu13>=9,<10",
    "nvidia-cufft>=12,<13",
    "nvidia-curand>=10,<11",
    "nvidia-nvjitlink>=13,<14",
];

pub struct GpuRuntime {
    runtime: OnnxRuntime,
    folder: PathBuf,
}

impl GpuRuntime {
    pub fn new(workspace: &Workspace) -> Self {
        Self {
            runtime: OnnxRuntime::new(workspace),
            folder: workspace.onnx_runtime_dir(),
        }
    }

    /// Where miners look for what is to be loaded before the providers.
    fn libraries(&self) -> PathBuf {
        self.folder.join("cuda")
    }

    fn has(&self, folder: &Path, start: &str) -> bool {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .into_iter()
            .any(|entry| entry.file_name().to_string_lossy().starts_with(start))
    }
}

impl Need for GpuRuntime {
    fn name(&self) -> String {
        format!(
            "ONNX Runtime {ONNX_RUNTIME} for GPUs with CUDA (into {}, over 2 GB)",
            self.folder.display()
        )
    }

    fn purpose(&self) -> &'static str {
        "runs the miners' models on NVIDIA's GPUs"
    }

    fn is_met(&self) -> bool {
        self.has(&self.folder, "libonnxruntime_providers_cuda.so")
            && self.has(&self.libraries(), "libcudnn.so")
    }

    fn meet(&self) -> Result<()> {
        let parent = self.folder.parent().context("the cache has no folder")?;
        fs::create_dir_all(parent).with_context(|| format!("can't make {}", parent.display()))?;
        let scratch = tempfile::tempdir_in(parent).context("can't make a temporary folder")?;
        let cuda = scratch.path().join("cuda");
        fs::create_dir_all(&cuda)?;
        for requirement in CUDA {
            let unpacked = unpack(&fetch(scratch.path(), requirement)?)?;
            keep_libraries(&unpacked, &cuda)?;
        }
        let requirement = format!("onnxruntime-gpu=={ONNX_RUNTIME}");
        let unpacked = unpack(&fetch(scratch.path(), &requirement)?)?;
        // The runtime's folder is replaced as a whole, and last.
        self.runtime
            .keep_libraries(&unpacked.join("onnxruntime").join("capi"))?;
        fs::rename(&cuda, self.libraries()).context("can't keep CUDA's libraries")
    }

    fn remedy(&self) -> String {
        format!(
            "install CUDA 13 and cuDNN 9 by your system's means, and put the libraries of the Python \
             package onnxruntime-gpu {ONNX_RUNTIME} into {}",
            self.folder.display()
        )
    }
}

/// Moves every shared library below `from` into `to`.
fn keep_libraries(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if path.is_dir() {
            keep_libraries(&path, to)?;
        } else if let Some(name) = path.file_name() {
            if name.to_string_lossy().contains(".so") {
                fs::rename(&path, to.join(name))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_kept_wherever_they_lie_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("nvidia/cu13/lib")).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(from.join("nvidia/cu13/lib/libcudart.so.13"), "").unwrap();
        fs::write(from.join("nvidia/__init__.py"), "").unwrap();
        keep_libraries(&from, &to).unwrap();
        assert!(to.join("libcudart.so.13").is_file());
        assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
    }
}
