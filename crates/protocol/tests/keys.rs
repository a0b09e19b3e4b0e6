use assay_protocol::{keys::KeyError, keys::KeySource, Keypair, Scheme};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const DEV_PHRASE: &str =
    "bottom drive obey lake curtain smoke basket hold race lonely fit walk//Alice";

// Exported by @polkadot/keyring from the development phrase with `//Assay`.
const KEYSTORE: &str = include_str!("fixtures/keystore.json");
const KEYSTORE_PASSWORD: &str = "mercury, sulphur, salt";

fn file(dir: &Path, name: &str, text: &str, mode: u32) -> KeySource {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    KeySource {
        file: Some(path),
        ..KeySource::default()
    }
}

#[test]
fn load_reads_a_uri_a_phrase_and_a_seed() {
    let dir = tempfile::tempdir().unwrap();
    let from_uri = KeySource::suri("//Alice").load().unwrap();
    assert_eq!(from_uri.hotkey().to_string(), ALICE);
    let from_phrase = file(dir.path(), "phrase", &format!("{DEV_PHRASE}\n"), 0o600)
        .load()
        .unwrap();
    assert_eq!(from_phrase.hotkey(), from_uri.hotkey());

    let mut seed = file(dir.path(), "seed", &format!("0x{}", "07".repeat(32)), 0o400);
    seed.scheme = Scheme::Ed25519;
    assert_eq!(
        seed.load().unwrap().hotkey(),
        Keypair::from_ed25519_seed([7; 32]).hotkey()
    );
}

#[test]
fn load_reads_a_keystore_with_its_password() {
    let dir = tempfile::tempdir().unwrap();
    let mut source = file(dir.path(), "hotkey.json", KEYSTORE, 0o600);
    let error = source.load().unwrap_err();
    assert!(error.to_string().contains("password_file"), "{error}");
    source.password_file = file(dir.path(), "wrong", "mercury, sulphur", 0o600).file;
    let error = source.load().unwrap_err();
    assert!(error.to_string().contains("password is wrong"), "{error}");
    source.password_file = file(
        dir.path(),
        "right",
        &format!("{KEYSTORE_PASSWORD}\n"),
        0o600,
    )
    .file;
    assert_eq!(
        source.load().unwrap().hotkey(),
        Keypair::from_suri(&DEV_PHRASE.replace("//Alice", "//Assay"), Scheme::Sr25519)
            .unwrap()
            .hotkey()
    );
}

#[test]
fn load_is_refused_when_others_can_read_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let error = file(dir.path(), "hotkey", "//Alice", 0o640)
        .load()
        .unwrap_err();
    assert!(matches!(error, KeyError::Exposed { .. }));
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn load_takes_what_a_group_reads_when_systemd_handed_it_over() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::env::set_var("CREDENTIALS_DIRECTORY", dir.path());
    let credential = file(dir.path(), "hotkey", "//Alice", 0o440).load();
    let open_to_all = file(dir.path(), "open", "//Alice", 0o444).load();
    let no_credential = file(elsewhere.path(), "hotkey", "//Alice", 0o440).load();
    std::env::remove_var("CREDENTIALS_DIRECTORY");
    assert_eq!(credential.unwrap().hotkey().to_string(), ALICE);
    for refused in [open_to_all, no_credential] {
        assert!(matches!(refused, Err(KeyError::Exposed { .. })));
    }
}

#[test]
fn load_is_refused_when_the_source_is_missing_twofold_or_nonsense() {
    let missing = KeySource::default().load().unwrap_err();
    assert!(missing.to_string().contains("`file`"), "{missing}");
    let dir = tempfile::tempdir().unwrap();
    let mut both = file(dir.path(), "hotkey", "//Alice", 0o600);
    both.suri = KeySource::suri("//Bob").suri;
    assert!(matches!(both.load(), Err(KeyError::Twice)));
    let gone = KeySource {
        file: Some(dir.path().join("gone")),
        ..KeySource::default()
    };
    assert!(matches!(gone.load(), Err(KeyError::Unreadable { .. })));
    for text in [
        "",
        "not a phrase",
        "0x12",
        "{",
        "{}",
        r#"{"encoded":"AAAA"}"#,
    ] {
        let error = file(dir.path(), "nonsense", text, 0o600)
            .load()
            .unwrap_err();
        match error {
            KeyError::UnusableFile { path, .. } => assert!(path.ends_with("nonsense")),
            KeyError::Unusable(why) => assert!(why.contains("password_file"), "{text}: {why}"),
            other => panic!("{text}: {other}"),
        }
    }
    let long = file(dir.path(), "model.onnx", &"x".repeat(70_000), 0o600)
        .load()
        .unwrap_err();
    assert!(long.to_string().contains("too large"), "{long}");
    let ed = Keypair::from_suri("//Alice", Scheme::Ed25519).unwrap_err();
    assert!(ed.to_string().contains("64 hex digits"), "{ed}");
}

#[test]
fn secrets_are_redacted_when_printed() {
    let source = KeySource::suri("correct horse battery staple");
    assert!(!format!("{source:?}").contains("horse"));
    assert!(!serde_json::to_string(&source).unwrap().contains("horse"));
    let key = KeySource::suri("//Alice").load().unwrap();
    assert_eq!(format!("{key:?}"), format!("Keypair(sr25519 {ALICE})"));
}
