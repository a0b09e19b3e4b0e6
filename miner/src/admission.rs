//! Who may ask.

use assay_protocol::Hotkey;
use std::collections::HashSet;
use tokio::sync::watch;

/// Decides who is let in. It is asked before a request's body is read, with the hotkey that the
/// caller *claims*; the signature is checked afterwards.
pub trait Admission: Send + Sync + 'static {
    /// Whether `caller` may ask, or why not.
    fn admit(&self, caller: &Hotkey) -> Result<(), String>;

    /// Whether requests without a signature are answered.
    fn admits_unsigned(&self) -> bool {
        false
    }
}

/// Anyone at all.
#[derive(Clone, Copy, Debug)]
pub struct Public;

impl Admission for Public {
    fn admit(&self, _: &Hotkey) -> Result<(), String> {
        Ok(())
    }

    fn admits_unsigned(&self) -> bool {
        true
    }
}

/// Anyone who signs.
#[derive(Clone, Copy, Debug)]
pub struct Signed;

impl Admission for Signed {
    fn admit(&self, _: &Hotkey) -> Result<(), String> {
        Ok(())
    }
}

/// The hotkeys of a list.
#[derive(Clone, Debug)]
pub struct AllowList(HashSet<Hotkey>);

impl AllowList {
    /// Lets these in.
    pub fn new(hotkeys: impl IntoIterator<Item = Hotkey>) -> Self {
        Self(hotkeys.into_iter().collect())
    }
}

impl Admission for AllowList {
    fn admit(&self, caller: &Hotkey) -> Result<(), String> {
        if self.0.contains(caller) {
            Ok(())
        } else {
            Err(format!("{caller} is not on this miner's list"))
        }
    }
}

/// The validators that hold a permit on the subnet, as the chain last said, and those of a list.
/// Until the chain was read once, nobody but the list is let in.
#[derive(Clone, Debug)]
pub struct PermitHolders {
    listed: AllowList,
    permitted: watch::Receiver<Option<HashSet<Hotkey>>>,
}

impl PermitHolders {
    /// Follows what the chain says.
    pub fn new(listed: AllowList, permitted: watch::Receiver<Option<HashSet<Hotkey>>>) -> Self {
        Self { listed, permitted }
    }
}

impl Admission for PermitHolders {
    fn admit(&self, caller: &Hotkey) -> Result<(), String> {
        if self.listed.admit(caller).is_ok() {
            return Ok(());
        }
        match &*self.permitted.borrow() {
            Some(holders) if holders.contains(caller) => Ok(()),
            Some(_) => Err(format!("{caller} holds no validator permit on this subnet")),
            None => Err("the subnet's permits are not known yet: try again in a moment".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admit_follows_the_permits_and_the_list() {
        let (alice, bob, eve) = (Hotkey([1; 32]), Hotkey([2; 32]), Hotkey([3; 32]));
        let (sender, receiver) = watch::channel(None);
        let admission = PermitHolders::new(AllowList::new([alice]), receiver);
        assert!(admission.admit(&alice).is_ok());
        assert!(admission.admit(&bob).unwrap_err().contains("not known yet"));
        sender.send(Some(HashSet::from([bob]))).unwrap();
        assert!(admission.admit(&bob).is_ok());
        assert!(admission
            .admit(&eve)
            .unwrap_err()
            .contains("no validator permit"));
        assert!(!admission.admits_unsigned());
    }
}
