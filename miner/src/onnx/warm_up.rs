//! What happens between loading a model and serving it: a first query per session, so that no
//! caller waits for what ONNX Runtime does only once, and the trial of batching.
//!
//! A model whose answer for one row depends on other rows would, with batching, answer one caller
//! out of another's numbers. No metadata says whether it does, so it is tried: the same queries
//! alone and joined must give the same answers, also where their numbers are of different sizes: that
//! shows what is measured by the largest number of all rows, as where numbers are narrowed for a run.

use super::{batch, settings::WarmUp, workers::Engine};
use crate::backend::ModelInfo;
use assay_protocol::oip::{DataType, InferRequest, OipError, Tensor, TensorData, TensorMetadata};
use half::{bf16, f16};

/// Rows of the trial's queries,
const TRIAL_ROWS: [usize; 4] = [1, 3, 2, 1];

/// and what their numbers are multiplied by, first and then again.
const ALIKE: [f32; 4] = [1.0; 4];
const UNLIKE: [f32; 4] = [1.0, 100.0, 0.01, -1.0];

/// How far answers may differ, as part of their size: the order of summation may change with the
/// number of rows. Narrow types are less exact.
const TOLERANCE: f64 = 1e-3;
const NARROW_TOLERANCE: f64 = 2e-2;

/// Runs as many blank queries as the settings want. A failure counts only where the shapes were
/// given: those that are guessed need not be ones that the model takes.
pub(super) fn warm_up(
    engine: &mut dyn Engine,
    info: &ModelInfo,
    settings: &WarmUp,
) -> Result<(), String> {
    for _ in 0..settings.runs {
        let query = query(info, settings, None, &mut blank);
        let outcome = query.map_err(|why| why.to_string()).and_then(|query| {
            crate::check::check_query(info, &query)
                .and_then(|()| engine.run(query))
                .map_err(|why| why.to_string())
        });
        match outcome {
            Ok(_) => {}
            Err(why) if settings.shapes.is_empty() => {
                tracing::info!(
                    model = %info.name,
                    %why,
                    "the model was not warmed up: give shapes that it takes in `warm_up.shapes`"
                );
                return Ok(());
            }
            Err(why) => return Err(format!("the warm-up failed: {why}")),
        }
    }
    Ok(())
}

/// Runs a blank query of so many rows, if the model leaves their number open.
pub(super) fn warm_up_with(
    engine: &mut dyn Engine,
    info: &ModelInfo,
    settings: &WarmUp,
    rows: usize,
) {
    let mut inputs = info.inputs.iter();
    if settings.runs == 0 || inputs.any(|input| input.shape.first() != Some(&-1)) {
        return;
    }
    let query = query(info, settings, Some(rows), &mut blank).map_err(|why| why.to_string());
    let run = |query| engine.run(query).map_err(|why| why.to_string());
    if let Err(why) = query.and_then(run) {
        tracing::warn!(model = %info.name, rows, %why, "the model was not warmed up with so many rows");
    }
}

/// Why the model's queries can't be joined; None: they can.
pub(super) fn why_not_joined(
    engine: &mut dyn Engine,
    info: &ModelInfo,
    settings: &WarmUp,
) -> Option<String> {
    for tensor in info.inputs.iter().chain(&info.outputs) {
        if tensor.shape.first() != Some(&-1) {
            let shape = &tensor.shape;
            return Some(format!(
                "`{}` has shape {shape:?}: its first length must be open",
                tensor.name
            ));
        }
    }
    if let Err(why) = tried(engine, info, settings, &ALIKE) {
        return Some(why.to_string());
    }
    // A model need not take numbers of every size; that it refuses some says nothing of its rows.
    match tried(engine, info, settings, &UNLIKE) {
        Err(why @ Trouble::Depends(_)) => Some(why.to_string()),
        Ok(()) | Err(Trouble::Failed(_)) => None,
    }
}

/// What came of a trial.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Failed(String),
    #[error("`{0}` of one query depends on other queries")]
    Depends(String),
}

fn failed(why: impl ToString) -> Trouble {
    Trouble::Failed(why.to_string())
}

