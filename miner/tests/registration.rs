//! The service that keeps the chain's knowledge of the miner true, against a chain of the test's own.

use assay_miner::{
    chain::{Callers, Chain, ChainError, Neuron, Standing},
    config::TlsSettings,
    registration::{Registration, Seen, Wish, Wishes},
    tls::{Identity, Renewal},
};
use assay_primitives::{Balance, Endpoint, EndpointProtocol, ModelAnnouncement, Uid, ASY};
use assay_protocol::Hotkey;
use assay_telemetry::Shutdown;
use async_trait::async_trait;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};

/// A chain that does as it is told and remembers what was called.
#[derive(Default)]
struct TestChain(Mutex<State>);

#[derive(Default)]
struct State {
    away: bool,
    price: Balance,
    neuron: Option<Neuron>,
    calls: Vec<String>,
    /// The call that is refused.
    refused: Option<&'static str>,
}

impl TestChain {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
    }

    fn calls(&self) -> Vec<String> {
        self.0.lock().unwrap().calls.clone()
    }

    fn call(
        &self,
        name: &str,
        change: impl FnOnce(&mut State) -> Result<(), ChainError>,
    ) -> Result<(), ChainError> {
        let mut state = self.0.lock().unwrap();
        if state.away {
            return Err(ChainError::Away("the node can't be reached".into()));
        }
        state.calls.push(name.into());
        if state.refused == Some(name) {
            return Err(ChainError::Refused(
                "there is nothing to pay it with".into(),
            ));
        }
        change(&mut state)
    }
}

#[async_trait]
impl Chain for TestChain {
    async fn standing(&self) -> Result<Standing, ChainError> {
        let state = self.0.lock().unwrap();
        if state.away {
            return Err(ChainError::Away("the node can't be reached".into()));
        }
        Ok(Standing {
            neuron: state.neuron.clone(),
            registration_price: state.price,
            callers: callers(),
        })
    }

    async fn register(&self, max_price: Balance) -> Result<(), ChainError> {
        self.call("register", |state| {
            assert!(state.price <= max_price);
            state.neuron = Some(Neuron {
                uid: Uid(3),
                endpoint: None,
                model: None,
            });
            Ok(())
        })
    }

    async fn announce(&self, endpoint: &Endpoint) -> Result<(), ChainError> {
        self.call("announce", |state| match &mut state.neuron {
            Some(neuron) => {
                neuron.endpoint = Some(endpoint.clone());
                Ok(())
            }
            None => Err(ChainError::Refused("not registered".into())),
        })
    }

    async fn announce_model(&self, model: &ModelAnnouncement) -> Result<(), ChainError> {
        self.call("announce_model", |state| match &mut state.neuron {
            Some(neuron) => {
                neuron.model = Some(*model);
                Ok(())
            }
            None => Err(ChainError::Refused("not registered".into())),
        })
    }
}

fn callers() -> Callers {
    Callers {
        permits: HashSet::from([Hotkey([7; 32])]),
        ..Callers::default()
    }
}

fn endpoint(port: u16) -> Endpoint {
    let host = b"127.0.0.1".to_vec().try_into().unwrap();
    Endpoint {
        host,
        port,
        protocol: EndpointProtocol::Http,
        certificate: None,
    }
}

fn wish() -> Wish {
    Wish {
        max_price: Some(ASY),
        register_again: false,
        endpoint: Some(endpoint(8080)),
        model: ModelAnnouncement {
            sha256: [5; 32].into(),
            size: 9,
        },
    }
}

