//! The ready tasks, with the models that come with them; programs that misbehave; files from afar.

use assay_primitives::{Digest, SCORE_ONE};
use assay_protocol::{
    oip::{Tensor, TensorData},
    sha256,
};
use assay_validator::{
    score::{Posterior, Tally},
    task::{
        artifact::{fetch_into, FetchError},
        trial::{Questions, Trial},
        Item, JudgeError, Model, Seeds, Task, TaskError, TaskFolder, Truth,
    },
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

fn ready(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tasks")
        .join(name)
}

#[derive(serde::Deserialize)]
struct HeldOut {
    models: BTreeMap<String, HeldOutModel>,
}

#[derive(serde::Deserialize)]
struct HeldOutModel {
    accuracy: f64,
}

fn held_out(task: &str) -> BTreeMap<String, f64> {
    let text = fs::read(ready(task).join("models/heldout.json")).unwrap();
    let held_out: HeldOut = serde_json::from_slice(&text).unwrap();
    let models = held_out.models.into_iter();
    models.map(|(name, model)| (name, model.accuracy)).collect()
}

fn model(task: &str, name: &str) -> Model {
    let path = ready(task).join("models").join(name).join("1/model.onnx");
    Model::from_bytes(&fs::read(path).unwrap()).unwrap()
}

fn tried(task: &str, models: &[&str], rounds: u32) -> Vec<Trial> {
    let folder = TaskFolder::load(&ready(task)).unwrap();
    let built = Task::load(&folder).unwrap();
    let questions = Questions::draw(&folder, &built, rounds).unwrap();
    let tried = models
        .iter()
        .map(|name| questions.ask(&built, &model(task, name)).unwrap());
    tried.collect()
}

/// The interval that a validator would state for these scores.
fn interval(folder: &TaskFolder, trial: &Trial) -> (f64, f64) {
    let mut known = Posterior::default();
    let score: f64 = trial.scores.iter().sum();
    let tally = Tally {
        items: trial.scores.len() as u32,
        score: (score * f64::from(SCORE_ONE)) as u64,
        ..Tally::default()
    };
    known.update(&tally, &folder.score);
    known.interval(folder.score.credible_level)
}

#[test]
fn digits_are_judged_as_scikit_learn_judges_them() {
    // The very images of the benchmark, all of them, as they were published.
    let mut folder = TaskFolder::load(&ready("digits")).unwrap();
    folder.variation.ink_noise = 0;
    folder.queries.items_per_round = 719;
    folder.queries.shared_per_round = 0;
    folder.queries.repeats_per_round = 0;
    let built = Task::load(&folder).unwrap();
    let questions = Questions::draw(&folder, &built, 1).unwrap();
    for (name, accuracy) in held_out("digits") {
        let trial = questions.ask(&built, &model("digits", &name)).unwrap();
        assert!(
            (trial.mean() - accuracy).abs() < 1e-4,
            "{name}: {}",
            trial.mean()
        );
        let (low, high) = interval(&folder, &trial);
        assert!((low..=high).contains(&accuracy), "{name}: {low} to {high}");
    }
}

#[test]
fn friedman_gives_models_the_scores_that_scikit_learn_measured() {
    let stated = held_out("friedman");
    let names: Vec<&str> = stated.keys().map(String::as_str).collect();
    let folder = TaskFolder::load(&ready("friedman")).unwrap();
    for (trial, name) in tried("friedman", &names, 30).iter().zip(&names) {
        let error = trial.spread() / 30_f64.sqrt();
        assert!(
            (trial.mean() - stated[*name]).abs() < 4.0 * error,
            "{name}: {} where {} is stated",
            trial.mean(),
            stated[*name]
        );
        assert!(trial.mean() >= folder.scoring.chance(), "{name}");
    }
}

#[test]
fn filetype_tells_magika_from_models_that_know_less() {
    let stated = held_out("filetype");
    let names = ["tree-4", "byte-counts", "magika"];
    let trials = tried("filetype", &names, 2);
    for (trial, name) in trials.iter().zip(names) {
        // Two rounds: four standard errors of a share.
        let error = (stated[name] * (1.0 - stated[name]) / 128.0).sqrt();
        let found = trial.mean();
        assert!(
            (found - stated[name]).abs() < 4.0 * error + 0.01,
            "{name}: {found}"
        );
    }
    assert!(trials[2].mean() > trials[1].mean() && trials[1].mean() > trials[0].mean());
}

#[test]
fn letters_give_models_the_scores_that_scikit_learn_measured() {
    let stated = held_out("letters");
    let names: Vec<&str> = stated.keys().map(String::as_str).collect();
    for (trial, name) in tried("letters", &names, 8).iter().zip(&names) {
        // Eight rounds: four standard errors of a share.
        let error = (stated[*name] * (1.0 - stated[*name]) / 512.0).sqrt();
        let found = trial.mean();
        assert!(
            (found - stated[*name]).abs() < 4.0 * error,
            "{name}: {found}"
        );
    }
}

#[test]
fn agreement_takes_the_very_model_and_no_other() {
    let trials = tried("agreement", &["reference", "other"], 2);
    assert!(
        (trials[0].mean() - 1.0).abs() < 1e-9,
        "{}",
        trials[0].mean()
    );
    assert!(trials[1].mean() < 0.2, "{}", trials[1].mean());
}

#[test]
fn embeddings_are_as_similar_as_numpy_finds_them() {
    // All sentences of the benchmark; the large model is not committed.
    let mut folder = TaskFolder::load(&ready("embeddings")).unwrap();
    folder.queries.items_per_round = 200;
    folder.queries.shared_per_round = 0;
    folder.queries.repeats_per_round = 0;
    let built = Task::load(&folder).unwrap();
    let questions = Questions::draw(&folder, &built, 1).unwrap();
    let stated = held_out("embeddings");
    for name in ["static-8", "static-48", "static-128"] {
        let trial = questions.ask(&built, &model("embeddings", name)).unwrap();
        assert!(
            (trial.mean() - stated[name]).abs() < 5e-4,
            "{name}: {}",
            trial.mean()
        );
    }
}

#[test]
fn calibration_orders_models_by_their_probabilities() {
    let folder = TaskFolder::load(&ready("calibration")).unwrap();
    let built = Task::load(&folder).unwrap();
    let questions = Questions::draw(&folder, &built, 2).unwrap();
    let scores = ["naive-bayes", "logistic", "svc"].map(|name| {
        let trial = questions.ask(&built, &model("digits", name)).unwrap();
        trial.mean()
    });
    assert!(scores[0] < scores[1] && scores[1] < scores[2], "{scores:?}");
    assert!(scores[2] > 0.95, "{scores:?}");
}

#[test]
fn best_guess_is_what_ready_tasks_call_chance() {
    for name in ["digits", "letters", "friedman", "embeddings"] {
        let folder = TaskFolder::load(&ready(name)).unwrap();
        let built = Task::load(&folder).unwrap();
        let questions = Questions::draw(&folder, &built, 5).unwrap();
        let earned = questions.best_guess(&folder, &built).unwrap();
        let error = (earned * (1.0 - earned) / questions.variety().0 as f64).sqrt();
        let chance = built.chance();
        assert!((earned - chance).abs() < 4.0 * error, "{name}: {earned}");
    }
}

/// A task whose items come from `generator` and are judged by `judge`, both in Python.
fn programs(generator: &str, judge: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("generate.py"), generator).unwrap();
    fs::write(folder.path().join("judge.py"), judge).unwrap();
    let file = |table: &str, name: &str, text: &str| {
        format!(
            "[{table}]\ncommand = [\"python3\", \"{{file}}\"]\ntimeout_ms = 1500\nmemory_mib = 512\n\
             [{table}.file]\npath = \"{name}\"\nsha256 = \"{}\"\nsize = {}\n",
            Digest(sha256(text.as_bytes())),
            text.len()
        )
    };
    let text = format!(
        "name = \"t\"\n[interface]\n\
         inputs = [{{ name = \"X\", datatype = \"FP32\", shape = [-1, 1] }}]\n\
         outputs = [{{ name = \"y\", datatype = \"FP32\", shape = [-1, 1] }}]\n\
         [limits]\ndeadline_ms = 1000\nmax_batch = 8\n\
         [queries]\nitems_per_round = 4\nitems_per_request = 4\n\
         [score]\nhalf_life_rounds = 40.0\ncredible_level = 0.95\n\
         [scoring]\nrule = \"external\"\noutputs = [\"y\"]\n{}{}",
        file("scoring.program", "judge.py", judge),
        file("generator.program", "generate.py", generator)
    );
    fs::write(folder.path().join("task.toml"), text).unwrap();
    folder
}

