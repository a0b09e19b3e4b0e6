//! A benchmark set, in one of two forms.
//!
//! CSV, for one FP32 input: a header, one item a line, the last column `label` (a class) or `target`
//! (a number), neither where a reference model knows the truth. JSON lines, for any interface: one
//! item a line, as generators give them.

use super::{Fault, Item, Seed, Source};
use crate::task::{
    dice::shuffled,
    layout::{JsonItem, TruthKind},
    Dice, Layout, TaskError, TaskFolder, Truth, Variation,
};
use assay_primitives::DataType;
use assay_protocol::oip::TensorData;
use std::path::Path;

/// Items to draw from.
pub(super) struct Set {
    items: Vec<Item>,
    variation: Variation,
}

impl Set {
    /// Reads the folder's benchmark and checks it against its digest.
    pub(super) fn load(folder: &TaskFolder) -> Result<Self, TaskError> {
        let file = folder.benchmark_file()?;
        let path = folder.resolve(file)?;
        let bytes = crate::task::artifact::read(&path, file)?;
        let text = String::from_utf8(bytes).map_err(|_| TaskError::BadFile {
            path: path.clone(),
            reason: "the file is not UTF-8".into(),
        })?;
        let (layouts, kind) = (folder.layouts()?, folder.scoring.truth_kind());
        let is_csv = file.path.extension().is_some_and(|kind| kind == "csv");
        let items = if is_csv {
            let [only] = &layouts[..] else {
                return Err(folder.bad("a CSV benchmark holds one input".into()));
            };
            if only.datatype != DataType::Fp32 {
                return Err(folder.bad("a CSV benchmark holds one input, FP32".into()));
            }
            parse_csv(&path, &text, only.width(), kind)?
        } else {
            parse_lines(&path, &text, &layouts, kind)?
        };
        let all_f32 = layouts.iter().all(|it| it.datatype == DataType::Fp32);
        if folder.variation.ink_noise > 0 && !all_f32 {
            return Err(folder.bad("[variation] ink_noise is for FP32 inputs".into()));
        }
        Ok(Self {
            items,
            variation: folder.variation,
        })
    }
}

impl Source for Set {
    fn items(&self, common: &Seed, own: &Seed, count: u32) -> Result<Vec<Item>, Fault> {
        let places = shuffled(&mut Dice::new(common, 0), self.items.len(), count as usize);
        let items = (0..).zip(places).map(|(index, place)| {
            let mut item = self.items[place].clone();
            // A stream for each item, so that one can be redone without those before it.
            let mut dice = Dice::new(own, index);
            for row in &mut item.inputs {
                if let TensorData::Fp32(row) = row {
                    self.variation.apply(&mut dice, row);
                }
            }
            item
        });
        Ok(items.collect())
    }

