//! Why the transaction pool or a block refuses a free weight call.

use core::fmt;

/// The code that stands in `InvalidTransaction::Custom` when a weight call is refused.
///
/// Codes are part of the interface to clients: never renumber one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refusal {
    /// Weight calls must be signed directly by the hotkey.
    NotSigned = 100,
    /// A weight call stood inside a batch, a proxy or another call.
    Nested = 101,
    /// The transaction must be mortal.
    Immortal = 102,
    /// The hotkey is not registered in the subnet.
    NotRegistered = 103,
    /// The neuron holds no validator permit.
    NotPermitted = 104,
    /// Targets and values differ in length, repeat, are unsorted, unknown or too many.
    Malformed = 105,
    /// The key already made this call for this subnet and epoch.
    TooFast = 106,
    /// The subnet takes weights through commit and reveal only.
    PlainWeightsDisabled = 107,
    /// No pending commit belongs to the revealed epoch.
    NoSuchCommit = 108,
    /// The reveal's window is not open yet.
    RevealTooEarly = 109,
    /// The reveal's window is over.
    RevealTooLate = 110,
    /// What is revealed does not hash to what was committed.
    RevealMismatch = 111,
    /// There is no such subnet.
    UnknownSubnet = 112,
    /// Free weight calls fill their part of the block.
    BlockPartFull = 113,
    /// The weights were made for another version of the task.
    WrongTaskVersion = 114,
    /// A commit names another epoch than the open one.
    WrongEpoch = 115,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 16] = [
        Self::NotSigned,
        Self::Nested,
        Self::Immortal,
        Self::NotRegistered,
        Self::NotPermitted,
        Self::Malformed,
        Self::TooFast,
        Self::PlainWeightsDisabled,
        Self::NoSuchCommit,
        Self::RevealTooEarly,
        Self::RevealTooLate,
        Self::RevealMismatch,
        Self::UnknownSubnet,
        Self::BlockPartFull,
        Self::WrongTaskVersion,
        Self::WrongEpoch,
    ];

    /// The code in `InvalidTransaction::Custom`.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The refusal behind a code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.code() == code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSigned => "weight calls must be signed directly by the hotkey",
            Self::Nested => "weight calls can't stand in a batch, a proxy or another call",
            Self::Immortal => "weight calls must be mortal: give the transaction an era",
            Self::NotRegistered => "the hotkey is not registered in this subnet",
            Self::NotPermitted => "the neuron holds no validator permit: it needs more stake",
            Self::Malformed => {
                "targets must be known, ascending and without repeats, one value each, and not \
                 more than the subnet has neurons"
            }
            Self::TooFast => "this call was already made: wait for the subnet's next epoch",
            Self::PlainWeightsDisabled => "this subnet takes weights by commit and reveal only",
            Self::NoSuchCommit => "no pending commit belongs to that epoch",
            Self::RevealTooEarly => "the reveal's window is not open yet",
            Self::RevealTooLate => "the reveal's window is over",
            Self::RevealMismatch => "what is revealed does not hash to what was committed",
            Self::UnknownSubnet => "there is no such subnet",
            Self::BlockPartFull => "free calls fill their part of the block: try the next one",
            Self::WrongTaskVersion => "the weights were made for another version of the task",
            Self::WrongEpoch => "the commit is for another epoch than the open one",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stable_and_read_back() {
        for (index, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(refusal.code()), 100 + index);
            assert_eq!(Refusal::from_code(refusal.code()), Some(refusal));
        }
        assert_eq!(Refusal::from_code(1), None);
    }
}
