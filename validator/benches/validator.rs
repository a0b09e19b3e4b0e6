//! What a round costs: 256 miners, 32 queries each, over real sockets with real signatures.
//!
//! The miners answer from a process of their own, so that what is measured is the validator alone:
//! its processor time, its peak memory, what goes over the wire and onto the disk, and what it takes
//! to sum up a round that is old. Then what one read of a metagraph of 4,096 neurons comes to.
//! `cargo xtask bench validator` runs it and puts the table that it prints into docs/performance.md.

use assay_primitives::{
    Announced, Digest, Endpoint, EndpointProtocol, EpochIndex, Generation, Hyperparameters,
    Metagraph, ModelAnnouncement, NetUid, Serial, TaskVersion,
};
use assay_protocol::{
    handshake::{ServedModel, Welcome, PATH, PROTOCOL},
    keys::{Keypair, Scheme},
    oip::{header_length, InferRequest, InferResponse, Tensor, TensorData, HEADER_LENGTH},
    sign_receipt, verify_request, Clock as _, Policy, SystemClock as ProtocolClock,
};
use assay_validator::{
    chain::{Miner, Snapshot},
    peers::HttpPeers,
    ports::SystemClock,
    round::{RoundOutcome, RoundRunner, RoundStart},
    scoring::{scores, Rules},
    store::{Owner, Store},
    task::{built_in, probes::Memory, TaskFolder},
    weights::row,
};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::get,
    Router,
};
use codec::{Decode as _, Encode as _};
use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

const MINERS: u16 = 256;
const QUERIES: u32 = 32;
const ROUNDS: u64 = 5;
const NEURONS: usize = 4096;
/// Tells the process that answers from the one that asks.
const ROLE: &str = "ASSAY_BENCH_MINERS";

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if std::env::var_os(ROLE).is_some() {
        runtime.block_on(answer_for_ever());
    } else if std::env::args().any(|argument| argument == "--bench") {
        // Only `cargo bench` says so. Whoever lists or runs tests finds none here.
        runtime.block_on(measure());
    }
}

fn key(uid: u16) -> Keypair {
    Keypair::from_suri(&format!("//miner{uid}"), Scheme::Sr25519).expect("a key")
}

struct Server {
    key: Keypair,
    bytes: Arc<AtomicU64>,
}

/// Serves all miners, and prints their ports, and last that of the count of bytes.
async fn answer_for_ever() {
    let bytes = Arc::new(AtomicU64::new(0));
    for uid in 0..MINERS {
        let server = Arc::new(Server {
            key: key(uid),
            bytes: bytes.clone(),
        });
        let router = Router::new().fallback(answer).with_state(server);
        serve(router).await;
    }
    let count = move || {
        let taken = bytes.swap(0, Ordering::Relaxed);
        async move { taken.to_string() }
    };
    serve(Router::new().route("/", get(count))).await;
    std::future::pending().await
}

async fn serve(router: Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    tokio::spawn(async move { axum::serve(listener, router).await });
}

fn size_of(headers: &HeaderMap) -> u64 {
    // Name, colon, blank, value, line break.
    let lines = headers.iter();
    lines
        .map(|(name, value)| (name.as_str().len() + value.len() + 4) as u64)
        .sum()
}

async fn answer(
    State(server): State<Arc<Server>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = ProtocolClock.now();
    let policy = Policy::new(server.key.hotkey());
    let Ok(request) = verify_request(&method, uri.path(), &headers, &body, &policy, now) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let mut answered = HeaderMap::new();
    let bytes = if uri.path() == PATH {
        welcome(&server)
    } else {
        labels(&headers, &body, &mut answered)
    };
    sign_receipt(
        &server.key,
        &request.record,
        200,
        &mut answered,
        &bytes,
        now,
    )
    .expect("signed");
    let asked = size_of(&headers) + uri.path().len() as u64 + 16 + body.len() as u64;
    let said = size_of(&answered) + bytes.len() as u64 + 60;
    server.bytes.fetch_add(asked + said, Ordering::Relaxed);
    (StatusCode::OK, answered, bytes).into_response()
}

fn welcome(server: &Server) -> Vec<u8> {
    let welcome = Welcome {
        protocol: PROTOCOL.into(),
        hotkey: server.key.hotkey(),
        software: "bench".into(),
        models: vec![ServedModel {
            name: "digits".into(),
            version: "1".into(),
            sha256: Digest([7; 32]),
            size: 1,
        }],
    };
    serde_json::to_vec(&welcome).expect("JSON")
}

fn labels(headers: &HeaderMap, body: &[u8], answered: &mut HeaderMap) -> Vec<u8> {
    let length = header_length(headers).expect("a length");
    let request = InferRequest::decode(body, length).expect("a request");
    let count = request.inputs[0].shape()[0];
    let label = TensorData::Int64(vec![3; count]);
    let sure = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let sure = TensorData::Fp32(sure.repeat(count));
    let response = InferResponse {
        model_name: "digits".into(),
        outputs: vec![
            Tensor::new("label", vec![count], label).expect("a tensor"),
            Tensor::new("probabilities", vec![count, 10], sure).expect("a tensor"),
        ],
        ..InferResponse::default()
    };
    let encoded = response.encode(&request).expect("encoded");
    if let Some(length) = encoded.header_length {
        answered.insert(HEADER_LENGTH, length.into());
    }
    encoded.body
}

