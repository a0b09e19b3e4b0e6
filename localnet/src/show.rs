//! What a person sees while the network starts and runs.

use crate::{report::Report, watch::Sight};
use indicatif::{ProgressBar, ProgressStyle};
use std::{io::IsTerminal, time::Duration};

/// Progress on a terminal; plain lines elsewhere.
pub struct Show {
    bar: ProgressBar,
    is_terminal: bool,
    printed: Option<u32>,
}

impl Show {
    /// A spinner on standard error.
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_style(style("{spinner} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self {
            bar,
            is_terminal: std::io::stderr().is_terminal(),
            printed: None,
        }
    }

    /// Says what is done now.
    pub fn step(&self, what: impl Into<String>) {
        let what = what.into();
        if !self.is_terminal {
            eprintln!("{what}");
        }
        self.bar.set_message(what);
    }

    /// Shows the tables over a progress line for the epoch. Without a terminal, the tables are
    /// printed once an epoch.
    pub fn sight(&mut self, sight: &Sight, wanted: Option<u32>) {
        let Report { epochs, block, .. } = sight.report;
        let of = wanted
            .map(|wanted| format!(" of {wanted}"))
            .unwrap_or_default();
        let line = format!("{epochs} epochs{of} done, block {block}");
        if !self.is_terminal {
            if self.printed != Some(epochs) {
                self.printed = Some(epochs);
                eprintln!("{}\n{line}", sight.report.tables());
            }
            return;
        }
        self.bar.set_length(sight.tempo.into());
        self.bar.set_position(sight.passed.min(sight.tempo).into());
        self.bar.set_style(style(
            "{msg}\n{wide_bar} {pos}/{len} blocks of the open epoch",
        ));
        self.bar
            .set_message(format!("{}\n{line}", sight.report.tables()));
    }

    /// Takes the progress away and leaves the last tables.
    pub fn finish(&self, report: &Report) {
        self.bar.finish_and_clear();
        println!("{}", report.tables());
    }

    /// Takes the progress away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// A style whose template is fixed here; the default one should it not be understood.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
