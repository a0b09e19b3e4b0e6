//! Units of money and time.

/// An amount of ASY in its smallest unit, 10⁻¹² ASY. The cap is above `u64`, hence `u128`.
pub type Balance = u128;

/// A block's height.
pub type BlockNumber = u32;

/// Decimals of the token.
pub const DECIMALS: u8 = 12;

/// One ASY in its smallest unit.
pub const ASY: Balance = 1_000_000_000_000;

/// All ASY that will ever be issued.
pub const CAP: Balance = 21_000_000 * ASY;
