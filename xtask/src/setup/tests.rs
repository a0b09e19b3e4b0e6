use std::{cell::Cell, rc::Rc};

use super::*;

/// A need that is met once installed, unless it is `broken`.
struct Fake {
    met: Rc<Cell<bool>>,
    installed: Rc<Cell<u32>>,
    broken: bool,
    refused: bool,
}

impl Fake {
    fn new(met: bool) -> Self {
        Self {
            met: Rc::new(Cell::new(met)),
            installed: Rc::default(),
            broken: false,
            refused: false,
        }
    }
}

impl Need for Fake {
    fn name(&self) -> String {
        "a thing".to_owned()
    }

    fn purpose(&self) -> &'static str {
        "tests"
    }

    fn is_met(&self) -> bool {
        self.met.get()
    }

    fn meet(&self) -> Result<()> {
        self.installed.set(self.installed.get() + 1);
        if self.refused {
            bail!("no network");
        }
        self.met.set(!self.broken);
        Ok(())
    }

    fn remedy(&self) -> String {
        "plug it in".to_owned()
    }
}

#[test]
fn meet_all_installs_once_when_a_need_is_missing() {
    let fake = Fake::new(false);
    let installed = fake.installed.clone();
    let needs: Vec<Box<dyn Need>> = vec![Box::new(fake), Box::new(Fake::new(true))];
    meet_all(&needs).unwrap();
    meet_all(&needs).unwrap();
    assert_eq!(installed.get(), 1);
}

#[test]
fn meet_all_says_what_to_do_when_installing_fails() {
    let fake = Fake {
        refused: true,
        ..Fake::new(false)
    };
    let error = meet_all(&[Box::new(fake) as Box<dyn Need>]).expect_err("installing fails");
    let message = error.to_string();
    assert_eq!(
        message,
        "can't install a thing: no network\n  What to do: plug it in"
    );
}

#[test]
fn meet_all_says_what_to_do_when_the_thing_does_not_work() {
    let fake = Fake {
        broken: true,
        ..Fake::new(false)
    };
    let error = meet_all(&[Box::new(fake) as Box<dyn Need>]).expect_err("it doesn't work");
    let message = error.to_string();
    assert!(
        message.contains("doesn't work\n  What to do: plug it in"),
        "{message}"
    );
}

#[test]
fn meet_all_goes_on_when_installing_fails() {
    let refused = Fake {
        refused: true,
        ..Fake::new(false)
    };
    let missing = Fake::new(false);
    let met = missing.met.clone();
    let needs: Vec<Box<dyn Need>> = vec![Box::new(refused), Box::new(missing)];
    meet_all(&needs).expect_err("one of them fails");
    assert!(met.get());
}

#[test]
fn check_all_installs_nothing_when_a_need_is_missing() {
    let fake = Fake::new(false);
    let installed = fake.installed.clone();
    let needs = [Box::new(fake) as Box<dyn Need>];
    let error = check_all(&needs, "setup --gpu").expect_err("one is missing");
    assert_eq!(error.to_string(), "1 of 1 missing: run `setup --gpu`");
    assert_eq!(installed.get(), 0);
}

#[test]
fn check_all_succeeds_when_all_needs_are_met() {
    check_all(&[Box::new(Fake::new(true)) as Box<dyn Need>], "setup").unwrap();
}

/// A file of the checkout.
fn text(name: &str) -> String {
    let path = Workspace::locate().unwrap().root().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

#[test]
fn container_has_the_onnx_runtime_that_is_set_up() {
    let container = text("deploy/Containerfile.miner");
    let stated = container
        .lines()
        .find_map(|line| line.strip_prefix("ARG ONNX_RUNTIME="));
    assert_eq!(stated, Some(crate::workspace::ONNX_RUNTIME));
}

/// Whether a line of `.dockerignore` leaves a file out: a name in the root, or `**/` and a name that
/// may begin with `*`.
fn leaves_out(line: &str, path: &str) -> bool {
    match line.strip_prefix("**/") {
        None => path.split('/').next() == Some(line),
        Some(name) => path.split('/').any(|part| match name.strip_prefix('*') {
            Some(end) => part.ends_with(end),
            None => part == name,
        }),
    }
}

#[test]
fn container_is_built_from_all_that_cargo_reads() {
    let ignored = text(".dockerignore");
    let ignored: Vec<_> = ignored
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let manifest = text("Cargo.toml");
    let members = manifest.split_once("members = [").unwrap().1;
    let members: Vec<_> = members
        .split(']')
        .next()
        .unwrap()
        .split('"')
        .filter(|name| name.starts_with(char::is_alphabetic))
        .collect();
    assert!(members.contains(&"miner"));
    let root = Workspace::locate().unwrap().root().to_owned();
    let tracked = std::process::Command::new("git")
        .current_dir(root)
        .args(["ls-files", "--", "Cargo.toml", "Cargo.lock", ".cargo"])
        .args(&members)
        .output()
        .unwrap();
    let tracked = String::from_utf8(tracked.stdout).unwrap();
    assert!(tracked.contains("crates/protocol/src/hotkey.rs"));
    for path in tracked.lines() {
        let line = ignored.iter().find(|line| leaves_out(line, path));
        assert_eq!(line, None, "{path}");
    }
}
