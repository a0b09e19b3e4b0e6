//! Builds the runtime's Wasm, with a toolchain that can.
//!
//! The Wasm needs a compiler that has the `wasm32v1-none` target installed. Rustup can usually add
//! it to the default toolchain; where it can't, `cargo xtask setup` prepares Debian's compiler and
//! links it to rustup as `debian`. The choice is made here, not in an environment variable that
//! everyone would have to remember, so that a plain `cargo build` works. Whoever sets
//! `WASM_BUILD_TOOLCHAIN` overrules it.

#[cfg(feature = "std")]
fn main() {
    match toolchain::choose() {
        Ok(choice) => {
            // Clippy's stand-in for the compiler belongs to the default toolchain and knows only
            // that one's targets. The Wasm is checked as native code already.
            std::env::remove_var("RUSTC_WORKSPACE_WRAPPER");
            if let toolchain::Choice::Linked(name) = choice {
                std::env::set_var(toolchain::OVERRIDE, name);
            }
            substrate_wasm_builder::WasmBuilder::build_using_defaults();
        }
        // Cargo prints this line alone, where a failing exit status would bury it in output.
        Err(message) => println!("cargo::error={message}"),
    }
}

#[cfg(not(feature = "std"))]
fn main() {}

#[cfg(feature = "std")]
mod toolchain {
    use std::{
        env,
        ffi::OsString,
        path::{Path, PathBuf},
        process::Command,
    };

    /// Read by the Wasm builder: the rustup toolchain to use instead of the default one.
    pub const OVERRIDE: &str = "WASM_BUILD_TOOLCHAIN";

    /// The name under which `cargo xtask setup` links Debian's compiler.
    const LINKED: &str = "debian";

    const TARGET: &str = "wasm32v1-none";

    pub enum Choice {
        /// Whatever the Wasm builder takes by itself.
        Default,
        /// The rustup toolchain of this name.
        Linked(&'static str),
    }

    /// Prefers the default toolchain: it is the one that the user updates.
    pub fn choose() -> Result<Choice, String> {
        let decided_elsewhere = env::var_os("SKIP_WASM_BUILD").is_some()
            || env::var_os(OVERRIDE).is_some()
            || env::var_os("DOCS_RS").is_some();
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
        if decided_elsewhere || has_target(Command::new(rustc)) {
            return Ok(Choice::Default);
        }
        let mut linked = Command::new("rustup");
        linked.args(["run", LINKED, "rustc"]);
        if has_target(linked) {
            return Ok(Choice::Linked(LINKED));
        }
        Err(format!(
            "no installed compiler can build for {TARGET}, which the runtime's Wasm needs: \
             run `cargo xtask setup`, or set {OVERRIDE} to a rustup toolchain that can"
        ))
    }

    /// Asks the compiler where the target's libraries would be, and looks whether they are there.
    fn has_target(mut rustc: Command) -> bool {
        let Ok(output) = rustc
            .args(["--print", "target-libdir", "--target", TARGET])
            .output()
        else {
            return false;
        };
        let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        output.status.success() && has_core(&directory)
    }

    fn has_core(directory: &Path) -> bool {
        directory.read_dir().is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
            })
        })
    }
}
