//! One file per call, one for what other pallets ask, two for slashing, one for changes of keys, one
//! for what is shown, and two of properties: of a pool alone and of everything together.

mod add_stake;
mod keys;
mod move_stake;
mod pool;
mod properties;
mod remove_stake;
mod set_take;
mod slash;
mod slash_everything;
mod stakes;
mod teardown;
mod views;
mod withdraw;
