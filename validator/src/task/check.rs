//! What `task.toml` may say.

use super::{folder::TensorLine, ScoringRule, TaskFolder};
use assay_primitives::DataType;

impl TaskFolder {
    /// Checks what the types alone can't say.
    pub(super) fn check(&self) -> Result<(), String> {
        self.check_source()?;
        self.parts()
            .and_then(|spec| spec.check().map_err(|error| error.to_string()))?;
        self.check_scoring()?;
        self.check_queries()?;
        self.check_score()?;
        let varied = &self.variation;
        let finite = [varied.low, varied.high, varied.background]
            .into_iter()
            .all(f32::is_finite);
        if !finite || varied.low > varied.high {
            return Err("[variation] low must not be above high".into());
        }
        Ok(())
    }

    fn check_source(&self) -> Result<(), String> {
        match (&self.benchmark, &self.generator) {
            (Some(_), None) => {}
            (None, Some(generator)) => {
                if generator.builtin.is_some() == generator.program.is_some() {
                    return Err("[generator] needs either `builtin` or [generator.program]".into());
                }
                if self.variation.ink_noise > 0 {
                    return Err("[variation] is for sets: a generator varies its own items".into());
                }
            }
            _ => return Err("a task needs either [benchmark] or [generator]".into()),
        }
        let programs = [
            self.generator.as_ref().and_then(|it| it.program.as_ref()),
            match &self.scoring {
                ScoringRule::External { program, .. } => Some(program),
                _ => None,
            },
        ];
        for program in programs.into_iter().flatten() {
            if program.command.is_empty() || program.command[0].is_empty() {
                return Err("a program's `command` says how it is started".into());
            }
            if program.timeout_ms == 0 || program.memory_mib == 0 {
                return Err("a program's timeout_ms and memory_mib must be above 0".into());
            }
        }
        Ok(())
    }

    fn required_output(&self, name: &str) -> Result<&TensorLine, String> {
        let mut outputs = self.interface.outputs.iter();
        outputs
            .find(|tensor| tensor.name == name && !tensor.optional)
            .ok_or_else(|| format!("`{name}` must be an output that is not optional"))
    }

    fn check_scoring(&self) -> Result<(), String> {
        let judged = self.scoring.outputs();
        if judged.is_empty() {
            return Err("[scoring] outputs must name at least one".into());
        }
        for name in judged {
            let datatype = self
                .required_output(name)
                .map_err(|reason| format!("[scoring] {reason}"))?
                .datatype;
            let (fits, due) = match self.scoring {
                ScoringRule::Classification { .. } => (
                    matches!(datatype, DataType::Int64 | DataType::Int32 | DataType::Fp32),
                    "INT64 or INT32 (the class) or FP32 (a score for each class)",
                ),
                ScoringRule::External { .. } => (true, ""),
                _ => (datatype != DataType::Bytes, "of numbers"),
            };
            if !fits {
                return Err(format!("[scoring] the output `{name}` must be {due}"));
            }
        }
        match self.scoring {
            ScoringRule::Regression { tolerance, .. }
            | ScoringRule::Agreement { tolerance, .. }
                if !(tolerance.is_finite() && tolerance >= 1e-6) =>
            {
                return Err("[scoring] tolerance must be at least 0.000001".into());
            }
            _ => {}
        }
        if !(0.0..1.0).contains(&self.scoring.chance()) {
            return Err("[scoring] chance must lie within 0 and 1".into());
        }
        for name in &self.probes.outputs {
            let tensor = self
                .required_output(name)
                .map_err(|reason| format!("[probes] {reason}"))?;
            if !matches!(
                tensor.datatype,
                DataType::Fp16 | DataType::Fp32 | DataType::Fp64
            ) {
                return Err(format!("[probes] `{name}` must be a floating-point output"));
            }
        }
        if !self.probes.outputs.is_empty()
            && (self.probes.same_within <= 0.0 || self.probes.same_within.is_nan())
        {
            return Err("[probes] same_within must be above 0".into());
        }
        Ok(())
    }

    fn check_queries(&self) -> Result<(), String> {
        let queries = &self.queries;
        if queries.items_per_request == 0 || queries.items_per_request > self.limits.max_batch {
            return Err("[queries] items_per_request must lie within 1 and max_batch".into());
        }
        if !(1..=100_000).contains(&queries.items_per_round) {
            return Err("[queries] items_per_round must lie within 1 and 100000".into());
        }
        if !(1..=100).contains(&queries.newcomer_factor) {
            return Err("[queries] newcomer_factor must lie within 1 and 100".into());
        }
        let probes = u64::from(queries.shared_per_round) + 2 * u64::from(queries.repeats_per_round);
        if probes > u64::from(queries.items_per_round) {
            return Err(
                "[queries] shared_per_round and twice repeats_per_round must fit items_per_round"
                    .into(),
            );
        }
        Ok(())
    }

    fn check_score(&self) -> Result<(), String> {
        let score = &self.score;
        if !(score.half_life_rounds > 0.0 && score.half_life_rounds.is_finite()) {
            return Err("[score] half_life_rounds must be above 0".into());
        }
        if !(score.credible_level > 0.0 && score.credible_level < 1.0) {
            return Err("[score] credible_level must lie between 0 and 1".into());
        }
        if !(0.0..=1.0).contains(&score.latency_weight) {
            return Err("[score] latency_weight must lie within 0 and 1".into());
        }
        if !(0.0..=1.0).contains(&score.availability_weight) {
            return Err("[score] availability_weight must lie within 0 and 1".into());
        }
        self.weights.check()?;
        Ok(())
    }
}
