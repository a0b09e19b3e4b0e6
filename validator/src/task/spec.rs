//! The task as it stands on chain.

use super::{
    folder::TensorLine, ArtifactFile, BuiltIn, GeneratorFile, ScoringRule, TaskError, TaskFolder,
};
use assay_primitives::{
    Artifact, Benchmark, Digest, Interface, Scoring, TaskSpec, TensorSpec, Text,
};
use sha2::{Digest as _, Sha256};

/// How many parts a unit of `task.toml` has on chain, where there are no fractions.
const MILLIONTHS: f64 = 1e6;

impl TaskFolder {
    /// The task as it stands on chain.
    pub fn spec(&self) -> Result<TaskSpec, TaskError> {
        self.parts().map_err(|reason| self.bad(reason))
    }

    /// Fails where the folder and the chain's spec would make validators and miners disagree.
    /// Addresses may differ: a digest says which file it is.
    pub fn check_against(&self, chain: &TaskSpec) -> Result<(), TaskError> {
        let own = self.spec()?;
        let benchmark = |benchmark: &Benchmark| match benchmark {
            Benchmark::Set(artifact) => (true, artifact.sha256, artifact.size),
            Benchmark::Generator(artifact) => (false, artifact.sha256, artifact.size),
        };
        let model = |spec: &TaskSpec| {
            let model = spec.reference_model.as_ref();
            model.map(|artifact| (artifact.sha256, artifact.size))
        };
        let same = [
            ("name", own.name == chain.name),
            ("interface", own.interface == chain.interface),
            ("scoring rule", same_scoring(&own.scoring, &chain.scoring)),
            (
                "benchmark",
                benchmark(&own.benchmark) == benchmark(&chain.benchmark),
            ),
            ("reference model", model(&own) == model(chain)),
            ("deadline", own.deadline_ms == chain.deadline_ms),
            ("batch limit", own.max_batch == chain.max_batch),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(TaskError::NotOnChain { field }),
            None => Ok(()),
        }
    }

    pub(super) fn parts(&self) -> Result<TaskSpec, String> {
        let benchmark = match (&self.benchmark, &self.generator) {
            (Some(set), _) => Benchmark::Set(self.artifact(set)?),
            (None, Some(generator)) => Benchmark::Generator(self.generator_artifact(generator)?),
            (None, None) => return Err("a task needs either [benchmark] or [generator]".into()),
        };
        let reference = self.reference.as_ref();
        Ok(TaskSpec {
            name: text(&self.name)?,
            interface: Interface {
                inputs: tensors(&self.interface.inputs)?,
                outputs: tensors(&self.interface.outputs)?,
            },
            scoring: self.scoring_on_chain()?,
            benchmark,
            reference_model: reference.map(|model| self.artifact(model)).transpose()?,
            deadline_ms: self.limits.deadline_ms,
            max_batch: self.limits.max_batch,
        })
    }

    fn scoring_on_chain(&self) -> Result<Scoring, String> {
        // Negative and not-a-number saturate to 0, which the spec's own check refuses.
        let millionths = |tolerance: f64| (tolerance * MILLIONTHS).round() as u64;
        Ok(match &self.scoring {
            ScoringRule::Classification { classes, .. } => {
                Scoring::Classification { classes: *classes }
            }
            ScoringRule::Regression { tolerance, .. } => Scoring::Regression {
                tolerance_millionths: millionths(*tolerance),
            },
            ScoringRule::Similarity { .. } => Scoring::Similarity,
            ScoringRule::Agreement { tolerance, .. } => Scoring::Agreement {
                tolerance_millionths: millionths(*tolerance),
            },
            ScoringRule::External { program, .. } => Scoring::External {
                program: self.artifact(&program.file)?,
            },
        })
    }

    fn artifact(&self, file: &ArtifactFile) -> Result<Artifact, String> {
        let uri = file
            .uri
            .clone()
            .unwrap_or_else(|| format!("file:{}/{}", self.name, file.path.display()));
        Ok(Artifact {
            sha256: file.sha256,
            size: file.size,
            uri: uri
                .into_bytes()
                .try_into()
                .map_err(|_| format!("the address of {} is too long", file.path.display()))?,
        })
    }

    /// A generator that is built in is named by its address, whose digest stands for the file's.
    fn generator_artifact(&self, generator: &GeneratorFile) -> Result<Artifact, String> {
        if let Some(program) = &generator.program {
            return self.artifact(&program.file);
        }
        let uri = match generator.builtin {
            Some(BuiltIn::Friedman) => "builtin:friedman-v1",
            None => return Err("[generator] needs either `builtin` or [generator.program]".into()),
        };
        Ok(Artifact {
            sha256: Digest(Sha256::digest(uri).into()),
            size: uri.len() as u64,
            uri: uri.as_bytes().to_vec().try_into().unwrap_or_default(),
        })
    }
}

fn same_scoring(own: &Scoring, chain: &Scoring) -> bool {
    match (own, chain) {
        (Scoring::External { program: own }, Scoring::External { program: chain }) => {
            (own.sha256, own.size) == (chain.sha256, chain.size)
        }
        _ => own == chain,
    }
}

fn text(text: &str) -> Result<Text, String> {
    text.as_bytes()
        .to_vec()
        .try_into()
        .map_err(|_| format!("`{text}` is longer than 64 bytes"))
}

fn tensors<const N: u32>(
    lines: &[TensorLine],
) -> Result<bounded_collections::BoundedVec<TensorSpec, bounded_collections::ConstU32<N>>, String> {
    let required = lines.iter().filter(|line| !line.optional);
    let specs = required.map(|line| {
        let shape = line.shape.clone().try_into();
        let shape = shape.map_err(|_| format!("`{}` has too many dimensions", line.name))?;
        Ok(TensorSpec {
            name: text(&line.name)?,
            datatype: line.datatype,
            shape,
        })
    });
    let specs: Vec<_> = specs.collect::<Result<_, String>>()?;
    specs
        .try_into()
        .map_err(|_| format!("at most {N} tensors fit on each side"))
}
