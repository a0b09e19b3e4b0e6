//! A pallet's `weights.rs`.

use std::fmt::Write;

use crate::measure::{Component, Line, Measured};

/// The file's text. What is in it is laid out as rustfmt would.
pub fn file(pallet: &str, steps: u32, repeats: u32, measured: &[Measured]) -> String {
    let mut text = format!(
        "//! What the calls and hooks of `{pallet}` cost.\n\
         //!\n\
         //! Written by `cargo xtask weights`: change the benchmarks, not this file. Measured in the\n\
         //! executor of a node, on {cpu}, at {steps} points of each component and {repeats} times at\n\
         //! each. The chain proves its state to nobody, so no size of a proof is counted.\n\
         \n\
         #![allow(clippy::unnecessary_cast)]\n\
         \n\
         use core::marker::PhantomData;\n\
         use frame_support::{{\n    \
             traits::Get,\n    \
             weights::{{constants::ParityDbWeight, RuntimeDbWeight, Weight}},\n\
         }};\n\n",
        cpu = cpu(),
    );
    text.push_str("/// What calls and hooks cost.\npub trait WeightInfo {\n");
    for one in measured {
        let _ = writeln!(text, "    /// {}", doc(one));
        let _ = writeln!(text, "    fn {}({}) -> Weight;", one.name, arguments(one));
    }
    text.push_str("}\n\n");
    for one in measured {
        function(&mut text, one);
    }
    implementation(
        &mut text,
        "/// Weights with the runtime's costs of reading and writing.\n\
         pub struct SubstrateWeight<T>(PhantomData<T>);\n\n\
         impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {",
        "T::DbWeight::get()",
        measured,
    );
    text.push('\n');
    implementation(
        &mut text,
        "/// Weights on ParityDB, for tests.\nimpl WeightInfo for () {",
        "ParityDbWeight::get()",
        measured,
    );
    text
}

/// The functions that a file's trait declares and that none of these benchmarks measures.
pub fn unmeasured(present: &str, measured: &[Measured]) -> Vec<String> {
    let is_of_trait = |line: &&str| line.starts_with("    fn ") && line.ends_with("-> Weight;");
    present
        .lines()
        .filter(is_of_trait)
        .filter_map(|line| line.trim_start().strip_prefix("fn ")?.split('(').next())
        .filter(|name| measured.iter().all(|one| one.name != *name))
        .map(str::to_owned)
        .collect()
}

/// `a: u32, b: u32`.
fn arguments(measured: &Measured) -> String {
    join(&measured.components, |one| format!("{}: u32", one.name))
}

fn join(components: &[Component], each: impl Fn(&Component) -> String) -> String {
    components.iter().map(each).collect::<Vec<_>>().join(", ")
}

fn doc(measured: &Measured) -> String {
    let name = &measured.name;
    if measured.components.is_empty() {
        return format!("`{name}`.");
    }
    let ranges = join(&measured.components, |one| {
        format!("`{}` from {} to {}", one.name, one.low, one.high)
    });
    format!("`{name}`, measured with {ranges}.")
}

/// The cost as a function of the database's.
fn function(text: &mut String, measured: &Measured) {
    let Measured {
        name,
        components,
        time,
        reads,
        writes,
        minimum,
    } = measured;
    let accesses = |line: &Line| line.base > 0 || line.slopes.iter().any(|slope| *slope > 0);
    let db = match accesses(reads) || accesses(writes) {
        true => "db",
        false => "_db",
    };
    let mut arguments = vec![format!("{db}: RuntimeDbWeight")];
    arguments.extend(components.iter().map(|one| format!("{}: u32", one.name)));
    let _ = writeln!(
        text,
        "/// At least {} us were measured.\nfn {name}({}) -> Weight {{",
        digits(minimum / 1_000),
        arguments.join(", ")
    );
    let _ = write!(text, "    Weight::from_parts({}, 0)", digits(time.base));
    access(text, reads.base, writes.base, None);
    for (index, component) in components.iter().enumerate() {
        let at = |line: &Line| line.slopes.get(index).copied().unwrap_or_default();
        if at(time) > 0 {
            let _ = write!(
                text,
                "\n        .saturating_add(Weight::from_parts({}, 0).saturating_mul({}.into()))",
                digits(at(time)),
                component.name
            );
        }
        access(text, at(reads), at(writes), Some(&component.name));
    }
    text.push_str("\n}\n\n");
}

/// Adds accesses of the database, where there are any.
fn access(text: &mut String, reads: u64, writes: u64, times: Option<&str>) {
    if reads == 0 && writes == 0 {
        return;
    }
    let accesses = match (reads, writes) {
        (reads, 0) => format!("db.reads({reads})"),
        (0, writes) => format!("db.writes({writes})"),
        (reads, writes) => format!("db.reads_writes({reads}, {writes})"),
    };
    let times = times.map_or_else(String::new, |name| {
        format!(".saturating_mul({name}.into())")
    });
    let _ = write!(text, "\n        .saturating_add({accesses}{times})");
}

fn implementation(text: &mut String, head: &str, db: &str, measured: &[Measured]) {
    text.push_str(head);
    text.push('\n');
    for one in measured {
        let names = join(&one.components, |component| component.name.clone());
        let passed = match names.is_empty() {
            true => db.to_owned(),
            false => format!("{db}, {names}"),
        };
        let _ = writeln!(
            text,
            "    fn {name}({}) -> Weight {{\n        {name}({passed})\n    }}",
            arguments(one),
            name = one.name,
        );
    }
    text.push_str("}\n");
}

/// 1234567 as 1_234_567.
fn digits(number: u64) -> String {
    let plain = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index) % 3 == 0 {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

/// What the machine calls its processor.
fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unnamed processor", |(_, name)| name.trim())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Measured {
        Measured {
            name: "act".into(),
            components: vec![Component {
                name: "n".into(),
                low: 1,
                high: 9,
            }],
            time: Line {
                base: 1_234_567,
                slopes: vec![1_000],
            },
            reads: Line {
                base: 2,
                slopes: vec![1],
            },
            writes: Line {
                base: 0,
                slopes: vec![0],
            },
            minimum: 2_000,
        }
    }

    #[test]
    fn function_adds_what_each_component_adds() {
        let mut text = String::new();
        function(&mut text, &measured());
        assert_eq!(
            text,
            "/// At least 2 us were measured.\n\
             fn act(db: RuntimeDbWeight, n: u32) -> Weight {\n    \
             Weight::from_parts(1_234_567, 0)\n        \
             .saturating_add(db.reads(2))\n        \
             .saturating_add(Weight::from_parts(1_000, 0).saturating_mul(n.into()))\n        \
             .saturating_add(db.reads(1).saturating_mul(n.into()))\n}\n\n"
        );
    }

    #[test]
    fn unmeasured_names_functions_that_would_be_lost() {
        let present = file("stake", 2, 1, &[measured()]);
        assert!(unmeasured(&present, &[measured()]).is_empty());
        assert_eq!(unmeasured(&present, &[]), ["act"]);
    }

    #[test]
    fn file_declares_and_implements_each_function() {
        let text = file("stake", 2, 1, &[measured()]);
        assert!(text.contains("    fn act(n: u32) -> Weight;\n"));
        assert!(text.contains("        act(T::DbWeight::get(), n)\n"));
    }
}
