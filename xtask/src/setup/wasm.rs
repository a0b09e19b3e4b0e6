//! A compiler that can make the runtime's Wasm.
//!
//! The target `wasm32v1-none` is usually one `rustup target add` away. Where rustup can't fetch it,
//! Debian's own compiler serves, which comes with the sources of the target's libraries: they are
//! compiled once and installed where the compiler looks for them. `runtime/build.rs` then chooses
//! whichever of the two has the target.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{bail, ensure, Context, Result};

use super::{apt, Need};
use crate::process;

/// The target of the chain's runtime.
pub const TARGET: &str = "wasm32v1-none";

/// The name by which rustup, and `runtime/build.rs`, know Debian's compiler.
const LINKED: &str = "debian";

/// Where Debian installs its compiler.
const PREFIX: &str = "/usr";

/// Debian's compiler with sources and with LLVM's tools; the linker's package depends on which LLVM.
const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm"];

/// The libraries of a target without an operating system.
const LIBRARIES: &[&str] = &["core", "alloc", "compiler_builtins"];

/// Needs all that the runtime's does: `core` and `alloc`, a linker, and libraries that can take part
/// in optimisation at link time.
const PROBE: &str = r#"#![no_std]
extern crate alloc;
use core::alloc::{GlobalAlloc, Layout};
struct Nothing;
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
#[global_allocator]
static NOTHING: Nothing = Nothing;
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
#[no_mangle]
pub extern "C" fn probe(n: u32) -> usize {
    (0..n).collect::<alloc::vec::Vec<_>>().len()
}
"#;

/// All that is compiled to get the libraries compiled.
const EMPTY: &str = "#![no_std]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
";

const EMPTY_MANIFEST: &str = r#"[package]
name = "empty"
edition = "2021"
[lib]
crate-type = ["cdylib"]
[profile.release]
panic = "abort"
[workspace]
"#;

pub struct WasmTarget;

impl Need for WasmTarget {
    fn name(&self) -> String {
        format!("the Rust target {TARGET}")
    }

    fn purpose(&self) -> &'static str {
        "compiles the chain's runtime"
    }

    fn is_met(&self) -> bool {
        works(&mut Command::new("rustc")) || works(&mut linked("rustc"))
    }

    fn meet(&self) -> Result<()> {
        if process::find("rustup").is_none() {
            bail!("there is no rustup here, and the compiler lacks the target");
        }
        let added = process::run(Command::new("rustup").args(["target", "add", TARGET]));
        if added.is_ok() && works(&mut Command::new("rustc")) {
            return Ok(());
        }
        eprintln!("setup: rustup can't add {TARGET} here, so Debian's compiler will do it");
        install_debian_compiler()?;
        install_libraries()
    }

    fn remedy(&self) -> String {
        format!(
            "make `rustup target add {TARGET}` work, or link another toolchain that has it: \
             `rustup toolchain link {LINKED} FOLDER`"
        )
    }
}

/// The cargo whose compiler has the target: the default one if it has it.
pub fn cargo() -> Command {
    if works(&mut Command::new("rustc")) {
        Command::new("cargo")
    } else {
        linked("cargo")
    }
}

fn linked(program: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", LINKED, program]);
    command
}

/// Compiles the probe.
fn works(rustc: &mut Command) -> bool {
    let Ok(scratch) = tempfile::tempdir() else {
        return false;
    };
    let source = scratch.path().join("probe.rs");
    if fs::write(&source, PROBE).is_err() {
        return false;
    }
    rustc
        .args([
            "--target",
            TARGET,
            "--crate-type",
            "cdylib",
            "--edition",
            "2021",
        ])
        .args(["-C", "panic=abort", "-C", "opt-level=1", "-C", "lto=fat"])
        .arg("-o")
        .arg(scratch.path().join("probe.wasm"))
        .arg(source);
    process::succeeds(rustc)
}

fn install_debian_compiler() -> Result<()> {
    apt::install(PACKAGES)?;
    // `rust-lld` is a link to a linker of another package, and which one changes with Debian.
    let link = Path::new(PREFIX).join("bin").join("rust-lld");
    let linker = fs::read_link(&link)
        .with_context(|| format!("can't see which linker {} stands for", link.display()))?;
    let package = linker.file_name().context("rust-lld leads nowhere")?;
    apt::install(&[&package.to_string_lossy()])?;
    process::run(Command::new("rustup").args(["toolchain", "link", LINKED, PREFIX]))
}

/// Compiles the target's libraries from the compiler's own sources, and puts them beside it.
fn install_libraries() -> Result<()> {
    let scratch = tempfile::tempdir().context("can't make a temporary folder")?;
    fs::create_dir(scratch.path().join("src"))?;
    fs::write(scratch.path().join("Cargo.toml"), EMPTY_MANIFEST)?;
    fs::write(scratch.path().join("src").join("lib.rs"), EMPTY)?;
    let mut build = linked("cargo");
    build
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "-Zbuild-std=core,alloc",
        ])
        .current_dir(scratch.path())
        .env("CARGO_TARGET_DIR", scratch.path().join("target"))
        // A released compiler builds its own libraries only when told to bootstrap.
        .env("RUSTC_BOOTSTRAP", "1")
        // The runtime is optimised across crates, libraries included, and that takes bitcode.
        .env("RUSTFLAGS", "-C embed-bitcode=yes");
    process::run(&mut build)?;

    let built = scratch
        .path()
        .join("target")
        .join(TARGET)
        .join("release")
        .join("deps");
    let libraries = libraries_in(&built)?;
    ensure!(
        libraries.len() == LIBRARIES.len(),
        "the compiler made {} libraries where {} were expected",
        libraries.len(),
        LIBRARIES.len()
    );
    let sysroot = process::read(linked("rustc").args(["--print", "sysroot"]))?;
    let installed = Path::new(&sysroot)
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib");
    process::run(apt::privileged("mkdir")?.arg("-p").arg(&installed))?;
    // Those of an earlier compiler would be in the way of these.
    for outdated in libraries_in(&installed)? {
        process::run(apt::privileged("rm")?.arg(outdated))?;
    }
    process::run(apt::privileged("cp")?.args(libraries).arg(&installed))
}

fn libraries_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    let mut libraries = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_library = LIBRARIES
            .iter()
            .any(|library| name.starts_with(&format!("lib{library}-")) && name.ends_with(".rlib"));
        if is_library {
            libraries.push(path);
        }
    }
    Ok(libraries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_in_finds_only_libraries_of_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = [
            "libcore-1a.rlib",
            "liballoc-2b.rlib",
            "libcompiler_builtins-3c.rlib",
        ];
        for name in wanted
            .iter()
            .chain(&["libcore-1a.rmeta", "libempty-4d.rlib", "core.d"])
        {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let mut found = libraries_in(folder.path()).unwrap();
        found.sort();
        let mut expected = wanted.map(|name| folder.path().join(name));
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn libraries_in_fails_when_the_folder_is_missing() {
        let error = libraries_in(Path::new("/no/such/folder")).expect_err("it is missing");
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }

    #[test]
    fn works_is_false_when_the_compiler_is_missing() {
        assert!(!works(&mut Command::new("no-such-compiler-here")));
    }
}
