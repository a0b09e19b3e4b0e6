//! One file per call, one for what other pallets ask, one for slashing, one for what is shown, and
//! two of properties: of a pool alone and of everything together.

mod add_stake;
mod pool;
mod properties;
mod remove_stake;
mod set_take;
mod slash;
mod stakes;
mod views;
mod withdraw;