/// Asks the same alone and together, with numbers as large as `sizes` say.
fn tried(
    engine: &mut dyn Engine,
    info: &ModelInfo,
    settings: &WarmUp,
    sizes: &[f32; 4],
) -> Result<(), Trouble> {
    let mut state = 1_u64;
    let mut noise = move || {
        // Knuth's constants: any numbers that differ do.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let queries = TRIAL_ROWS.iter().zip(sizes).map(|(rows, size)| {
        let mut fill = |datatype, count| values(datatype, count, *size, &mut noise);
        query(info, settings, Some(*rows), &mut fill)
    });
    let queries = queries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut run = |query| engine.run(query).map_err(failed);
    let alone = queries.iter().cloned().map(&mut run);
    let alone = alone.collect::<Result<Vec<_>, _>>()?;
    let joined = batch::join(&queries.iter().collect::<Vec<_>>());
    let together = run(joined.map_err(failed)?)?;
    let together = batch::split(&together, &TRIAL_ROWS).map_err(failed)?;
    for (alone, together) in alone.iter().flatten().zip(together.iter().flatten()) {
        // Large numbers that nearly cancel leave little, with the rounding of what was large.
        let least = if sizes == &ALIKE {
            1.0
        } else {
            largest(alone.data()).max(1.0)
        };
        let close = is_close(alone.data(), together.data(), least);
        if alone.shape() != together.shape() || !close {
            return Err(Trouble::Depends(alone.name().to_owned()));
        }
    }
    Ok(())
}

/// A query in the shapes of the settings, or the model's with 1 for open lengths. `fill` gives so
/// many values of a type.
fn query(
    info: &ModelInfo,
    settings: &WarmUp,
    rows: Option<usize>,
    fill: &mut dyn FnMut(DataType, usize) -> TensorData,
) -> Result<InferRequest, OipError> {
    let inputs = info.inputs.iter().map(|input| {
        let mut shape = settings
            .shapes
            .get(&input.name)
            .cloned()
            .unwrap_or_else(|| guessed(input));
        if let (Some(rows), Some(first)) = (rows, shape.first_mut()) {
            *first = rows;
        }
        let count = shape.iter().product();
        Tensor::new(&input.name, shape, fill(input.datatype, count))
    });
    Ok(InferRequest {
        inputs: inputs.collect::<Result<_, _>>()?,
        ..InferRequest::default()
    })
}

fn guessed(input: &TensorMetadata) -> Vec<usize> {
    let length = |length: &i64| usize::try_from(*length).unwrap_or(1);
    input.shape.iter().map(length).collect()
}

fn blank(datatype: DataType, count: usize) -> TensorData {
    values(datatype, count, 1.0, &mut || 0)
}

/// Values that nearly every model takes: numbers from 0 to `size`, whole ones 0 or 1, since they may
/// be places in a table.
fn values(
    datatype: DataType,
    count: usize,
    size: f32,
    noise: &mut dyn FnMut() -> u64,
) -> TensorData {
    let mut bits = std::iter::repeat_with(|| noise() % 1024).take(count);
    let small = |bits: u64| (bits & 1) as u8;
    let part = |bits: u64| bits as f32 / 1024.0 * size;
    match datatype {
        DataType::Bool => bits.map(|it| small(it) == 1).collect::<Vec<_>>().into(),
        DataType::Uint8 => bits.map(small).collect::<Vec<_>>().into(),
        DataType::Uint16 => bits.map(|it| small(it).into()).collect::<Vec<u16>>().into(),
        DataType::Uint32 => bits.map(|it| small(it).into()).collect::<Vec<u32>>().into(),
        DataType::Uint64 => bits.map(|it| small(it).into()).collect::<Vec<u64>>().into(),
        DataType::Int8 => bits.map(|it| small(it) as i8).collect::<Vec<_>>().into(),
        DataType::Int16 => bits.map(|it| small(it).into()).collect::<Vec<i16>>().into(),
        DataType::Int32 => bits.map(|it| small(it).into()).collect::<Vec<i32>>().into(),
        DataType::Int64 => bits.map(|it| small(it).into()).collect::<Vec<i64>>().into(),
        DataType::Fp16 => bits
            .map(|it| f16::from_f32(part(it)))
            .collect::<Vec<_>>()
            .into(),
        DataType::Bf16 => bits
            .map(|it| bf16::from_f32(part(it)))
            .collect::<Vec<_>>()
            .into(),
        DataType::Fp32 => bits.map(part).collect::<Vec<_>>().into(),
        DataType::Fp64 => bits
            .map(|it| f64::from(part(it)))
            .collect::<Vec<_>>()
            .into(),
        DataType::Bytes => {
            let letter = |bits: u64| if small(bits) == 0 { b"a" } else { b"b" };
            let strings = bits.by_ref().map(|it| letter(it).to_vec());
            strings.collect::<Vec<_>>().into()
        }
    }
}

