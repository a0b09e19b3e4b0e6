//! What the benchmark of the miner measured, as the page has it.

use std::fmt::Write as _;

use serde::Deserialize;

/// Connections of every measurement: one caller, some, and more than the machine can do.
pub const CONCURRENCY: [usize; 3] = [1, 8, 64];
/// Where among them the machine is full.
pub const FULL: usize = 2;

/// What the client measured.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Figures {
    pub per_second: f64,
    pub median_ms: f64,
    pub p99_ms: f64,
    /// All that was asked, whether it counts or not, what answering it took of the processor, and
    /// what asking took.
    pub runs: u64,
    pub processor_ms: f64,
    pub client_ms: f64,
}

impl Figures {
    /// What answering one request took of the processor.
    fn processor(&self) -> f64 {
        self.processor_ms / self.runs as f64
    }

    /// Cores that asking took.
    fn client_cores(&self) -> f64 {
        self.client_ms / self.runs as f64 * self.per_second / 1_000.0
    }
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The model with nothing around it.
    Limit,
    /// Ours, asked without signatures.
    Unsigned,
    /// Ours, with signatures and receipts.
    Signed,
    /// Ours, joining unsigned queries.
    Batching,
    /// Ours, joining signed ones.
    SignedBatching,
    /// Somebody else's.
    Foreign,
    /// The same, asked by a client of its own.
    OwnClient,
}

/// One line of a table.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: String,
    pub kind: Kind,
    /// For each of [`CONCURRENCY`].
    pub figures: Vec<Figures>,
    /// By turns with the limit, where that was measured.
    pub turns: Vec<Turn>,
}

/// The limit and, right after it, what is held against it, both at [`FULL`].
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    pub limit: Figures,
    pub ours: Figures,
}

