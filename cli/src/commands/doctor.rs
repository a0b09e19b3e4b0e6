//! `assay doctor`: what stands in the way of taking part, looked at from this machine.

use crate::{
    node::Node,
    output::{asy, share, Format},
};
use anyhow::{bail, Context as _, Result};
use assay_chain_client::{AccountId32, Snapshot};
use assay_primitives::{Digest, Endpoint, Metagraph, NetUid, Uid};
use assay_protocol::{Hotkey, Keypair};
use assay_validator::{
    chain::Miner,
    peers::{Failure, HttpPeers, Peers as _},
    ports::{Clock, SystemClock},
};
use serde::Serialize;
use std::sync::Arc;

/// How far this clock may be behind the chain's, in milliseconds: validators and miners refuse what
/// comes from the future.
const BEHIND_MS: u64 = 5_000;
/// How old the newest final block may be, in milliseconds: ten blocks of the main network.
const STALE_MS: u64 = 60_000;

/// Look for what stands in the way of taking part
///
/// Looks at the node, this machine's clock and ONNX Runtime and, if a subnet and a hotkey are named,
/// at the neuron as others see it: its place, what it announced, and whether a stranger reaches it
/// there. Changes nothing. Ends with an error if anything is bad.
#[derive(clap::Args)]
pub struct Doctor {
    /// The subnet of the neuron to look at
    #[arg(long, requires = "hotkey")]
    netuid: Option<NetUid>,
    /// The neuron's hotkey, as an SS58 address
    #[arg(long, requires = "netuid")]
    hotkey: Option<Hotkey>,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    /// It need not be wrong.
    Note,
    Bad,
}

/// What was looked at and what was found.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    found: String,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self::of(what, Verdict::Good, found)
    }

    fn note(what: &'static str, found: impl Into<String>) -> Self {
        Self::of(what, Verdict::Note, found)
    }

    fn bad(what: &'static str, found: impl Into<String>) -> Self {
        Self::of(what, Verdict::Bad, found)
    }

    fn of(what: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self {
            what,
            verdict,
            found: found.into(),
        }
    }
}

impl Doctor {
    pub async fn run(self) -> Result<()> {
        let mut findings = vec![onnx_runtime()];
        match self.chain(&mut findings).await {
            Ok(Some(snapshot)) => {
                if let Err(why) = self.neuron(&snapshot, &mut findings).await {
                    findings.push(Finding::bad("neuron", crate::in_words(&why)));
                }
            }
            Ok(None) => {}
            Err(why) => findings.push(Finding::bad("node", crate::in_words(&why))),
        }
        self.format.print(&findings, |all| people(all))?;
        let bad = findings.iter().filter(|it| it.verdict == Verdict::Bad);
        match bad.count() {
            0 => Ok(()),
            1 => bail!("one thing is bad"),
            bad => bail!("{bad} things are bad"),
        }
    }

    /// The node and the clock; the state at its newest final block if a neuron is to be looked at.
    async fn chain(&self, findings: &mut Vec<Finding>) -> Result<Option<Snapshot>> {
        let client = self.node.client();
        let snapshot = client.at_finalized().await?;
        let genesis = client.genesis_hash().await?;
        let made = snapshot.time_ms().await?;
        let block = snapshot.block().number;
        findings.push(Finding::good(
            "node",
            format!("final block {block} of the network {genesis}"),
        ));
        findings.push(clock(made, SystemClock.now_ms()));
        Ok(self.netuid.is_some().then_some(snapshot))
    }

    async fn neuron(&self, snapshot: &Snapshot, findings: &mut Vec<Finding>) -> Result<()> {
        let (Some(netuid), Some(hotkey)) = (self.netuid, self.hotkey) else {
            return Ok(());
        };
        let graph = snapshot.metagraph::<AccountId32>(netuid).await?;
        let place = graph.hotkeys.iter().position(|held| held.0 == hotkey.0);
        let Some(uid) = place else {
            let how = format!("`assay register {netuid}` registers it");
            findings.push(Finding::bad(
                "registration",
                format!("{hotkey} has no place in subnet {netuid}: {how}"),
            ));
            return Ok(());
        };
        findings.push(standing(&graph, uid));
        let pruning = snapshot.next_to_prune(netuid).await?;
        let is_next = pruning.next.is_some_and(|next| next.hotkey.0 == hotkey.0);
        if is_next && pruning.neurons >= pruning.places {
            let how = "whoever registers next takes its place";
            findings.push(Finding::note("pruning", how));
        }
        findings.push(money(snapshot, &graph.coldkeys[uid]).await?);
        let subnet = snapshot.subnet(netuid).await?;
        if !subnet.summary.admitted {
            let who = "its miners are paid once root has admitted it";
            findings.push(Finding::note("subnet", who));
        }
        let task = String::from_utf8_lossy(&subnet.task.name).into_owned();
        findings.extend(serving(&graph, uid, hotkey, &task).await?);
        Ok(())
    }
}

fn onnx_runtime() -> Finding {
    const WHAT: &str = "ONNX Runtime";
    match assay_onnx::load_library(None) {
        Ok(_) => Finding::good(WHAT, "loads"),
        // Neither the chain nor most validators need it.
        Err(why) => Finding::note(WHAT, format!("miners need it: {why}")),
    }
}