/// The largest number, by its distance from 0; 0 where there are none or they are whole.
fn largest(data: &TensorData) -> f64 {
    fn of<T: Copy + Into<f64>>(values: &[T]) -> f64 {
        let sizes = values.iter().map(|value| (*value).into().abs());
        sizes.filter(|size| size.is_finite()).fold(0.0, f64::max)
    }
    match data {
        TensorData::Fp16(values) => of(values),
        TensorData::Bf16(values) => of(values),
        TensorData::Fp32(values) => of(values),
        TensorData::Fp64(values) => of(values),
        _ => 0.0,
    }
}

/// Whether two answers are the same but for rounding, of which a number below `least` may show as
/// much as `least` itself.
fn is_close(one: &TensorData, other: &TensorData, least: f64) -> bool {
    let near = |tolerance: f64| {
        move |(one, other): (f64, f64)| {
            let size = one.abs().max(other.abs()).max(least);
            (one - other).abs() <= tolerance * size
                || (one.is_nan() && other.is_nan())
                || one == other
        }
    };
    macro_rules! all_near {
        ($one:ident, $other:ident, $tolerance:expr) => {{
            let pairs = $one.iter().zip($other);
            $one.len() == $other.len()
                && pairs
                    .map(|(one, other)| (f64::from(*one), f64::from(*other)))
                    .all(near($tolerance))
        }};
    }
    match (one, other) {
        (TensorData::Fp16(one), TensorData::Fp16(other)) => all_near!(one, other, NARROW_TOLERANCE),
        (TensorData::Bf16(one), TensorData::Bf16(other)) => all_near!(one, other, NARROW_TOLERANCE),
        (TensorData::Fp32(one), TensorData::Fp32(other)) => all_near!(one, other, TOLERANCE),
        (TensorData::Fp64(one), TensorData::Fp64(other)) => all_near!(one, other, TOLERANCE),
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::BackendError;

    /// Adds the first value of the whole query to each row, or nothing.
    struct Mixing(bool);

    impl Engine for Mixing {
        fn run(&mut self, query: InferRequest) -> Result<Vec<Tensor>, BackendError> {
            let (_, shape, data) = query.inputs[0].clone().into_parts();
            let TensorData::Fp32(mut values) = data else {
                return Err(BackendError::Invalid("FP32 is wanted".into()));
            };
            let first = if self.0 { values[0] } else { 1.0 };
            values.iter_mut().for_each(|value| *value += first);
            Ok(vec![Tensor::new("y", shape, values.into()).unwrap()])
        }
    }

    /// Each value as part of the largest of the whole query; or, of a model that takes no negative
    /// ones, as it is.
    enum Measuring {
        ByLargest,
        Positive,
    }

    impl Engine for Measuring {
        fn run(&mut self, query: InferRequest) -> Result<Vec<Tensor>, BackendError> {
            let (_, shape, data) = query.inputs[0].clone().into_parts();
            let TensorData::Fp32(mut values) = data else {
                return Err(BackendError::Invalid("FP32 is wanted".into()));
            };
            match self {
                Self::ByLargest => {
                    let largest = values.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
                    values.iter_mut().for_each(|value| *value /= largest);
                }
                Self::Positive if values.iter().any(|value| *value < 0.0) => {
                    return Err(BackendError::Invalid("no negative numbers".into()));
                }
                Self::Positive => {}
            }
            Ok(vec![Tensor::new("y", shape, values.into()).unwrap()])
        }
    }

    /// Remembers how many rows it was asked for.
    #[derive(Default)]
    struct Asked(Vec<usize>);

    impl Engine for Asked {
        fn run(&mut self, query: InferRequest) -> Result<Vec<Tensor>, BackendError> {
            self.0.extend(query.inputs[0].rows());
            Ok(vec![])
        }
    }

    fn info(datatype: DataType, first: i64) -> ModelInfo {
        let tensor = |name: &str| TensorMetadata {
            name: name.into(),
            datatype,
            shape: vec![first, 2],
        };
        ModelInfo {
            name: "m".into(),
            version: 1,
            sha256: assay_protocol::sha256(b"").into(),
            size: 0,
            platform: String::new(),
            provider: String::new(),
            fallback: None,
            inputs: vec![tensor("x")],
            outputs: vec![tensor("y")],
        }
    }

    fn why(mixing: bool, info: &ModelInfo) -> Option<String> {
        why_not_joined(&mut Mixing(mixing), info, &WarmUp::default())
    }

    #[test]
    fn queries_are_joined_when_rows_do_not_depend_on_each_other() {
        assert_eq!(why(false, &info(DataType::Fp32, -1)), None);
    }

    #[test]
    fn queries_are_not_joined_when_rows_depend_on_each_other_or_shapes_are_fixed() {
        for (mixing, info, says) in [
            (true, info(DataType::Fp32, -1), "depends on other queries"),
            (false, info(DataType::Fp32, 1), "must be open"),
            (false, info(DataType::Int8, -1), "FP32 is wanted"),
        ] {
            let why = why(mixing, &info).unwrap();
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn queries_are_not_joined_when_rows_are_measured_by_the_largest_of_all() {
        // So many numbers of one range that the largest of every query is nearly the same.
        let mut settings = WarmUp::default();
        settings.shapes.insert("x".into(), vec![1, 1 << 14]);
        let mut wide = info(DataType::Fp32, -1);
        wide.inputs[0].shape[1] = 1 << 14;
        let mut engine = Measuring::ByLargest;
        tried(&mut engine, &wide, &settings, &ALIKE).unwrap();
        let why = why_not_joined(&mut engine, &wide, &settings).unwrap();
        assert!(why.contains("depends on other queries"), "{why}");
    }

    #[test]
    fn queries_are_joined_when_the_model_takes_only_some_numbers() {
        let info = info(DataType::Fp32, -1);
        let why = why_not_joined(&mut Measuring::Positive, &info, &WarmUp::default());
        assert_eq!(why, None);
    }

    #[test]
    fn warm_up_with_rows_asks_for_them_when_their_number_is_open() {
        let rows = |first, runs| {
            let (mut engine, info) = (Asked::default(), info(DataType::Fp32, first));
            let settings = WarmUp {
                runs,
                ..WarmUp::default()
            };
            warm_up_with(&mut engine, &info, &settings, 8);
            engine.0
        };
        assert_eq!(rows(-1, 1), [8]);
        assert!(rows(4, 1).is_empty());
        assert!(rows(-1, 0).is_empty());
    }

    #[test]
    fn warm_up_fails_only_with_shapes_that_were_given() {
        let info = info(DataType::Int8, -1);
        let mut settings = WarmUp::default();
        warm_up(&mut Mixing(false), &info, &settings).unwrap();
        settings.shapes.insert("x".into(), vec![1, 2]);
        let why = warm_up(&mut Mixing(false), &info, &settings).unwrap_err();
        assert!(why.contains("FP32 is wanted"), "{why}");
        let good = super::tests::info(DataType::Fp32, -1);
        warm_up(&mut Mixing(false), &good, &settings).unwrap();
        settings.shapes.insert("x".into(), vec![1, 3]);
        let why = warm_up(&mut Mixing(false), &good, &settings).unwrap_err();
        assert!(why.contains("[1, 3]"), "{why}");
    }
}