const GENERATOR: &str = "import sys, json
for line in sys.stdin:
    asked = json.loads(line)
    first = int(asked['seed'][:2], 16)
    items = [{'inputs': {'X': [first + i]}, 'truth': {'due': first + i}} for i in range(asked['count'])]
    print(json.dumps({'items': items}), flush=True)
";

/// Does as the answer says.
const JUDGE: &str = "import sys, json, time
for line in sys.stdin:
    items = json.loads(line)['items']
    answers = [item['outputs']['y'][0] for item in items]
    if 1 in answers:
        sys.exit('I had enough')
    if 2 in answers:
        time.sleep(60)
    if 3 in answers:
        hog = bytearray(2 << 30)
    if 4 in answers:
        print(json.dumps({'unjudgeable': 'not that'}), flush=True)
        continue
    if 5 in answers:
        print('nonsense', flush=True)
        continue
    scores = [1.0 if item['truth']['due'] == y else 0.25 for item, y in zip(items, answers)]
    print(json.dumps({'scores': scores}), flush=True)
";

fn built(folder: &Path) -> Result<Task, TaskError> {
    Task::load(&TaskFolder::load(folder)?)
}

fn judged(task: &Task, due: f32, answer: f32) -> Result<Vec<u32>, JudgeError> {
    let item = Item {
        inputs: vec![TensorData::Fp32(vec![due])],
        truth: Truth::Json(format!("{{\"due\": {due}}}")),
    };
    let tensor = Tensor::new("y", vec![1, 1], TensorData::Fp32(vec![answer])).unwrap();
    task.judge(&[&item], &[tensor])
}

