//! Settings from the environment.

use figment::{providers::Env, Figment};

/// Prefix of the settings: `ASSAY_MINER_LIMITS__REQUESTS=64`.
const PREFIX: &str = "ASSAY_MINER_";

/// Settings that are text even where it looks like a number: amounts, names, and secrets, which no
/// error may quote because of what they look like.
const TEXTS: [&str; 10] = [
    "models",
    "state",
    "minimum_stake",
    "hotkey.suri",
    "hotkey.file",
    "hotkey.password_file",
    "chain.model",
    "chain.max_price",
    "chain.coldkey.suri",
    "chain.coldkey.file",
];

/// Lays the environment's settings over `figment`.
pub(super) fn over(figment: Figment) -> Figment {
    // The file's own path comes by flag or environment and is no setting.
    let environment = Env::prefixed(PREFIX).ignore(&["config"]).split("__");
    let figment = figment.merge(environment.clone());
    environment.iter().fold(figment, |figment, (name, value)| {
        let name = name.as_str().to_ascii_lowercase();
        if TEXTS.contains(&name.as_str()) {
            figment.merge((name, value))
        } else {
            figment
        }
    })
}
