//! What came of it: how often each thing was done, and why it was not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use assay_primitives::Refusal;
use sp_runtime::{
    transaction_validity::{InvalidTransaction, TransactionValidityError},
    DispatchError, ModuleError,
};

use crate::{chain::Outcome, habits::HABITS};

/// How one habit fared.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How often it was done.
    pub done: u64,
    /// How often it was not, by reason.
    pub reasons: BTreeMap<String, u64>,
}

/// A run in numbers.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Blocks made.
    pub blocks: u64,
    /// Epochs run.
    pub epochs: u64,
    /// By habit.
    pub habits: BTreeMap<&'static str, Tally>,
    /// Keys in the state at its end.
    pub keys: usize,
    /// Subnets at its end.
    pub subnets: usize,
    /// Neurons at its end.
    pub neurons: usize,
    /// Time spent on making blocks.
    pub making: Duration,
    /// Time spent on checking them.
    pub checking: Duration,
}

impl Report {
    /// Counts how a move went.
    pub fn count(&mut self, habit: &'static str, outcome: &Outcome) {
        let tally = self.habits.entry(habit).or_default();
        match outcome {
            Outcome::Done => tally.done += 1,
            Outcome::Failed(error) => *tally.reasons.entry(name_of(error)).or_default() += 1,
            Outcome::Refused(refusal) => {
                *tally.reasons.entry(refusal_name(refusal)).or_default() += 1
            }
        }
    }

    /// What was tried, or is a habit, and never came to anything.
    pub fn never_done(&self) -> BTreeSet<&'static str> {
        let done = |name: &&str| self.habits.get(name).is_some_and(|tally| tally.done > 0);
        let habits = HABITS.iter().map(|habit| habit.name);
        habits
            .chain(self.habits.keys().copied())
            .filter(|name| !done(name))
            .collect()
    }
}

/// An error in its pallet's words.
pub fn name_of(error: &DispatchError) -> String {
    match error {
        DispatchError::Module(ModuleError {
            message: Some(name),
            ..
        }) => (*name).to_owned(),
        other => format!("{other:?}"),
    }
}

fn refusal_name(refusal: &TransactionValidityError) -> String {
    let TransactionValidityError::Invalid(InvalidTransaction::Custom(code)) = refusal else {
        return format!("{refusal:?}");
    };
    Refusal::from_code(*code).map_or_else(|| format!("code {code}"), |known| format!("{known:?}"))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (making, checking) = (self.making.as_secs_f64(), self.checking.as_secs_f64());
        writeln!(
            f,
            "{} blocks and {} epochs in {:.1} s of making and {:.1} s of checking: {:.0} blocks/s",
            self.blocks,
            self.epochs,
            making,
            checking,
            self.blocks as f64 / (making + checking).max(f64::MIN_POSITIVE),
        )?;
        writeln!(
            f,
            "at the end: {} subnets, {} neurons, {} keys",
            self.subnets, self.neurons, self.keys
        )?;
        for (habit, tally) in &self.habits {
            write!(f, "{habit:<22}{:>9}", tally.done)?;
            let mut reasons: Vec<_> = tally.reasons.iter().collect();
            reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            for (reason, count) in reasons {
                write!(f, "  {reason} {count}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
