//! What can be wrong with an epoch's input.

use core::fmt;

/// Which of the two tables of rows an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `EpochInput::weights`.
    Weights,
    /// `EpochInput::bonds`.
    Bonds,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weights => "weights",
            Self::Bonds => "bonds",
        })
    }
}

/// Why an epoch could not be computed. Every input that is not refused with one of these has an
/// outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YumaError {
    /// Uids are 16 bits wide.
    TooManyNeurons {
        /// Neurons given.
        count: usize,
    },
    /// The neurons' stakes sum to more than a `u128` holds.
    StakeOverflow,
    /// A row belongs to a uid that no neuron has.
    UnknownValidator {
        /// Table of the row.
        table: Table,
        /// The uid.
        validator: u16,
    },
    /// Two rows belong to the same uid.
    RepeatedValidator {
        /// Table of the rows.
        table: Table,
        /// The uid.
        validator: u16,
    },
    /// A row has more targets than values, or fewer.
    UnequalLengths {
        /// Table of the row.
        table: Table,
        /// Uid of the row.
        validator: u16,
        /// Number of targets.
        targets: usize,
        /// Number of values.
        values: usize,
    },
    /// A row's targets do not ascend strictly: one repeats or comes out of order.
    UnsortedTargets {
        /// Table of the row.
        table: Table,
        /// Uid of the row.
        validator: u16,
    },
    /// A row names a target that no neuron has.
    UnknownTarget {
        /// Table of the row.
        table: Table,
        /// Uid of the row.
        validator: u16,
        /// The target.
        target: u16,
    },
}

impl fmt::Display for YumaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyNeurons { count } => {
                write!(
                    f,
                    "{count} neurons given, but uids are 16 bits wide: at most 65536 fit"
                )
            }
            Self::StakeOverflow => {
                f.write_str("the neurons' stakes sum to more than 128 bits hold")
            }
            Self::UnknownValidator { table, validator } => {
                write!(
                    f,
                    "{table}: a row belongs to uid {validator}, which no neuron has"
                )
            }
            Self::RepeatedValidator { table, validator } => {
                write!(
                    f,
                    "{table}: uid {validator} has more than one row; join them"
                )
            }
            Self::UnequalLengths {
                table,
                validator,
                targets,
                values,
            } => write!(
                f,
                "{table}: the row of uid {validator} has {targets} targets but {values} values"
            ),
            Self::UnsortedTargets { table, validator } => write!(
                f,
                "{table}: the targets of uid {validator} must ascend, each named once"
            ),
            Self::UnknownTarget {
                table,
                validator,
                target,
            } => write!(
                f,
                "{table}: the row of uid {validator} names target {target}, which no neuron has"
            ),
        }
    }
}

impl core::error::Error for YumaError {}
