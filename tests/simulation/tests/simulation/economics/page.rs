//! The page: which values stand there, and how numbers are written on it.

use std::{collections::BTreeMap, path::Path};

use assay_primitives::Balance;

/// A fraction of `u32::MAX`, as a decimal.
pub fn parts(share: u32) -> String {
    format!("{:.6}", f64::from(share) / 4_294_967_296.0)
}

/// An amount in its smallest unit, by thousands.
pub fn grouped(amount: Balance) -> String {
    let digits = amount.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

/// The lines of the page's `example` blocks.
pub fn written() -> BTreeMap<String, String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/economics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut lines = BTreeMap::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```example" => inside = true,
            "```" => inside = false,
            line if inside => {
                let (name, value) = line.split_once(" = ").expect("a line is `name = value`");
                let value = value.split(" # ").next().unwrap_or(value);
                let again = lines.insert(name.trim().to_owned(), value.trim().to_owned());
                assert!(again.is_none(), "{name} stands there twice");
            }
            _ => {}
        }
    }
    lines
}
