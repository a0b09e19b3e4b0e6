//! Which of our calls a person makes by `assay`, and how.

/// Calls by pallet and name, with the command that makes them. What needs no saying: every command
/// signs with `--key-file FILE` (or `--suri //Alice` on a development chain).
pub const COMMANDS: &[(&str, &str)] = &[
    (
        "Subnets.register_subnet",
        "assay subnet create --task tasks/digits --max-price 2",
    ),
    (
        "Subnets.patch_hyperparameters",
        "assay subnet set 0 tempo=360 immunity_period=7200",
    ),
    (
        "Subnets.update_task",
        "assay subnet update-task 0 --task tasks/digits",
    ),
    ("Subnets.offer_subnet", "assay subnet offer 0 5NewOwner…"),
    ("Subnets.accept_subnet", "assay subnet accept 0"),
    ("Subnets.set_admitted", "assay subnet admit 0"),
    ("Subnets.dissolve_subnet", "assay subnet dissolve 0"),
    (
        "Subnets.register",
        "assay register 0 --hotkey-file hotkey.json --max-price 1",
    ),
    ("Stake.add_stake", "assay stake add 0 5Hotkey… 12.5"),
    ("Stake.remove_stake", "assay stake remove 0 5Hotkey… 12.5"),
    ("Stake.withdraw", "assay stake withdraw 0 5Hotkey…"),
    (
        "Stake.withdraw_dissolved",
        "assay stake withdraw 0 5Hotkey… --generation 2",
    ),
    ("Stake.set_take", "assay stake take 0 5Hotkey… 12.5"),
    (
        "Stake.move_stake",
        "assay stake move 0 5FromHotkey… 3 5ToHotkey… 12.5",
    ),
    (
        "Stake.complete_move",
        "assay stake arrive 5Coldkey… 0 5FromHotkey…",
    ),
    (
        "Keys.swap_hotkey",
        "assay hotkey swap 5OldHotkey… --hotkey-file new.json",
    ),
    (
        "Keys.announce_coldkey_change",
        "assay coldkey announce 5NewColdkey…",
    ),
    ("Keys.dispute_coldkey_change", "assay coldkey dispute"),
    (
        "Keys.take_over_coldkey",
        "assay coldkey take-over 5OldColdkey…",
    ),
    (
        "Keys.drop_coldkey_change",
        "assay coldkey drop 5OldColdkey…",
    ),
    (
        "Balances.transfer_keep_alive",
        "assay transfer 5Receiver… 12.5",
    ),
];

/// The command that makes a call.
pub fn command(pallet: &str, call: &str) -> Option<&'static str> {
    COMMANDS
        .iter()
        .find(|(name, _)| *name == format!("{pallet}.{call}"))
        .map(|(_, command)| *command)
}
