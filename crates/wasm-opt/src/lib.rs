#![doc = include_str!("../README.md")]

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use wasmparser::{BinaryReaderError, Parser, Payload, Validator, WasmFeatures};

/// The passes that the Wasm builder asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Drops the custom sections that hold debug information.
    StripDwarf,
    /// Nothing to do: a module that extends signs by instruction is refused.
    SignextLowering,
}

/// What to do with a module; [`OptimizationOptions::run`] does it.
#[derive(Clone, Debug)]
pub struct OptimizationOptions {
    strip_dwarf: bool,
}

impl OptimizationOptions {
    /// Starts without any pass.
    pub fn new_opt_level_0() -> Self {
        Self { strip_dwarf: false }
    }

    /// Changes nothing: no module with more features is ever accepted.
    pub fn mvp_features_only(&mut self) -> &mut Self {
        self
    }

    /// Changes nothing: names are always kept, and DWARF goes only by [`Pass::StripDwarf`].
    pub fn debug_info(&mut self, _keep: bool) -> &mut Self {
        self
    }

    /// Adds a pass.
    pub fn add_pass(&mut self, pass: Pass) -> &mut Self {
        self.strip_dwarf |= pass == Pass::StripDwarf;
        self
    }

    /// Checks the module at `input` and writes it to `output`, which may be the same path.
    ///
    /// # Errors
    ///
    /// If `input` can't be read or isn't WebAssembly 1.0, or `output` can't be written. After an
    /// error `output` is as it was before, unless writing it failed halfway.
    pub fn run(
        &self,
        input: impl AsRef<Path>,
        output: impl AsRef<Path>,
    ) -> Result<(), OptimizationError> {
        let (input, output) = (input.as_ref(), output.as_ref());
        let invalid = |source| OptimizationError::Invalid {
            path: input.to_owned(),
            source,
        };
        let module = fs::read(input).map_err(|source| OptimizationError::Read {
            path: input.to_owned(),
            source,
        })?;
        Validator::new_with_features(WasmFeatures::WASM1)
            .validate_all(&module)
            .map_err(invalid)?;
        let module = if self.strip_dwarf {
            without_dwarf(&module).map_err(invalid)?
        } else {
            module
        };
        fs::write(output, module).map_err(|source| OptimizationError::Write {
            path: output.to_owned(),
            source,
        })
    }
}

/// Copies a module section by section, header bytes and all, leaving out those named `.debug_*`.
fn without_dwarf(module: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut kept = Vec::with_capacity(module.len());
    let mut copied = 0;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        // A payload's range holds a section's contents; its header lies between the end of what
        // came before and there.
        let (end, keep) = match &payload {
            Payload::Version { range, .. } => (range.end, true),
            Payload::CustomSection(section) => {
                (section.range().end, !section.name().starts_with(".debug_"))
            }
            other => match other.as_section() {
                Some((_, range)) => (range.end, true),
                None => continue,
            },
        };
        if keep {
            kept.extend_from_slice(&module[copied..end]);
        }
        copied = end;
    }
    Ok(kept)
}

/// Why a module was not written.
#[derive(thiserror::Error)]
pub enum OptimizationError {
    /// The file is missing or unreadable.
    #[error("can't read the Wasm module {}: {source}", path.display())]
    Read {
        /// The module's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no module, or one that the executor would refuse.
    #[error(
        "{} is not WebAssembly 1.0, the only kind that the node's executor runs: {source}. Build it \
         for the target `wasm32v1-none`, which `cargo xtask setup` installs",
        path.display()
    )]
    Invalid {
        /// The module's file.
        path: PathBuf,
        /// The first thing wrong with it, and where.
        source: BinaryReaderError,
    },
    /// The result can't be written.
    #[error("can't write the Wasm module {}: {source}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The Wasm builder unwraps the error, so this is what people get to read.
impl fmt::Debug for OptimizationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
