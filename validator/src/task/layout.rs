//! How rows of items become the tensors of a request, and JSON becomes rows.

use super::{Item, Truth};
use assay_primitives::DataType;
use assay_protocol::oip::{OipError, Tensor, TensorData};
use half::f16;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Most elements of one row. More is a mistake, and would be found out by running out of memory.
pub(super) const MAX_ROW: usize = 0x100_0000;

/// One input tensor of the interface; its first dimension is the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its name.
    pub name: String,
    /// Its elements' type.
    pub datatype: DataType,
    /// Its shape without the batch.
    pub row: Vec<usize>,
}

impl Layout {
    /// Elements of one row.
    pub fn width(&self) -> usize {
        self.row.iter().product()
    }
}

/// Runs one expression for every type, with the variant's name.
macro_rules! by_type {
    ($datatype:expr, $do:ident) => {
        match $datatype {
            DataType::Bool => $do!(Bool),
            DataType::Uint8 => $do!(Uint8),
            DataType::Uint16 => $do!(Uint16),
            DataType::Uint32 => $do!(Uint32),
            DataType::Uint64 => $do!(Uint64),
            DataType::Int8 => $do!(Int8),
            DataType::Int16 => $do!(Int16),
            DataType::Int32 => $do!(Int32),
            DataType::Int64 => $do!(Int64),
            DataType::Fp16 => $do!(Fp16),
            DataType::Fp32 => $do!(Fp32),
            DataType::Fp64 => $do!(Fp64),
            DataType::Bytes => $do!(Bytes),
        }
    };
}

/// The tensors that hold these items' rows, one below the other.
pub(super) fn stack<'a>(
    layouts: &[Layout],
    items: impl Iterator<Item = &'a Item> + Clone,
) -> Result<Vec<Tensor>, OipError> {
    let count = items.clone().count();
    layouts
        .iter()
        .enumerate()
        .map(|(index, layout)| {
            let rows = items.clone().filter_map(|item| item.inputs.get(index));
            macro_rules! gather {
                ($variant:ident) => {{
                    let mut all = Vec::with_capacity(count * layout.width());
                    for row in rows {
                        // A row of another type leaves the tensor short, which is said below.
                        if let TensorData::$variant(values) = row {
                            all.extend_from_slice(values);
                        }
                    }
                    TensorData::$variant(all)
                }};
            }
            let data = by_type!(layout.datatype, gather);
            let mut shape = vec![count];
            shape.extend(&layout.row);
            Tensor::new(&layout.name, shape, data)
        })
        .collect()
}

/// What the truth of an item must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TruthKind {
    /// One of so many classes.
    Class(u32),
    /// A number or a vector of numbers.
    Values,
    /// Any JSON.
    Json,
    /// None: the reference model says it.
    Reference,
}

/// One item as JSON: `{"inputs": {"X": [1, 2]}, "truth": 3}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonItem<'a> {
    #[serde(borrow)]
    inputs: BTreeMap<String, &'a RawValue>,
    #[serde(borrow)]
    truth: Option<&'a RawValue>,
}

impl JsonItem<'_> {
    /// The item, checked against the interface.
    pub(super) fn item(&self, layouts: &[Layout], kind: TruthKind) -> Result<Item, String> {
        if self.inputs.len() != layouts.len() {
            let names: Vec<_> = layouts.iter().map(|layout| &*layout.name).collect();
            return Err(format!(
                "`inputs` must hold exactly {}, it holds {} tensors",
                names.join(", "),
                self.inputs.len()
            ));
        }
        let inputs = layouts.iter().map(|layout| {
            let raw = self.inputs.get(&layout.name);
            let raw = raw.ok_or_else(|| format!("`inputs` lacks `{}`", layout.name))?;
            row(layout, raw.get())
        });
        Ok(Item {
            inputs: inputs.collect::<Result<_, _>>()?,
            truth: truth(self.truth.map(RawValue::get), kind)?,
        })
    }
}

