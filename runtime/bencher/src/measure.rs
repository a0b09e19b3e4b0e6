//! One benchmark: run at points along its components, and a line laid through what was measured.

use std::fmt;

use anyhow::{Context, Result};
use frame_benchmarking::{
    Analysis, BenchmarkConfig, BenchmarkList, BenchmarkMetadata, BenchmarkParameter,
    BenchmarkResult, BenchmarkSelector,
};

use crate::subject::{Subject, Tracking};

/// Measurements of a benchmark that depends on nothing.
const REPEATS_WITHOUT_COMPONENT: u32 = 20;

/// A number that a cost depends on, and its range.
#[derive(Clone, Debug)]
pub struct Component {
    /// What the benchmark calls it: one letter.
    pub name: String,
    /// The least.
    pub low: u32,
    /// The most.
    pub high: u32,
}

/// What something costs: so much, and so much more for each unit of each component.
#[derive(Clone, Debug)]
pub struct Line {
    /// At 0 of everything.
    pub base: u64,
    /// In the order of the components.
    pub slopes: Vec<u64>,
}

/// What was found out about a benchmark.
pub struct Measured {
    /// Its name, which is the function's in `WeightInfo`.
    pub name: String,
    /// What it depends on.
    pub components: Vec<Component>,
    /// Picoseconds.
    pub time: Line,
    /// Items read.
    pub reads: Line,
    /// Items written.
    pub writes: Line,
    /// The shortest measurement, in nanoseconds.
    pub minimum: u64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} us", self.time.base as f64 / 1e6)?;
        for (slope, component) in self.time.slopes.iter().zip(&self.components) {
            write!(f, " + {:.3} us * {}", *slope as f64 / 1e6, component.name)?;
        }
        write!(
            f,
            ", {} reads, {} writes",
            self.reads.base, self.writes.base
        )
    }
}

type Point = Vec<(BenchmarkParameter, u32)>;

/// Runs the benchmark once with all components at their most, and has it check its outcome.
pub fn verify(subject: &Subject, list: &BenchmarkList, which: &BenchmarkMetadata) -> Result<()> {
    for point in corners(which) {
        dispatch(subject, list, which, point, true, 1, Tracking::Off)?;
    }
    Ok(())
}

/// Measures the benchmark.
pub fn run(
    subject: &Subject,
    list: &BenchmarkList,
    which: &BenchmarkMetadata,
    steps: u32,
    repeats: u32,
) -> Result<Measured> {
    let mut results = Vec::new();
    for point in points(which, steps) {
        let repeats = match point.is_empty() {
            true => REPEATS_WITHOUT_COMPONENT,
            false => repeats,
        };
        results.extend(at_point(subject, list, which, point, repeats)?);
    }
    let components = which
        .components
        .iter()
        .map(|(name, low, high)| Component {
            name: name.to_string(),
            low: *low,
            high: *high,
        })
        .collect();
    let line = |selector| -> Result<(Line, u64)> {
        let analysis = Analysis::min_squares_iqr(&results, selector)?;
        let line = Line {
            base: saturated(analysis.base),
            slopes: analysis.slopes.iter().copied().map(saturated).collect(),
        };
        Ok((line, saturated(analysis.minimum)))
    };
    let (time, minimum) = line(BenchmarkSelector::ExtrinsicTime)?;
    Ok(Measured {
        name: String::from_utf8(which.name.clone()).context("a benchmark's name is not text")?,
        components,
        time,
        reads: line(BenchmarkSelector::Reads)?.0,
        writes: line(BenchmarkSelector::Writes)?.0,
        minimum,
    })
}

/// No cost comes near the type's limit.
fn saturated(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Measures the benchmark at a point: times of so many runs, each with the accesses that one more
/// run counted.
pub fn at_point(
    subject: &Subject,
    list: &BenchmarkList,
    which: &BenchmarkMetadata,
    point: Point,
    repeats: u32,
) -> Result<Vec<BenchmarkResult>> {
    let run = |repeats, tracking| {
        dispatch(
            subject,
            list,
            which,
            point.clone(),
            false,
            repeats,
            tracking,
        )
    };
    let counted = run(1, Tracking::On)?
        .pop()
        .context("a benchmark that was run has no outcome")?;
    let mut timed = run(repeats, Tracking::Off)?;
    for one in &mut timed {
        one.reads = counted.reads;
        one.writes = counted.writes;
    }
    Ok(timed)
}

/// Runs the benchmark at a point.
fn dispatch(
    subject: &Subject,
    list: &BenchmarkList,
    which: &BenchmarkMetadata,
    selected_components: Point,
    verify: bool,
    internal_repeats: u32,
    tracking: Tracking,
) -> Result<Vec<BenchmarkResult>> {
    let config = BenchmarkConfig {
        pallet: list.pallet.clone(),
        instance: list.instance.clone(),
        benchmark: which.name.clone(),
        selected_components,
        verify,
        internal_repeats,
    };
    let batches = subject.dispatch(&config, tracking)?;
    Ok(batches
        .into_iter()
        .flat_map(|batch| batch.results)
        .collect())
}

/// Everything at its least, and everything at its most.
fn corners(which: &BenchmarkMetadata) -> Vec<Point> {
    let corner = |pick: fn(u32, u32) -> u32| -> Point {
        which
            .components
            .iter()
            .map(|(name, low, high)| (*name, pick(*low, *high)))
            .collect()
    };
    match which.components.is_empty() {
        true => vec![Vec::new()],
        false => vec![corner(|low, _| low), corner(|_, high| high)],
    }
}

/// Points along each component from its least to its most, the others at their most.
fn points(which: &BenchmarkMetadata, steps: u32) -> Vec<Point> {
    if which.components.is_empty() {
        return vec![Vec::new()];
    }
    let mut points = Vec::new();
    for (along, low, high) in &which.components {
        let steps = (steps.max(2) - 1).min((high - low).max(1));
        for step in 0..=steps {
            let at = u64::from(high - low) * u64::from(step) / u64::from(steps);
            let point = which
                .components
                .iter()
                .map(|(name, _, most)| match name == along {
                    true => (*name, low + at as u32),
                    false => (*name, *most),
                })
                .collect();
            points.push(point);
        }
    }
    points
}
