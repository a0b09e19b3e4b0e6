//! SS58 addresses of prefix 42, as fast as every request wants them: a signed request and its receipt
//! write and read half a dozen, and base 58 digit by digit takes longer than hashing a body.
//!
//! An address is one byte of prefix, the key and two bytes of a checksum, as one large number in
//! base 58. With this prefix it always has 48 digits. The number is divided by 58^5 at a time, which
//! yields five digits and fits a machine word.

use blake2::{Blake2b512, Digest as _};

/// The prefix of all of Assay's addresses.
const PREFIX: u8 = 42;
/// Digits of an address.
const LENGTH: usize = 48;
const BYTES: usize = 1 + 32 + 2;

const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const PER_GROUP: usize = 5;
const GROUP: u64 = 58_u64.pow(PER_GROUP as u32);
const GROUPS: usize = LENGTH.div_ceil(PER_GROUP);
/// The number as words of 32 bits, the most significant first.
const WORDS: usize = BYTES.div_ceil(4);
/// Bytes of the first word that the number leaves empty.
const PADDING: usize = WORDS * 4 - BYTES;

/// The address of a key.
pub(crate) fn write(key: &[u8; 32]) -> String {
    let mut bytes = [0; WORDS * 4];
    bytes[PADDING] = PREFIX;
    bytes[PADDING + 1..PADDING + 33].copy_from_slice(key);
    bytes[PADDING + 33..].copy_from_slice(&checksum(key));
    let mut words = [0_u32; WORDS];
    for (word, four) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_be_bytes([four[0], four[1], four[2], four[3]]);
    }
    let mut digits = [0; GROUPS * PER_GROUP];
    for group in digits.chunks_exact_mut(PER_GROUP).rev() {
        let mut rest = divide(&mut words);
        for digit in group.iter_mut().rev() {
            *digit = DIGITS[(rest % 58) as usize];
            rest /= 58;
        }
    }
    digits[digits.len() - LENGTH..]
        .iter()
        .map(|digit| char::from(*digit))
        .collect()
}

/// The key of an address that [`write()`] could have written; None for everything else.
pub(crate) fn read(text: &str) -> Option<[u8; 32]> {
    let text: &[u8; LENGTH] = text.as_bytes().try_into().ok()?;
    let mut words = [0_u32; WORDS];
    let (first, others) = text.split_at(LENGTH % PER_GROUP);
    for group in std::iter::once(first).chain(others.chunks_exact(PER_GROUP)) {
        let mut value = 0;
        for digit in group {
            value = value * 58 + u64::from(value_of(*digit)?);
        }
        multiply_and_add(&mut words, value)?;
    }
    let mut bytes = [0; WORDS * 4];
    for (four, word) in bytes.chunks_exact_mut(4).zip(words) {
        four.copy_from_slice(&word.to_be_bytes());
    }
    let (padding, bytes) = bytes.split_at(PADDING);
    let (prefix, rest) = bytes.split_first()?;
    let (key, sum) = rest.split_first_chunk::<32>()?;
    let good = padding.iter().all(|byte| *byte == 0) && *prefix == PREFIX;
    (good && sum == checksum(key)).then_some(*key)
}

fn checksum(key: &[u8; 32]) -> [u8; 2] {
    let hash = Blake2b512::new()
        .chain_update(b"SS58PRE")
        .chain_update([PREFIX])
        .chain_update(key)
        .finalize();
    [hash[0], hash[1]]
}

/// Divides the number by [`GROUP`] and returns the rest.
fn divide(words: &mut [u32; WORDS]) -> u64 {
    let mut rest = 0;
    for word in words {
        let value = rest << 32 | u64::from(*word);
        // Less than 2^32, because the rest is less than the divisor.
        *word = (value / GROUP) as u32;
        rest = value % GROUP;
    }
    rest
}

/// Multiplies the number by [`GROUP`] and adds `value`; None if it does not fit any more.
fn multiply_and_add(words: &mut [u32; WORDS], value: u64) -> Option<()> {
    let mut carry = value;
    for word in words.iter_mut().rev() {
        let value = u64::from(*word) * GROUP + carry;
        *word = value as u32;
        carry = value >> 32;
    }
    (carry == 0).then_some(())
}

fn value_of(digit: u8) -> Option<u8> {
    const VALUES: [u8; 128] = {
        let mut values = [u8::MAX; 128];
        let mut value = 0;
        while value < DIGITS.len() {
            values[DIGITS[value] as usize] = value as u8;
            value += 1;
        }
        values
    };
    let value = *VALUES.get(usize::from(digit))?;
    (value != u8::MAX).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use subxt_utils_accountid32::AccountId32;

    proptest! {
        #[test]
        fn addresses_are_those_of_substrate(key: [u8; 32]) {
            let text = AccountId32(key).to_string();
            prop_assert_eq!(write(&key), text.clone());
            prop_assert_eq!(read(&text), Some(key));
        }

        #[test]
        fn read_is_refused_when_a_digit_is_another(key: [u8; 32], place in 0..LENGTH, digit in 0..58_usize) {
            let mut text = write(&key).into_bytes();
            prop_assume!(text[place] != DIGITS[digit]);
            text[place] = DIGITS[digit];
            let text = String::from_utf8(text).unwrap();
            // Two bytes of checksum let one in 65,536 through; what they let through is an address.
            if let Some(other) = read(&text) {
                prop_assert_eq!(write(&other), text);
            }
        }
    }

    #[test]
    fn write_and_read_reach_the_ends() {
        for key in [[0; 32], [u8::MAX; 32]] {
            assert_eq!(write(&key), AccountId32(key).to_string());
            assert_eq!(read(&write(&key)), Some(key));
        }
        let largest = "z".repeat(LENGTH);
        for text in [
            "",
            "5",
            &largest,
            &"1".repeat(LENGTH),
            &"é".repeat(LENGTH / 2),
        ] {
            assert_eq!(read(text), None);
        }
    }
}
