//! Who takes part: coldkeys with money and hotkeys with a character.

use std::collections::BTreeMap;

use assay_runtime::AccountId;
use sp_core::{ed25519, sr25519, Pair as _};
use sp_crypto_hashing::blake2_256;
use sp_runtime::MultiSignature;

use crate::dice::Dice;

/// How a validator goes about its duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Character {
    /// Says what it found, in time.
    Diligent,
    /// Reveals when the window is over.
    Late,
    /// Commits and never reveals.
    Silent,
    /// Reveals something else than it committed to.
    Mistaken,
    /// Weighs its owner's own neurons and no others.
    Selfish,
    /// Does nothing in most epochs.
    Lazy,
}

/// A hotkey, with the key that signs for it.
pub struct Hotkey {
    /// Its account.
    pub account: AccountId,
    /// How it validates.
    pub character: Character,
    pair: Pair,
}

enum Pair {
    Sr25519(Box<sr25519::Pair>),
    Ed25519(Box<ed25519::Pair>),
}

impl Hotkey {
    fn new(person: usize, number: usize) -> Self {
        let seed = blake2_256(format!("hotkey {number} of person {person}").as_bytes());
        // One in four signs the other way.
        let (pair, account) = if seed[0].is_multiple_of(4) {
            let pair = ed25519::Pair::from_seed(&seed);
            let account = AccountId::from(pair.public().0);
            (Pair::Ed25519(Box::new(pair)), account)
        } else {
            let pair = sr25519::Pair::from_seed(&seed);
            let account = AccountId::from(pair.public().0);
            (Pair::Sr25519(Box::new(pair)), account)
        };
        let character = match seed[1] % 32 {
            0 | 1 => Character::Late,
            2 | 3 => Character::Silent,
            4 => Character::Mistaken,
            5..=7 => Character::Selfish,
            8..=10 => Character::Lazy,
            _ => Character::Diligent,
        };
        Self {
            account,
            character,
            pair,
        }
    }

    /// Its signature.
    pub fn sign(&self, message: &[u8]) -> MultiSignature {
        match &self.pair {
            Pair::Sr25519(pair) => pair.sign(message).into(),
            Pair::Ed25519(pair) => pair.sign(message).into(),
        }
    }
}

/// Somebody with money.
pub struct Person {
    /// The account that owns the money and the hotkeys.
    pub coldkey: AccountId,
    /// The hotkeys, registered anywhere or not.
    pub hotkeys: Vec<Hotkey>,
}

/// Everybody.
pub struct People {
    everybody: Vec<Person>,
    hotkeys: BTreeMap<AccountId, (usize, usize)>,
}

impl People {
    /// So many people with so many hotkeys each. Always the same ones.
    pub fn new(count: usize, hotkeys_each: usize) -> Self {
        let everybody: Vec<Person> = (0..count)
            .map(|person| Person {
                coldkey: blake2_256(format!("person {person}").as_bytes()).into(),
                hotkeys: (0..hotkeys_each)
                    .map(|number| Hotkey::new(person, number))
                    .collect(),
            })
            .collect();
        let hotkeys = everybody
            .iter()
            .enumerate()
            .flat_map(|(person, who)| {
                let numbered = who.hotkeys.iter().enumerate();
                numbered.map(move |(number, hotkey)| (hotkey.account.clone(), (person, number)))
            })
            .collect();
        Self { everybody, hotkeys }
    }

    /// All coldkeys.
    pub fn coldkeys(&self) -> impl Iterator<Item = &AccountId> {
        self.everybody.iter().map(|person| &person.coldkey)
    }

    /// One of them, by number.
    pub fn person(&self, number: usize) -> &Person {
        &self.everybody[number]
    }

    /// Anybody.
    pub fn anybody(&self, dice: &mut Dice) -> &Person {
        let index = dice.below(self.everybody.len() as u64) as usize;
        &self.everybody[index]
    }

    /// Whose hotkey an account is.
    pub fn owner_of(&self, hotkey: &AccountId) -> Option<&Person> {
        let (person, _) = self.hotkeys.get(hotkey)?;
        Some(&self.everybody[*person])
    }

    /// What belonged to one coldkey belongs to another.
    pub fn change_coldkey(&mut self, old: &AccountId, new: AccountId) {
        let mut people = self.everybody.iter_mut();
        if let Some(person) = people.find(|person| person.coldkey == *old) {
            person.coldkey = new;
        }
    }

    /// The hotkey behind an account.
    pub fn hotkey(&self, account: &AccountId) -> Option<&Hotkey> {
        let (person, number) = self.hotkeys.get(account)?;
        Some(&self.everybody[*person].hotkeys[*number])
    }
}
