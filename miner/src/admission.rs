//! Who may ask, and who comes first.

use crate::{config::AdmissionMode, registration::Seen};
use assay_primitives::Balance;
use assay_protocol::Hotkey;
use std::collections::HashSet;
use tokio::sync::watch;

/// Whose turn it is when queries wait: whoever has more stake on the subnet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub Balance);

impl Rank {
    /// Whether the caller has stake on the subnet. Hotkeys without any cost nothing.
    pub const fn has_stake(self) -> bool {
        self.0 > 0
    }
}

/// What callers without stake may have of `all`: a quarter is kept for those with stake, or anybody
/// with enough keys of their own could have them refused.
pub(crate) const fn of_strangers(all: usize) -> usize {
    all - all / 4
}

/// Decides who is let in. It is asked before a request's body is read, with the hotkey that the
/// caller *claims*; the signature is checked afterwards.
#[derive(Clone, Debug)]
pub struct Admission {
    mode: AdmissionMode,
    allow: HashSet<Hotkey>,
    deny: HashSet<Hotkey>,
    minimum_stake: Balance,
    seen: watch::Receiver<Seen>,
}

impl Admission {
    /// Lets in whom `mode` says, as far as `seen`, what the chain last said, tells.
    pub fn new(mode: AdmissionMode, seen: watch::Receiver<Seen>) -> Self {
        Self {
            mode,
            allow: HashSet::new(),
            deny: HashSet::new(),
            minimum_stake: 0,
            seen,
        }
    }

    /// Anyone who signs; nothing is known of anybody's stake.
    pub fn signed() -> Self {
        Self::new(AdmissionMode::Signed, watch::channel(Seen::default()).1)
    }

    /// Lets these in whatever their stake and permit. With [`AdmissionMode::Signed`] and unless
    /// there are none, these alone.
    #[must_use]
    pub fn allowing(mut self, hotkeys: impl IntoIterator<Item = Hotkey>) -> Self {
        self.allow.extend(hotkeys);
        self
    }

    /// Lets these in under no condition.
    #[must_use]
    pub fn denying(mut self, hotkeys: impl IntoIterator<Item = Hotkey>) -> Self {
        self.deny.extend(hotkeys);
        self
    }

    /// Asks this stake of those who are not named.
    #[must_use]
    pub const fn asking(mut self, minimum_stake: Balance) -> Self {
        self.minimum_stake = minimum_stake;
        self
    }

    /// Whether requests without a signature are answered.
    pub fn admits_unsigned(&self) -> bool {
        self.mode == AdmissionMode::Public
    }

    /// Whether `caller` may ask, and with which rank, or why not. Until the chain was read once,
    /// only those are let in of whom it need not be asked.
    pub fn admit(&self, caller: &Hotkey) -> Result<Rank, String> {
        if self.deny.contains(caller) {
            return Err(format!("{caller} is not let in by this miner"));
        }
        let seen = self.seen.borrow();
        let known = seen.callers.as_ref();
        let stake = known.and_then(|callers| callers.stakes.get(caller));
        let rank = Rank(stake.copied().unwrap_or_default());
        if self.allow.contains(caller) {
            return Ok(rank);
        }
        let unknown =
            || "the subnet's validators are not known yet: try again in a moment".to_owned();
        match self.mode {
            AdmissionMode::Public => return Ok(rank),
            AdmissionMode::Signed if !self.allow.is_empty() && self.minimum_stake == 0 => {
                return Err(format!("{caller} is not on this miner's list"));
            }
            AdmissionMode::Signed => {}
            AdmissionMode::Permitted => {
                let callers = known.ok_or_else(unknown)?;
                if !callers.permits.contains(caller) {
                    return Err(format!("{caller} holds no validator permit on this subnet"));
                }
            }
        }
        if self.minimum_stake > 0 {
            known.ok_or_else(unknown)?;
            if rank.0 < self.minimum_stake {
                return Err(format!(
                    "{caller} has too little stake on this subnet for this miner"
                ));
            }
        }
        Ok(rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Callers;
    use std::collections::HashMap;

    const ALICE: Hotkey = Hotkey([1; 32]);
    const BOB: Hotkey = Hotkey([2; 32]);
    const EVE: Hotkey = Hotkey([3; 32]);

    fn seen() -> Seen {
        Seen {
            callers: Some(Callers {
                permits: HashSet::from([BOB]),
                stakes: HashMap::from([(BOB, 7), (EVE, 3)]),
            }),
            ..Seen::default()
        }
    }

    #[test]
    fn admit_follows_permits_and_list_when_permitted() {
        let (sender, receiver) = watch::channel(Seen::default());
        let admission = Admission::new(AdmissionMode::Permitted, receiver).allowing([ALICE]);
        assert_eq!(admission.admit(&ALICE), Ok(Rank(0)));
        assert!(admission.admit(&BOB).unwrap_err().contains("not known yet"));
        sender.send(seen()).unwrap();
        assert_eq!(admission.admit(&BOB), Ok(Rank(7)));
        let refused = admission.admit(&EVE).unwrap_err();
        assert!(refused.contains("no validator permit"), "{refused}");
        assert!(!admission.admits_unsigned());
    }

    #[test]
    fn admit_takes_the_list_alone_or_anyone_when_signed() {
        assert_eq!(Admission::signed().admit(&EVE), Ok(Rank(0)));
        let listed = Admission::signed().allowing([ALICE]);
        assert!(listed.admit(&EVE).unwrap_err().contains("list"));
        assert!(listed.admit(&ALICE).is_ok());
    }

    #[test]
    fn admit_refuses_whom_the_deny_list_names() {
        let (_sender, receiver) = watch::channel(seen());
        for mode in [AdmissionMode::Signed, AdmissionMode::Permitted] {
            let admission = Admission::new(mode, receiver.clone()).denying([BOB]);
            assert!(admission.admit(&BOB).unwrap_err().contains("not let in"));
        }
    }

    #[test]
    fn admit_asks_for_stake_except_of_those_named() {
        let (_sender, receiver) = watch::channel(seen());
        let admission = Admission::new(AdmissionMode::Signed, receiver)
            .allowing([ALICE])
            .asking(5);
        assert_eq!(admission.admit(&BOB), Ok(Rank(7)));
        assert_eq!(admission.admit(&ALICE), Ok(Rank(0)));
        assert!(admission.admit(&EVE).unwrap_err().contains("too little"));
    }
}