#[test]
fn program_makes_items_and_another_judges() {
    let folder = programs(GENERATOR, JUDGE);
    let task = built(folder.path()).unwrap();
    let seeds = Seeds {
        round: [9; 32],
        miner: [16; 32],
    };
    let queries = task.queries(&seeds, 4).unwrap();
    assert_eq!(queries[1].item.inputs, [TensorData::Fp32(vec![17.0])]);
    assert_eq!(judged(&task, 7.0, 7.0), Ok(vec![SCORE_ONE]));
    assert_eq!(judged(&task, 7.0, 8.0), Ok(vec![SCORE_ONE / 4]));
    assert_eq!(
        judged(&task, 7.0, 4.0),
        Err(JudgeError::Unjudgeable("not that".into()))
    );
}

#[test]
fn program_is_ended_and_started_again_when_it_misbehaves() {
    let folder = programs(GENERATOR, JUDGE);
    let task = built(folder.path()).unwrap();
    for (answer, reason) in [
        (1.0, "I had enough"),
        (2.0, "no answer within 1500 ms"),
        (3.0, "MemoryError"),
        (5.0, "can't be used"),
    ] {
        let judged_ill = judged(&task, 7.0, answer);
        let Err(JudgeError::Own(fault)) = judged_ill else {
            panic!("{judged_ill:?}")
        };
        assert!(fault.to_string().contains(reason), "{fault}");
        assert_eq!(
            judged(&task, 7.0, 7.0),
            Ok(vec![SCORE_ONE]),
            "after {reason}"
        );
    }
}

#[test]
fn task_is_refused_when_its_program_does_not_work() {
    let dead = programs("raise SystemExit('no library')", JUDGE);
    let error = built(dead.path()).err().unwrap().to_string();
    assert!(
        error.contains("no library") && error.contains("generate.py"),
        "{error}"
    );

    let short = GENERATOR.replace("range(asked['count'])", "range(0)");
    let error = built(programs(&short, JUDGE).path())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("0 items where 1"), "{error}");

    let changed = programs(GENERATOR, JUDGE);
    fs::write(changed.path().join("judge.py"), "import os").unwrap();
    let error = built(changed.path()).err().unwrap();
    assert!(matches!(error, TaskError::WrongDigest { .. }), "{error}");
}