/// What the age of the newest final block says of this clock, and of the node. Both in milliseconds
/// since 1970.
fn clock(made: u64, now: u64) -> Finding {
    const WHAT: &str = "clock";
    let seconds = |ms: u64| ms.div_ceil(1_000);
    if made > now + BEHIND_MS {
        let behind = seconds(made - now);
        let do_what = "set it by NTP, or requests will be refused";
        return Finding::bad(
            WHAT,
            format!("this clock is {behind} s behind the chain's: {do_what}"),
        );
    }
    let age = now.saturating_sub(made);
    if age > STALE_MS {
        let why = "the node is catching up, or the network stands still, or this clock is ahead";
        let age = seconds(age);
        return Finding::bad(
            WHAT,
            format!("the newest final block is {age} s old: {why}"),
        );
    }
    let age = seconds(age);
    Finding::good(WHAT, format!("the newest final block is {age} s old"))
}

fn standing(graph: &Metagraph<AccountId32>, uid: usize) -> Finding {
    let permit = match (graph.permits[uid], graph.active[uid]) {
        (true, true) => "a validator whose weights count",
        (true, false) => "may validate, but its weights did not count in the last epoch",
        (false, _) => "without a permit to validate",
    };
    let immune = if graph.immune[uid] { ", immune" } else { "" };
    Finding::good(
        "registration",
        format!(
            "uid {uid} of subnet {}{immune}: {permit}; incentive {:.4}, dividends {:.4}, {} earned so far",
            graph.netuid,
            share(graph.incentive[uid]),
            share(graph.dividends[uid]),
            asy(graph.earned[uid]),
        ),
    )
}

async fn money(snapshot: &Snapshot, coldkey: &AccountId32) -> Result<Finding> {
    const WHAT: &str = "coldkey";
    Ok(match snapshot.balance(coldkey).await? {
        0 => Finding::note(
            WHAT,
            format!("{coldkey} has nothing to pay fees with: announcements cost one"),
        ),
        free => Finding::good(WHAT, format!("{coldkey} can spend {}", asy(free))),
    })
}

/// What the neuron announced, and whether somebody answers there with its hotkey.
async fn serving(
    graph: &Metagraph<AccountId32>,
    uid: usize,
    hotkey: Hotkey,
    task: &str,
) -> Result<Vec<Finding>> {
    const WHAT: &str = "address";
    let Some(endpoint) = graph.endpoints[uid].as_ref().map(|it| it.what.clone()) else {
        // Validators announce none.
        let found = "none is announced: a miner is not asked without `chain.endpoint`";
        return Ok(vec![match graph.permits[uid] {
            true => Finding::good(WHAT, "none is announced"),
            false => Finding::bad(WHAT, found),
        }]);
    };
    let artifact = graph.models[uid].map(|model| model.what.sha256);
    let model = match artifact {
        Some(sha256) => Finding::good("model", format!("announced: SHA-256 {sha256}")),
        None => Finding::bad("model", "none is announced: answers count for no model"),
    };
    let address = words(&endpoint);
    let miner = Miner {
        uid: Uid(u16::try_from(uid).context("a uid has 16 bits")?),
        serial: graph.serials[uid],
        hotkey: hotkey.0,
        endpoint,
        artifact: artifact.unwrap_or_default(),
    };
    Ok(vec![model, reached(&miner, &address, task).await?])
}

/// Asks as a validator does before anything else, but with a key that nobody knows.
async fn reached(miner: &Miner, address: &str, task: &str) -> Result<Finding> {
    const WHAT: &str = "address";
    let stranger = Keypair::from_ed25519_seed(rand::random());
    let peers = HttpPeers::new(stranger, Arc::new(SystemClock), Vec::new());
    let peers = peers.map_err(anyhow::Error::msg)?;
    Ok(match peers.handshake(miner, task).await {
        Ok(model) => Finding::good(
            WHAT,
            format!("{address} answers with this hotkey, and serves `{model}` as announced"),
        ),
        Err(Failure::Refused {
            status: 401 | 403 | 429,
            reason,
        }) => Finding::good(WHAT, format!("{address} lets no stranger in: {reason}")),
        Err(why) => Finding::bad(WHAT, format!("{address}, as announced: {why}")),
    })
}

fn words(endpoint: &Endpoint) -> String {
    let host = String::from_utf8_lossy(&endpoint.host);
    match endpoint.certificate {
        None => format!("{host}:{}", endpoint.port),
        Some(Digest(certificate)) => {
            let [a, b, c, d, ..] = certificate;
            let short = u32::from_be_bytes([a, b, c, d]);
            format!("{host}:{} (certificate {short:08x}…)", endpoint.port)
        }
    }
}

fn people(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let verdict = match finding.verdict {
            Verdict::Good => "good",
            Verdict::Note => "note",
            Verdict::Bad => "BAD",
        };
        format!("{verdict:<5} {:<13} {}", finding.what, finding.found)
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_is_bad_when_the_chain_is_ahead_or_far_behind() {
        let now = 1_000_000_000;
        let verdict = |made| clock(made, now).verdict;
        assert_eq!(verdict(now), Verdict::Good);
        assert_eq!(verdict(now - STALE_MS), Verdict::Good);
        assert_eq!(verdict(now + BEHIND_MS), Verdict::Good);
        assert_eq!(verdict(now - STALE_MS - 1), Verdict::Bad);
        assert_eq!(verdict(now + BEHIND_MS + 1), Verdict::Bad);
        let behind = clock(now + 90_000, now).found;
        assert!(behind.contains("90 s behind"), "{behind}");
    }
}
