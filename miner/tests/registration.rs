//! The service that keeps the chain's knowledge of the miner true, against a chain of the test's own.

use assay_miner::{
    chain::{Callers, Chain, ChainError, Neuron, Standing},
    registration::{Registration, Seen, Wish, Wishes},
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
async fn change_is_announced_at_once_and_fulfilled_when_a_block_says_so() {
    let running = Running::start(wish(), State::default());
    running.wishes.fulfilled().await;
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
    let waiting = tokio::time::timeout(Duration::from_secs(300), running.wishes.fulfilled());
    assert!(waiting.await.is_err(), "the chain is away");
    running.chain.set(|state| state.away = false);
    running.wishes.fulfilled().await;
    assert_eq!(running.chain.calls().last().unwrap(), "announce");
    let neuron = running.seen.borrow().neuron.clone();
    assert_eq!(neuron.unwrap().endpoint, Some(certificate));
    // Between two looks half a minute passes; a change does not wait for that.
    let now = tokio::time::Instant::now();
    running.wishes.change(|wish| wish.model.size = 10);
    running.wishes.fulfilled().await;
    assert!(now.elapsed() < Duration::from_secs(1));
}