/// One row from a flat JSON array.
fn row(layout: &Layout, json: &str) -> Result<TensorData, String> {
    let name = &layout.name;
    let bad = |error: serde_json::Error| format!("`{name}`: {error}");
    macro_rules! read {
        (Fp16) => {{
            let wide: Vec<f32> = serde_json::from_str(json).map_err(bad)?;
            TensorData::Fp16(wide.into_iter().map(f16::from_f32).collect())
        }};
        (Bytes) => {{
            let texts: Vec<String> = serde_json::from_str(json).map_err(bad)?;
            TensorData::Bytes(texts.into_iter().map(String::into_bytes).collect())
        }};
        ($variant:ident) => {
            TensorData::$variant(serde_json::from_str(json).map_err(bad)?)
        };
    }
    let data = by_type!(layout.datatype, read);
    let (found, due) = (data.len(), layout.width());
    if found != due {
        return Err(format!("`{name}` has {found} values where {due} are due"));
    }
    Ok(data)
}

fn truth(json: Option<&str>, kind: TruthKind) -> Result<Truth, String> {
    let json = match (json, kind) {
        (_, TruthKind::Reference) => return Ok(Truth::Reference),
        (Some(json), _) => json,
        (None, TruthKind::Json) => "null",
        (None, _) => return Err("`truth` is missing".into()),
    };
    match kind {
        TruthKind::Class(classes) => serde_json::from_str(json)
            .ok()
            .filter(|class| *class < classes)
            .map(Truth::Class)
            .ok_or_else(|| format!("`{json}` is no class: 0 to {} are", classes - 1)),
        TruthKind::Values => {
            let values = serde_json::from_str::<Vec<f32>>(json)
                .or_else(|_| serde_json::from_str::<f32>(json).map(|one| vec![one]));
            match values {
                Ok(values) if !values.is_empty() && values.iter().all(|it| it.is_finite()) => {
                    Ok(Truth::Values(values))
                }
                _ => Err("`truth` must be a number or an array of numbers".into()),
            }
        }
        TruthKind::Json | TruthKind::Reference => Ok(Truth::Json(json.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layouts() -> Vec<Layout> {
        let layout = |name: &str, datatype, row: &[usize]| Layout {
            name: name.into(),
            datatype,
            row: row.to_vec(),
        };
        vec![
            layout("x", DataType::Fp32, &[2]),
            layout("words", DataType::Bytes, &[1]),
        ]
    }

    fn parsed(json: &str, kind: TruthKind) -> Result<Item, String> {
        let line: JsonItem<'_> = serde_json::from_str(json).map_err(|error| error.to_string())?;
        line.item(&layouts(), kind)
    }

    #[test]
    fn items_become_tensors_row_by_row() {
        let line = r#"{"inputs": {"x": [1, 2.5], "words": ["é"]}, "truth": 2}"#;
        let item = parsed(line, TruthKind::Class(3)).unwrap();
        assert_eq!(item.truth, Truth::Class(2));
        let tensors = stack(&layouts(), [&item, &item].into_iter()).unwrap();
        assert_eq!(tensors[0].shape(), [2, 2]);
        assert_eq!(
            *tensors[0].data(),
            TensorData::Fp32(vec![1.0, 2.5, 1.0, 2.5])
        );
        assert_eq!(tensors[1].shape(), [2, 1]);
    }

    #[test]
    fn item_names_what_is_wrong() {
        let class = TruthKind::Class(3);
        for (line, kind, reason) in [
            (
                r#"{"inputs": {"x": [1, 2]}, "truth": 1}"#,
                class,
                "exactly x, words",
            ),
            (
                r#"{"inputs": {"x": [1], "words": ["a"]}, "truth": 1}"#,
                class,
                "1 values where 2",
            ),
            (
                r#"{"inputs": {"x": [1, "a"], "words": ["a"]}, "truth": 1}"#,
                class,
                "`x`",
            ),
            (
                r#"{"inputs": {"x": [1, 2], "words": ["a"]}, "truth": 3}"#,
                class,
                "no class",
            ),
            (
                r#"{"inputs": {"x": [1, 2], "words": ["a"]}}"#,
                TruthKind::Values,
                "missing",
            ),
            (
                r#"{"inputs": {"x": [1, 2], "words": ["a"]}, "truth": "b"}"#,
                TruthKind::Values,
                "number",
            ),
        ] {
            let error = parsed(line, kind).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn truth_of_a_program_s_own_is_kept_as_it_is() {
        let line = r#"{"inputs": {"x": [1, 2], "words": ["a"]}, "truth": {"b": 1.10}}"#;
        let item = parsed(line, TruthKind::Json).unwrap();
        assert_eq!(item.truth, Truth::Json(r#"{"b": 1.10}"#.into()));
    }
}
