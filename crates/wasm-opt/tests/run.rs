//! Modules are assembled by hand: they are a few bytes, and a text format's compiler is not.

use std::{fs, path::PathBuf};

use tempfile::TempDir;
use wasm_opt::{OptimizationError, OptimizationOptions, Pass};

const HEADER: &[u8] = b"\0asm\x01\0\0\0";
const I32_CONST_1: [u8; 2] = [0x41, 0x01];
const DROP: u8 = 0x1a;

fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).expect("test sections are short");
    [&[id, length], contents].concat()
}

/// A custom section, which ends with `contents`.
fn custom(name: &str, contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(name.len()).expect("test names are short");
    section(0, &[&[length], name.as_bytes(), contents].concat())
}

/// A module with one function that takes and returns nothing.
fn module_with_body(instructions: &[u8]) -> Vec<u8> {
    let body = [&[0], instructions, &[0x0b]].concat();
    let length = u8::try_from(body.len()).expect("test bodies are short");
    [
        HEADER.to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[1, 0]),
        section(10, &[&[1, length], &body[..]].concat()),
    ]
    .concat()
}

fn plain_module() -> Vec<u8> {
    module_with_body(&[I32_CONST_1[0], I32_CONST_1[1], DROP])
}

struct Files {
    folder: TempDir,
}

impl Files {
    fn with_input(module: &[u8]) -> Self {
        let files = Self {
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
        };
        fs::write(files.input(), module).expect("the temporary folder can be written to");
        files
    }

    fn input(&self) -> PathBuf {
        self.folder.path().join("in.wasm")
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("out.wasm")
    }

    /// The calls that the Wasm builder makes for a release build.
    fn run(&self) -> Result<Vec<u8>, OptimizationError> {
        OptimizationOptions::new_opt_level_0()
            .mvp_features_only()
            .debug_info(true)
            .add_pass(Pass::StripDwarf)
            .add_pass(Pass::SignextLowering)
            .run(self.input(), self.output())?;
        Ok(fs::read(self.output()).expect("a successful run writes its output"))
    }

    #[track_caller]
    fn assert_refused(&self, reason: &str) {
        let error = self.run().expect_err("the module must be refused");
        let message = error.to_string();
        assert!(
            matches!(error, OptimizationError::Invalid { .. }),
            "{message}"
        );
        assert!(message.contains(reason), "{message}");
        assert!(message.contains("wasm32v1-none"), "{message}");
        assert!(
            !self.output().exists(),
            "a refused module must not be written"
        );
    }
}

#[test]
fn run_copies_module_when_it_is_plain() {
    let module = plain_module();
    assert_eq!(Files::with_input(&module).run().unwrap(), module);
}

#[test]
fn run_copies_module_when_it_exports_a_mutable_global() {
    let global = section(6, &[1, 0x7f, 1, I32_CONST_1[0], I32_CONST_1[1], 0x0b]);
    let export = section(7, &[1, 1, b'g', 3, 0]);
    let module = [HEADER, &global, &export].concat();
    assert_eq!(Files::with_input(&module).run().unwrap(), module);
}

#[test]
fn run_keeps_module_when_output_is_input() {
    let module = plain_module();
    let files = Files::with_input(&module);
    OptimizationOptions::new_opt_level_0()
        .add_pass(Pass::SignextLowering)
        .debug_info(true)
        .run(files.input(), files.input())
        .unwrap();
    assert_eq!(fs::read(files.input()).unwrap(), module);
}

#[test]
fn run_drops_only_dwarf_when_asked_to_strip_it() {
    let names = custom("name", &[]);
    let version = custom("runtime_version", &[1, 2, 3]);
    let module = plain_module();
    let with_dwarf = [
        module.clone(),
        custom(".debug_info", &[7; 40]),
        names.clone(),
        custom(".debug_str", b"text"),
        version.clone(),
    ]
    .concat();
    let stripped = Files::with_input(&with_dwarf).run().unwrap();
    assert_eq!(stripped, [module, names, version].concat());
}

#[test]
fn run_fails_when_module_uses_simd() {
    let mut v128_const = vec![0xfd, 0x0c];
    v128_const.extend([0; 16]);
    v128_const.push(DROP);
    Files::with_input(&module_with_body(&v128_const)).assert_refused("SIMD");
}

#[test]
fn run_fails_when_module_uses_reference_types() {
    let externref_table = section(4, &[1, 0x6f, 0, 1]);
    Files::with_input(&[HEADER, &externref_table].concat()).assert_refused("reference types");
}

#[test]
fn run_fails_when_module_extends_signs() {
    let i32_extend8_s = [I32_CONST_1[0], I32_CONST_1[1], 0xc0, DROP];
    Files::with_input(&module_with_body(&i32_extend8_s)).assert_refused("sign extension");
}

#[test]
fn run_fails_when_module_is_truncated() {
    let module = plain_module();
    Files::with_input(&module[..module.len() - 1]).assert_refused("unexpected end");
}

#[test]
fn run_fails_when_file_is_not_wasm() {
    Files::with_input(b"\x7fELF\x02\x01\x01\0").assert_refused("magic header");
}

#[test]
fn run_fails_when_input_is_missing() {
    let files = Files::with_input(b"");
    fs::remove_file(files.input()).unwrap();
    let error = files.run().expect_err("there is nothing to read");
    assert!(matches!(error, OptimizationError::Read { .. }), "{error}");
    assert!(error.to_string().contains("in.wasm"), "{error}");
}

#[test]
fn run_fails_when_output_folder_is_missing() {
    let files = Files::with_input(&plain_module());
    let output = files.folder.path().join("missing").join("out.wasm");
    let error = OptimizationOptions::new_opt_level_0()
        .run(files.input(), output)
        .expect_err("there is nowhere to write");
    assert!(matches!(error, OptimizationError::Write { .. }), "{error}");
}
