//! Reads a benchmark set: a CSV file with a header, one item a line, its last column `label`.

use super::{Item, TaskError, Truth};
use std::path::Path;

/// The items of the file, whose text has been checked against its digest already.
pub(super) fn parse(
    path: &Path,
    text: &str,
    width: usize,
    classes: u32,
) -> Result<Vec<Item>, TaskError> {
    let wrong = |line: usize, reason: String| TaskError::BadBenchmark {
        path: path.to_owned(),
        line,
        reason,
    };
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    let (_, header) = lines
        .next()
        .ok_or_else(|| wrong(1, "the file is empty".into()))?;
    let columns = header.split(',').count();
    if columns != width + 1 || header.rsplit(',').next() != Some("label") {
        return Err(wrong(
            1,
            format!("the header must name {width} columns and then `label`, it names {columns}"),
        ));
    }
    let mut items = Vec::new();
    for (number, line) in lines {
        let mut fields: Vec<&str> = line.split(',').collect();
        if fields.len() != columns {
            return Err(wrong(
                number,
                format!("{} fields where {columns} are due", fields.len()),
            ));
        }
        let label = fields.pop().unwrap_or_default();
        let class = label
            .parse()
            .ok()
            .filter(|class| *class < classes)
            .ok_or_else(|| {
                wrong(
                    number,
                    format!("`{label}` is no class: 0 to {} are", classes - 1),
                )
            })?;
        let row = fields
            .into_iter()
            .map(|field| match field.parse::<f32>() {
                Ok(value) if value.is_finite() => Ok(value),
                _ => Err(wrong(number, format!("`{field}` is not a number"))),
            })
            .collect::<Result<_, _>>()?;
        items.push(Item {
            inputs: vec![row],
            truth: Truth::Class(class),
        });
    }
    if items.is_empty() {
        return Err(wrong(1, "the file holds no item".into()));
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Item>, String> {
        parse(Path::new("b.csv"), text, 2, 3).map_err(|error| error.to_string())
    }

    #[test]
    fn parse_reads_rows_and_labels() {
        let items = parsed("a,b,label\n1,2.5,0\n3,4,2\n").unwrap();
        assert_eq!(
            items[0],
            Item {
                inputs: vec![vec![1.0, 2.5]],
                truth: Truth::Class(0)
            }
        );
        assert_eq!(items[1].truth, Truth::Class(2));
    }

    #[test]
    fn parse_names_the_line_and_the_reason() {
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