    fn size(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

fn wrong(path: &Path, line: usize, reason: String) -> TaskError {
    TaskError::BadBenchmark {
        path: path.to_owned(),
        line,
        reason,
    }
}

fn parse_lines(
    path: &Path,
    text: &str,
    layouts: &[Layout],
    kind: TruthKind,
) -> Result<Vec<Item>, TaskError> {
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let items: Vec<Item> = lines
        .map(|(number, line)| {
            serde_json::from_str::<JsonItem<'_>>(line)
                .map_err(|error| error.to_string())
                .and_then(|item| item.item(layouts, kind))
                .map_err(|reason| wrong(path, number, reason))
        })
        .collect::<Result<_, _>>()?;
    if items.is_empty() {
        return Err(wrong(path, 1, "the file holds no item".into()));
    }
    Ok(items)
}

/// The items of a CSV file whose text has been checked against its digest already.
fn parse_csv(
    path: &Path,
    text: &str,
    width: usize,
    kind: TruthKind,
) -> Result<Vec<Item>, TaskError> {
    let mut lines = (1..).zip(text.lines());
    let (_, header) = lines
        .next()
        .ok_or_else(|| wrong(path, 1, "the file is empty".into()))?;
    let columns = header.split(',').count();
    let last = header.rsplit(',').next();
    let truth = match kind {
        TruthKind::Class(_) => Some("label"),
        TruthKind::Values => Some("target"),
        TruthKind::Json | TruthKind::Reference => None,
    };
    // Where a model or a program knows the truth, a last column that states it is passed over.
    let named = matches!(last, Some("label" | "target"));
    let has_truth = truth.is_some() || (named && columns == width + 1);
    if columns != width + usize::from(has_truth) || truth.is_some_and(|it| last != Some(it)) {
        let then = truth.map(|it| format!(" and then `{it}`"));
        let reason = format!(
            "the header must name {width} columns{}, it names {columns}",
            then.unwrap_or_default()
        );
        return Err(wrong(path, 1, reason));
    }
    let mut items = Vec::new();
    for (number, line) in lines {
        let mut fields: Vec<&str> = line.split(',').collect();
        if fields.len() != columns {
            let reason = format!("{} fields where {columns} are due", fields.len());
            return Err(wrong(path, number, reason));
        }
        let known = if has_truth { fields.pop() } else { None };
        let truth = csv_truth(known, kind).map_err(|reason| wrong(path, number, reason))?;
        let row = fields
            .into_iter()
            .map(|field| match field.parse::<f32>() {
                Ok(value) if value.is_finite() => Ok(value),
                _ => Err(wrong(path, number, format!("`{field}` is not a number"))),
            })
            .collect::<Result<_, _>>()?;
        items.push(Item {
            inputs: vec![TensorData::Fp32(row)],
            truth,
        });
    }
    if items.is_empty() {
        return Err(wrong(path, 1, "the file holds no item".into()));
    }
    Ok(items)
}

fn csv_truth(field: Option<&str>, kind: TruthKind) -> Result<Truth, String> {
    let field = field.unwrap_or_default();
    match kind {
        TruthKind::Class(classes) => field
            .parse()
            .ok()
            .filter(|class| *class < classes)
            .map(Truth::Class)
            .ok_or_else(|| format!("`{field}` is no class: 0 to {} are", classes - 1)),
        TruthKind::Values => match field.parse::<f32>() {
            Ok(value) if value.is_finite() => Ok(Truth::Values(vec![value])),
            _ => Err(format!("`{field}` is not a number")),
        },
        TruthKind::Json if field.is_empty() => Ok(Truth::Json("null".into())),
        TruthKind::Json => match field.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Truth::Json(field.to_owned())),
            _ => Err(format!("`{field}` is not a number")),
        },
        TruthKind::Reference => Ok(Truth::Reference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Item>, String> {
        let kind = TruthKind::Class(3);
        parse_csv(Path::new("b.csv"), text, 2, kind).map_err(|error| error.to_string())
    }

    #[test]
    fn parse_csv_reads_rows_and_labels() {
        let items = parsed("a,b,label\n1,2.5,0\n3,4,2\n").unwrap();
        assert_eq!(items[0].inputs, [TensorData::Fp32(vec![1.0, 2.5])]);
        assert_eq!(items[0].truth, Truth::Class(0));
        assert_eq!(items[1].truth, Truth::Class(2));
        let targets = "a,b,target\n1,2,-0.5\n";
        let items = parse_csv(Path::new("b.csv"), targets, 2, TruthKind::Values).unwrap();
        assert_eq!(items[0].truth, Truth::Values(vec![-0.5]));
    }

    #[test]
    fn parse_csv_names_the_line_and_the_reason() {
        for (text, reason) in [
            ("", "line 1: the file is empty"),
            ("a,b,label\n", "line 1: the file holds no item"),
            ("a,label\n1,2\n", "line 1: the header must name 2 columns"),
            ("a,b,label\n1,2\n", "line 2: 2 fields where 3 are due"),
            ("a,b,label\n1,2,3\n", "line 2: `3` is no class: 0 to 2 are"),
            ("a,b,label\n1,x,0\n", "line 2: `x` is not a number"),
            ("a,b,label\n1,inf,0\n", "line 2: `inf` is not a number"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