struct Running {
    chain: Arc<TestChain>,
    seen: watch::Receiver<Seen>,
    wishes: Wishes,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl Running {
    fn start(wish: Wish, state: State) -> Self {
        let chain = Arc::new(TestChain(Mutex::new(state)));
        let (sender, seen) = watch::channel(Seen::default());
        let (service, wishes) =
            Registration::new(Arc::clone(&chain) as Arc<dyn Chain>, wish, sender);
        let shutdown = Shutdown::new();
        let task = tokio::spawn(service.run(shutdown.clone()));
        Self {
            chain,
            seen,
            wishes,
            shutdown,
            task,
        }
    }

    /// Lets the service's own time pass; tests run on a paused clock.
    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// Waits until a block says all that is wished.
    async fn told(&self) {
        self.wishes.endpoint_told().await;
        self.wishes.model_told().await;
    }

    async fn end(self) -> Vec<String> {
        self.shutdown.trip();
        self.task.await.unwrap();
        self.chain.calls()
    }
}

#[tokio::test(start_paused = true)]
async fn run_registers_and_announces_once() {
    let running = Running::start(wish(), State::default());
    running.pass(300).await;
    assert_eq!(running.seen.borrow().callers, Some(callers()));
    assert_eq!(running.seen.borrow().turn, Some(Ok(Uid(3))));
    assert_eq!(
        running.end().await,
        ["register", "announce", "announce_model"]
    );
}

#[tokio::test(start_paused = true)]
async fn run_announces_only_what_differs() {
    let neuron = Neuron {
        uid: Uid(1),
        endpoint: Some(endpoint(8080)),
        model: None,
    };
    let running = Running::start(
        wish(),
        State {
            neuron: Some(neuron),
            ..State::default()
        },
    );
    running.pass(300).await;
    // Somebody announced another port with this key; ours is the truth.
    running
        .chain
        .set(|state| state.neuron.as_mut().unwrap().endpoint = Some(endpoint(1)));
    running.pass(300).await;
    assert_eq!(running.end().await, ["announce_model", "announce"]);
}

#[tokio::test(start_paused = true)]
async fn run_tries_again_when_the_node_is_away_at_the_start_or_in_the_middle() {
    let running = Running::start(
        wish(),
        State {
            away: true,
            ..State::default()
        },
    );
    running.pass(600).await;
    assert_eq!(running.seen.borrow().callers, None);
    let turn = running.seen.borrow().turn.clone();
    assert!(turn.unwrap().unwrap_err().is_away());
    assert!(running.chain.calls().is_empty());
    running.chain.set(|state| state.away = false);
    running.pass(120).await;
    assert_eq!(
        running.chain.calls(),
        ["register", "announce", "announce_model"]
    );
    running.chain.set(|state| state.away = true);
    running.pass(600).await;
    running.chain.set(|state| {
        state.away = false;
        state.neuron.as_mut().unwrap().model = None;
    });
    running.pass(120).await;
    let calls = running.end().await;
    assert_eq!(
        calls,
        ["register", "announce", "announce_model", "announce_model"]
    );
}

#[tokio::test(start_paused = true)]
async fn run_waits_when_the_price_is_above_the_limit() {
    let running = Running::start(
        wish(),
        State {
            price: ASY + 1,
            ..State::default()
        },
    );
    running.pass(600).await;
    assert!(running.chain.calls().is_empty());
    running.chain.set(|state| state.price = ASY);
    running.pass(120).await;
    assert_eq!(running.end().await.first().unwrap(), "register");
}

#[tokio::test(start_paused = true)]
async fn run_never_registers_when_no_price_is_set() {
    let running = Running::start(
        Wish {
            max_price: None,
            ..wish()
        },
        State::default(),
    );
    running.pass(600).await;
    assert!(running.end().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn run_pays_again_after_pruning_only_when_told_to() {
    for (register_again, registrations) in [(false, 1), (true, 2)] {
        let running = Running::start(
            Wish {
                register_again,
                ..wish()
            },
            State::default(),
        );
        running.pass(120).await;
        running.chain.set(|state| state.neuron = None);
        running.pass(600).await;
        let calls = running.end().await;
        assert_eq!(
            calls.iter().filter(|call| *call == "register").count(),
            registrations
        );
    }
}

#[tokio::test(start_paused = true)]
async fn change_is_announced_at_once_and_told_when_a_block_says_so() {
    let running = Running::start(wish(), State::default());
    running.told().await;
    running.pass(1).await;
    assert_eq!(running.chain.calls().len(), 3);
    running.chain.set(|state| state.away = true);
    let certificate = Endpoint {
        protocol: EndpointProtocol::Https,
        certificate: Some([1; 32].into()),
        ..endpoint(8080)
    };
    let wished = certificate.clone();
    running
        .wishes
        .change(move |wish| wish.endpoint = Some(wished));
    let waiting = tokio::time::timeout(Duration::from_secs(300), running.told());
    assert!(waiting.await.is_err(), "the chain is away");
    running.chain.set(|state| state.away = false);
    running.told().await;
    assert_eq!(running.chain.calls().last().unwrap(), "announce");
    let neuron = running.seen.borrow().neuron.clone();
    assert_eq!(neuron.unwrap().endpoint, Some(certificate));
    // Between two looks half a minute passes; a change does not wait for that.
    let now = tokio::time::Instant::now();
    running.wishes.change(|wish| wish.model.size = 10);
    running.told().await;
    assert!(now.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn run_announces_the_rest_when_one_announcement_is_refused() {
    for (refused, other) in [
        ("announce", "announce_model"),
        ("announce_model", "announce"),
    ] {
        let neuron = Neuron {
            uid: Uid(1),
            endpoint: None,
            model: None,
        };
        let state = State {
            neuron: Some(neuron),
            refused: Some(refused),
            ..State::default()
        };
        let running = Running::start(wish(), state);
        running.pass(120).await;
        let turn = running.seen.borrow().turn.clone().unwrap();
        let why = turn.unwrap_err().to_string();
        assert!(why.contains("nothing to pay it with"), "{why}");
        // What got through is known from the block behind it.
        let neuron = running.seen.borrow().neuron.clone().unwrap();
        let (endpoint, model) = (neuron.endpoint.is_some(), neuron.model.is_some());
        assert_eq!(
            (endpoint, model),
            (other == "announce", other != "announce")
        );
        let calls = running.end().await;
        assert_eq!(calls.iter().filter(|call| *call == other).count(), 1);
    }
}

/// A certificate with its key, and the files that they are in.
struct Certificate {
    settings: TlsSettings,
    _folder: tempfile::TempDir,
}

impl Certificate {
    fn new() -> (Self, Identity) {
        let folder = tempfile::tempdir().unwrap();
        let settings = TlsSettings {
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
        };
        let identity = Identity::open(&settings, "127.0.0.1").unwrap();
        let made = Self {
            settings,
            _folder: folder,
        };
        (made, identity)
    }

    /// Puts another one in its place.
    fn renew(&self) -> Identity {
        std::fs::remove_file(&self.settings.certificate).unwrap();
        Identity::open(&self.settings, "127.0.0.1").unwrap()
    }
}

fn over_tls(identity: &Identity) -> Endpoint {
    Endpoint {
        protocol: EndpointProtocol::Https,
        certificate: Some(identity.digest),
        ..endpoint(8080)
    }
}

#[tokio::test(start_paused = true)]
async fn certificate_is_shown_once_it_is_told_although_the_model_is_refused() {
    let (certificate, first) = Certificate::new();
    let endpoint = Some(over_tls(&first));
    let running = Running::start(Wish { endpoint, ..wish() }, State::default());
    running.told().await;
    let wishes = Some(running.wishes.clone());
    let (renewal, shown) = Renewal::new(certificate.settings.clone(), first.clone(), wishes);
    let renewing = tokio::spawn(renewal.run(running.shutdown.clone()));
    running.chain.set(|state| state.away = true);
    certificate.renew();
    running.pass(60).await;
    assert_eq!(shown.borrow().digest, first.digest);
    // What waits is another one once the files are.
    let last = certificate.renew();
    running.chain.set(|state| {
        state.refused = Some("announce_model");
        state.neuron.as_mut().unwrap().model = None;
    });
    running.pass(60).await;
    running.chain.set(|state| state.away = false);
    running.pass(120).await;
    let neuron = running.seen.borrow().neuron.clone().unwrap();
    assert_eq!(neuron.endpoint, Some(over_tls(&last)));
    assert_eq!(shown.borrow().digest, last.digest);
    running.end().await;
    renewing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn certificate_is_shown_at_once_when_no_one_is_told_of_it() {
    // Not registered and not to be, or registered without an address.
    for (endpoint, max_price) in [(Some(endpoint(8080)), None), (None, Some(ASY))] {
        let (certificate, first) = Certificate::new();
        let wish = Wish {
            endpoint,
            max_price,
            ..wish()
        };
        let running = Running::start(wish, State::default());
        running.pass(60).await;
        let wishes = Some(running.wishes.clone());
        let (renewal, shown) = Renewal::new(certificate.settings.clone(), first, wishes);
        let renewing = tokio::spawn(renewal.run(running.shutdown.clone()));
        let second = certificate.renew();
        running.pass(11).await;
        assert_eq!(shown.borrow().digest, second.digest);
        running.end().await;
        renewing.await.unwrap();
    }
}