async fn measure() {
    let mut answering = Command::new(std::env::current_exe().expect("this program"))
        .env(ROLE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the miners");
    let ports = ports(&mut answering);
    let single = rounds(&ports, 1).await;
    let batched = rounds(&ports, QUERIES as u16).await;
    answering.kill().expect("the miners end");
    answering.wait().expect("the miners end");
    print(&single, &batched);
    metagraph();
}

/// What a round came to, in the mean.
struct Figures {
    requests: u32,
    items: u16,
    wall_s: f64,
    processor_s: f64,
    wire_mb: f64,
    disk_mb: f64,
    peak_mb: f64,
    summed_up_ms: f64,
}

fn print(single: &Figures, batched: &Figures) {
    let line = |what: &str, of: fn(&Figures) -> f64, digits: usize, unit: &str| {
        let (single, batched) = (of(single), of(batched));
        println!("| {what} | {single:.digits$} {unit} | {batched:.digits$} {unit} |");
    };
    println!(
        "| a round of {MINERS} miners × {QUERIES} items | {} requests of {} item | {} requests of {} \
         items |\n| --- | ---: | ---: |",
        single.requests, single.items, batched.requests, batched.items
    );
    line(
        "processor time of the validator",
        |it| it.processor_s,
        2,
        "s",
    );
    line("wall time", |it| it.wall_s, 2, "s");
    line(
        "over the wire, both ways, TCP not counted",
        |it| it.wire_mb,
        1,
        "MB",
    );
    line("onto the disk", |it| it.disk_mb, 1, "MB");
    line("peak memory of the process", |it| it.peak_mb, 0, "MB");
    line(
        "summing it up when it is old",
        |it| it.summed_up_ms,
        1,
        "ms",
    );
}

fn ports(answering: &mut Child) -> Vec<u16> {
    let output = BufReader::new(answering.stdout.take().expect("a pipe"));
    let lines = output.lines().take(usize::from(MINERS) + 1);
    lines
        .map(|line| line.expect("a line").parse().expect("a port"))
        .collect()
}

async fn rounds(ports: &[u16], items_per_request: u16) -> Figures {
    let tasks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/digits");
    let mut folder = TaskFolder::load(&tasks).expect("the task");
    folder.queries.items_per_request = items_per_request;
    folder.limits.deadline_ms = 10_000;
    let own = Keypair::from_suri("//Validator", Scheme::Sr25519).expect("a key");
    let hotkey = own.hotkey().0;
    let clock = Arc::new(SystemClock);
    let runner = RoundRunner {
        task: built_in(&folder).expect("the task"),
        name: folder.name.clone(),
        queries: folder.queries,
        deadline: Duration::from_millis(folder.limits.deadline_ms.into()),
        peers: Arc::new(HttpPeers::new(own, clock.clone(), Vec::new()).expect("a client")),
        clock,
        miners_at_once: 32,
        requests_at_once: 4,
        memory: Memory::default(),
    };
    let state = tempfile::tempdir().expect("a folder");
    let file = state.path().join("state.sqlite");
    let snapshot = snapshot(usize::from(MINERS), ports);
    let owner = Owner {
        genesis: snapshot.genesis,
        netuid: NetUid(1),
        hotkey,
    };
    let store = Store::open(&file, owner).await.expect("a store");
    let miners: Vec<(Miner, u32)> = snapshot
        .miners(&hotkey)
        .into_iter()
        .map(|miner| (miner, QUERIES))
        .collect();
    counted(ports).await;
    forget_peak();
    let (processor, started) = (processor_seconds(), Instant::now());
    for number in 1..=ROUNDS {
        let mut start = RoundStart::new(&snapshot, 0, 0);
        start.block_hash = Digest([number as u8; 32]);
        start.round = store
            .begin_round(&start)
            .await
            .expect("begun")
            .expect("new");
        let outcome = runner.run(start, &[5; 32], miners.clone()).await;
        assert_answered(&outcome);
        let deadline = runner.deadline;
        store
            .record_round(outcome, folder.score, deadline)
            .await
            .expect("recorded");
        let (_, known) = store.known().await.expect("known");
        let rules = Rules {
            score: folder.score,
            weights: folder.weights,
            chance: 0.1,
        };
        let scores = scores(&snapshot, &hotkey, &known, &rules);
        row(scores.iter(), &rules.weights).expect("a row");
    }
    let each = |total: f64| total / ROUNDS as f64;
    let disk = std::fs::read_dir(state.path()).expect("a folder");
    let disk: u64 = disk
        .map(|it| it.expect("a file").metadata().expect("a size").len())
        .sum();
    let figures = Figures {
        requests: QUERIES.div_ceil(items_per_request.into()) * u32::from(MINERS),
        items: items_per_request,
        wall_s: each(started.elapsed().as_secs_f64()),
        processor_s: each(processor_seconds() - processor),
        wire_mb: each(counted(ports).await as f64) / 1e6,
        disk_mb: each(disk as f64) / 1e6,
        peak_mb: peak_megabytes(),
        summed_up_ms: 0.0,
    };
    let started = Instant::now();
    store.forget_before(1).await.expect("summed up");
    let old = (ROUNDS - 1) as f64;
    Figures {
        summed_up_ms: started.elapsed().as_secs_f64() * 1e3 / old,
        ..figures
    }
}

fn assert_answered(outcome: &RoundOutcome) {
    let requests = outcome.miners.iter().flat_map(|miner| &miner.requests);
    let failed = requests.filter_map(|request| request.result.as_ref().err());
    let failed: Vec<String> = failed.map(ToString::to_string).collect();
    assert!(
        failed.is_empty(),
        "a round that is measured must go well: {failed:?}"
    );
}

/// Bytes that went over the wire since the last time.
async fn counted(ports: &[u16]) -> u64 {
    let port = ports.last().expect("the count's port");
    let page = reqwest::get(format!("http://127.0.0.1:{port}/")).await;
    let text = page.expect("a page").text().await.expect("a text");
    text.parse().expect("a number")
}

/// One read: decoded, and every miner taken out of it.
fn metagraph() {
    let snapshot = snapshot(NEURONS, &[1; NEURONS]);
    let bytes = snapshot.metagraph.encode();
    let started = Instant::now();
    let times = 20;
    for _ in 0..times {
        let metagraph = Metagraph::<[u8; 32]>::decode(&mut &bytes[..]).expect("a metagraph");
        let read = Snapshot {
            metagraph,
            ..snapshot.clone()
        };
        assert_eq!(read.miners(&[0xff; 32]).len(), NEURONS);
    }
    let each = started.elapsed().as_secs_f64() / f64::from(times);
    println!(
        "\nA metagraph of {NEURONS} neurons is one read of {:.0} KB, decoded and gone through in {:.1} \
         ms.\n",
        bytes.len() as f64 / 1e3,
        each * 1e3
    );
}

fn snapshot(neurons: usize, ports: &[u16]) -> Snapshot {
    let hotkey = |uid: usize| match neurons == usize::from(MINERS) {
        true => key(uid as u16).hotkey().0,
        // Nobody asks these: they only have to differ.
        false => [uid.to_le_bytes(); 4]
            .concat()
            .try_into()
            .expect("32 bytes"),
    };
    let hotkeys: Vec<[u8; 32]> = (0..neurons).map(hotkey).collect();
    let metagraph = Metagraph {
        netuid: NetUid(1),
        generation: Generation(0),
        block: 100,
        epoch: EpochIndex(3),
        last_epoch_at: 90,
        next_epoch_at: 450,
        task_version: TaskVersion(0),
        hyperparameters: Hyperparameters::new(360),
        coldkeys: hotkeys.clone(),
        hotkeys,
        serials: (0..neurons as u64).map(Serial).collect(),
        registered_at: vec![0; neurons],
        immune: vec![false; neurons],
        stake: vec![1 << 60; neurons],
        permits: vec![false; neurons],
        active: vec![false; neurons],
        last_update: vec![Some(80); neurons],
        consensus: vec![1 << 20; neurons],
        trust: vec![1 << 20; neurons],
        validator_trust: vec![0; neurons],
        incentive: vec![1 << 20; neurons],
        dividends: vec![0; neurons],
        emission: vec![1 << 40; neurons],
        earned: vec![1 << 50; neurons],
        endpoints: ports
            .iter()
            .take(neurons)
            .map(|port| Some(endpoint(*port)))
            .collect(),
        models: vec![
            Some(Announced {
                what: ModelAnnouncement {
                    sha256: Digest([7; 32]),
                    size: 1,
                },
                at: 5,
            });
            neurons
        ],
    };
    Snapshot {
        genesis: Digest([0xee; 32]),
        block_hash: Digest([1; 32]),
        time_ms: None,
        metagraph,
        own_commits: Vec::new(),
    }
}

fn endpoint(port: u16) -> Announced<Endpoint> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let host = address.ip().to_string().into_bytes();
    Announced {
        what: Endpoint {
            host: host.try_into().expect("short"),
            port,
            protocol: EndpointProtocol::Http,
            certificate: None,
        },
        at: 5,
    }
}

/// Processor time of this process so far, user's and system's.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    // The name before it may hold blanks; fields 14 and 15 are counted in hundredths of a second.
    let after = stat.rsplit_once(") ").expect("a stat line").1;
    let fields: Vec<&str> = after.split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / 100.0
}

/// Lets the peak of memory begin anew, so that it is that of what follows.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
}

fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes
        .and_then(|text| text.parse::<f64>().ok())
        .expect("a number")
        / 1e3
}