/// A server that has `benchmark.csv` at every path, as HTTP servers and S3 with a custom endpoint do.
async fn server(content: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || async move {
        (
            [("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")],
            content,
        )
    };
    let router = axum::Router::new().fallback(serve);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

const ROWS: &str = "a,label\n1,0\n2,1\n";

fn far(uri: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "name = \"t\"\n[interface]\n\
         inputs = [{{ name = \"X\", datatype = \"FP32\", shape = [-1, 1] }}]\n\
         outputs = [{{ name = \"y\", datatype = \"INT64\", shape = [-1] }}]\n\
         [limits]\ndeadline_ms = 1000\nmax_batch = 8\n\
         [queries]\nitems_per_round = 2\nitems_per_request = 2\n\
         [score]\nhalf_life_rounds = 40.0\ncredible_level = 0.95\n\
         [scoring]\nrule = \"classification\"\noutput = \"y\"\nclasses = 2\n\
         [benchmark]\npath = \"rows.csv\"\nsha256 = \"{}\"\nsize = {}\nuri = \"{uri}\"\n",
        Digest(sha256(ROWS.as_bytes())),
        ROWS.len()
    );
    fs::write(folder.path().join("task.toml"), text).unwrap();
    folder
}

async fn fetched(uri: &str, cache: &Path) -> Result<usize, FetchError> {
    let folder = far(uri);
    fetch_into(&TaskFolder::load(folder.path()).unwrap(), cache).await
}

#[tokio::test]
async fn fetch_gets_files_once_and_checks_them() {
    let cache = tempfile::tempdir().unwrap();
    let url = format!("{}/rows.csv", server(ROWS).await);
    assert_eq!(fetched(&url, cache.path()).await.unwrap(), 1);
    assert_eq!(fetched(&url, cache.path()).await.unwrap(), 0);
    let kept = cache
        .path()
        .join(Digest(sha256(ROWS.as_bytes())).to_string());
    assert_eq!(fs::read_to_string(&kept).unwrap(), ROWS);
    // What was spoilt in the cache is fetched again.
    fs::write(&kept, "spoilt").unwrap();
    assert_eq!(fetched(&url, cache.path()).await.unwrap(), 1);

    let local = tempfile::tempdir().unwrap();
    let file = local.path().join("rows.csv");
    fs::write(&file, ROWS).unwrap();
    let other = tempfile::tempdir().unwrap();
    let url = format!("file://{}", file.display());
    assert_eq!(fetched(&url, other.path()).await.unwrap(), 1);
}

/// A bucket that gives its one object only to requests signed as those of S3 are.
async fn bucket() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let give = |headers: http::HeaderMap| async move {
        let signed = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 Credential=reader/"));
        let status = if signed {
            http::StatusCode::OK
        } else {
            http::StatusCode::FORBIDDEN
        };
        let dated = [("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")];
        (status, dated, ROWS)
    };
    let router = axum::Router::new().route("/tasks/digits/rows.csv", axum::routing::get(give));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn fetch_gets_files_from_a_bucket() {
    // As an operator names the endpoint and the credentials; no other test looks at these.
    std::env::set_var("AWS_ENDPOINT", bucket().await);
    std::env::set_var("AWS_ACCESS_KEY_ID", "reader");
    std::env::set_var("AWS_SECRET_ACCESS_KEY", "secret");
    let cache = tempfile::tempdir().unwrap();
    let found = fetched("s3://tasks/digits/rows.csv", cache.path()).await;
    assert_eq!(found.unwrap(), 1);
    let none = fetched(
        "s3://tasks/digits/other.csv",
        tempfile::tempdir().unwrap().path(),
    )
    .await;
    assert!(none.unwrap_err().to_string().contains("can't be fetched"));
}

#[tokio::test]
async fn fetch_says_what_is_wrong() {
    let cache = tempfile::tempdir().unwrap();
    let other = server("a,label\n1,0\n2,0\n").await;
    let longer = server("a,label\n1,0\n2,0\n3,1\n").await;
    for (uri, reason) in [
        (format!("{other}/rows.csv"), "another file"),
        (format!("{longer}/rows.csv"), "more than 16 bytes"),
        ("ftp://example.org/rows.csv".into(), "is not spoken here"),
        ("http://127.0.0.1:1/rows.csv".into(), "can't be fetched"),
    ] {
        let error = fetched(&uri, cache.path()).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{uri}: {error}");
    }
}