/// All that was measured with one model.
pub fn table(title: &str, rows: &[Row]) -> String {
    let mut text = format!("**{title}**\n\n|");
    for connections in CONCURRENCY {
        text += &format!(" | {connections}: requests/s | median | p99 | processor");
    }
    text += " |\n| --- |";
    text += &" ---: |".repeat(4 * CONCURRENCY.len());
    text.push('\n');
    for row in rows {
        text += &format!("| {} |", row.name);
        for it in &row.figures {
            text += &match it.per_second {
                0.0 => " 0 | – | – |".to_owned(),
                some => format!(
                    " {some:.0} | {:.2} ms | {:.2} ms |",
                    it.median_ms, it.p99_ms
                ),
            };
            text += &format!(" {:.3} ms |", it.processor());
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

/// What it comes to: how far the aims are met.
pub fn findings(tiny: &[Row], real: &[Row]) -> String {
    let mut text = String::from("| what | aim | measured |\n| --- | --- | --- |\n");
    let added = at(tiny, Kind::Signed, 0).median_ms - at(tiny, Kind::Unsigned, 0).median_ms;
    let _ = writeln!(
        text,
        "| one connection, tiny model: what signatures and receipts add to the median | under 0.3 ms | {added:.2} ms |"
    );
    for (name, kind, aim) in [
        ("batching off, unsigned", Kind::Unsigned, "at least 90 %"),
        ("batching off, signed", Kind::Signed, "at least 90 %"),
        ("batching on, unsigned", Kind::Batching, "over 100 %"),
        ("batching on, signed", Kind::SignedBatching, "over 100 %"),
    ] {
        let turns = real.iter().filter(|row| row.kind == kind);
        let shares: Vec<_> = turns.flat_map(|row| &row.turns).map(shares).collect();
        let [whole, left, by_processor] = [0, 1, 2].map(|which| {
            let mut of: Vec<_> = shares.iter().map(|shares| shares[which]).collect();
            of.sort_unstable_by(f64::total_cmp);
            of
        });
        let _ = writeln!(
            text,
            "| 64 connections, real model, {name}, {} turns, median and all: requests of those that bare \
             ONNX Runtime runs; of those that it runs on what the client leaves of the cores; the same by \
             what the server takes of the processor | {aim} | {}; {}; {} |",
            shares.len(),
            spread(&whole),
            spread(&left),
            spread(&by_processor),
        );
    }
    for row in tiny.iter().filter(|row| row.kind == Kind::Foreign) {
        // Like beside like: an axon checks signatures, the others know none.
        let (ours, name) = if row.name.ends_with(", signed") {
            (Kind::Signed, "signed")
        } else {
            (Kind::Unsigned, "unsigned")
        };
        let limit = at(tiny, Kind::Limit, 1).processor();
        let over = |figures: Figures| figures.processor() - limit;
        let times = over(row.figures[1]) / over(at(tiny, ours, 1));
        let _ = writeln!(
            text,
            "| 8 connections, tiny model: overhead of {}, in processor time, over the miner's, {name} | \
             at least 5 times | {times:.1} times |",
            row.name
        );
    }
    text.push('\n');
    text
}

/// The mean of the lines of a kind, at one of [`CONCURRENCY`].
fn at(rows: &[Row], kind: Kind, index: usize) -> Figures {
    let of_kind: Vec<_> = rows.iter().filter(|row| row.kind == kind).collect();
    let mut sum = Figures::default();
    let parts = of_kind.len().max(1) as f64;
    for row in of_kind {
        let it = row.figures[index];
        sum.per_second += it.per_second / parts;
        sum.median_ms += it.median_ms / parts;
        sum.p99_ms += it.p99_ms / parts;
        sum.runs += it.runs;
        sum.processor_ms += it.processor_ms;
        sum.client_ms += it.client_ms;
    }
    sum
}

/// What was answered, in percent of what bare ONNX Runtime runs: of all that it runs with the machine
/// for itself; of what it could run on what the client leaves of the cores; and by processor time.
fn shares(turn: &Turn) -> [f64; 3] {
    let Turn { limit, ours } = turn;
    // As many cores as bare runs keep busy.
    let cores = limit.processor() * limit.per_second / 1_000.0;
    let left = limit.per_second * (1.0 - ours.client_cores() / cores);
    [
        ours.per_second / limit.per_second,
        ours.per_second / left,
        limit.processor() / ours.processor(),
    ]
    .map(|share| 100.0 * share)
}

/// The median of sorted shares, and from the least to the most.
fn spread(sorted: &[f64]) -> String {
    match (sorted.first(), sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(least), Some(median), Some(most)) => {
            format!("{median:.0} % ({least:.0}–{most:.0})")
        }
        _ => "–".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, kind: Kind, per_second: f64, processor: f64, client: f64) -> Row {
        let figures = Figures {
            per_second,
            median_ms: 1.0,
            p99_ms: 2.0,
            runs: 10,
            processor_ms: 10.0 * processor,
            client_ms: 10.0 * client,
        };
        Row {
            name: name.into(),
            kind,
            figures: vec![figures; 3],
            turns: vec![],
        }
    }

    fn turn(ours: f64) -> Turn {
        let [limit, ours] = [
            row("bare", Kind::Limit, 500.0, 4.0, 0.0),
            row("ours", Kind::Unsigned, ours, 4.25, 0.25),
        ]
        .map(|row| row.figures[FULL]);
        Turn { limit, ours }
    }

    fn rows() -> Vec<Row> {
        vec![
            row("bare", Kind::Limit, 500.0, 4.0, 0.0),
            row("ours", Kind::Unsigned, 450.0, 4.25, 0.25),
            row("ours, signed", Kind::Signed, 400.0, 4.5, 0.5),
            row("ours, batching", Kind::Batching, 600.0, 3.0, 0.25),
            row("both", Kind::SignedBatching, 550.0, 3.25, 0.5),
            row("bare", Kind::Limit, 500.0, 4.0, 0.0),
            row("theirs", Kind::Foreign, 100.0, 6.0, 0.25),
            row("axon, signed", Kind::Foreign, 100.0, 9.0, 0.25),
        ]
    }

    #[test]
    fn shares_count_the_client_once_and_not_at_all() {
        // Two cores, of which the client takes 450 × 0.25 ms = 0.1125 a second.
        let [whole, left, by_processor] = shares(&turn(450.0));
        assert!((whole - 90.0).abs() < 1e-9, "{whole}");
        assert!((left - 90.0 / (1.0 - 0.1125 / 2.0)).abs() < 1e-9, "{left}");
        assert!((by_processor - 400.0 / 4.25).abs() < 1e-9, "{by_processor}");
    }

    #[test]
    fn findings_compare_like_with_like() {
        let mut real = rows();
        real[1].turns = [450.0, 400.0, 425.0].map(turn).to_vec();
        let text = findings(&rows(), &real);
        let shares = "3 turns, median and all: requests";
        let found = text.lines().find(|line| line.contains(shares));
        let found = found.unwrap_or_else(|| panic!("{text}"));
        let ends = "| at least 90 % | 85 % (80–90); 90 % (84–95); 94 % (94–94) |";
        assert!(
            found.contains("unsigned") && found.ends_with(ends),
            "{found}"
        );
        assert!(text.contains("| –; –; – |"), "{text}");
        assert!(text.contains("theirs, in processor time, over the miner's, unsigned | at least 5 times | 8.0 times |"), "{text}");
        assert!(text.contains("axon, signed, in processor time, over the miner's, signed | at least 5 times | 10.0 times |"), "{text}");
        assert!(
            text.contains("add to the median | under 0.3 ms | 0.00 ms |"),
            "{text}"
        );
    }

    #[test]
    fn table_has_four_columns_for_each_concurrency() {
        let text = table("t", &rows());
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(lines.len(), 2 + rows().len());
        assert!(lines.iter().all(|line| line.matches('|').count() == 2 + 12));
    }
}
