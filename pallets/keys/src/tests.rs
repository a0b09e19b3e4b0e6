//! One file per kind of key.

mod coldkeys;
mod hotkeys;
