//! The check of a configuration, before anything is served.

use crate::{
    backend::ModelInfo,
    chain::{Chain as _, ChainError, NodeChain, Standing},
    listening,
    seen::Seen,
    start::{load_backend, wish},
    tls::Identity,
    Config, Error,
};
use assay_primitives::{Digest, ASY};
use assay_protocol::Hotkey;
use std::{io, sync::Arc};

/// What a check found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The miner's hotkey.
    pub hotkey: Hotkey,
    /// What would be served.
    pub models: Vec<Arc<ModelInfo>>,
    /// The certificate that would be shown, where there is one already.
    pub certificate: Option<Digest>,
    /// Where the miner would listen, in words.
    pub addresses: Vec<String>,
    /// How the miner stands on chain, in words; or why that can't be told.
    pub chain: Option<Result<String, ChainError>>,
}

impl Checked {
    /// A line for each good finding.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("hotkey {}: ok", self.hotkey)];
        lines.extend(
            self.models
                .iter()
                .map(|model| format!("{} {} on {}: ok", model.name, model.version, model.provider)),
        );
        lines.extend(self.certificate.map(|it| format!("certificate {it}: ok")));
        lines.extend(self.addresses.iter().cloned());
        if let Some(Ok(standing)) = &self.chain {
            lines.push(standing.clone());
        }
        lines
    }
}

/// Checks a configuration as far as can be without serving: loads the keys, the certificate and
/// every model, or asks the engine behind, looks at addresses and folders, and asks the chain how
/// the miner stands. It changes nothing.
pub async fn check(config: &Config) -> Result<Checked, Error> {
    config.check()?;
    let hotkey = config.hotkey.load().map_err(Error::Hotkey)?.hotkey();
    let certificate = match &config.tls {
        Some(settings) if settings.certificate.exists() => Some(Identity::load(settings)?.digest),
        Some(settings) => {
            // It is made when the miner starts.
            settings.check_writable()?;
            None
        }
        None => None,
    };
    if !config.state.as_os_str().is_empty() {
        Seen::check(&config.state)?;
    }
    let addresses = addresses(config)?;
    let models = load_backend(config).await?.backend.models();
    let chain = match &config.chain {
        None => None,
        Some(settings) => {
            wish(settings, &models, certificate)?;
            let chain = NodeChain::new(settings, &config.hotkey)?;
            let standing = chain.standing().await;
            Some(standing.map(|standing| in_words(settings.netuid.0, &standing)))
        }
    };
    Ok(Checked {
        hotkey,
        models,
        certificate,
        addresses,
        chain,
    })
}

/// Whether the miner could listen where it shall. That somebody listens there is most likely this
/// very miner, whose settings are checked while it runs: that is told, and is no fault.
fn addresses(config: &Config) -> Result<Vec<String>, Error> {
    let mut named = vec![("listen", config.listen)];
    named.extend(config.metrics.map(|address| ("metrics", address)));
    if let Some(admin) = &config.admin {
        admin.token()?;
        named.push(("admin.listen", admin.listen));
    }
    let look = |(name, address)| match listening::bound(address) {
        Ok(_) => Ok(format!("{name} {address}: ok")),
        Err(why) if why.kind() == io::ErrorKind::AddrInUse => Ok(format!(
            "{name} {address}: in use now; that is as it should be if this miner runs"
        )),
        Err(why) => Err(Error::Listen { address, why }),
    };
    named.into_iter().map(look).collect()
}

fn in_words(netuid: u16, standing: &Standing) -> String {
    match &standing.neuron {
        Some(neuron) => format!("subnet {netuid}: registered as uid {}", neuron.uid.0),
        None => format!(
            "subnet {netuid}: not registered; a registration costs {:.6} ASY now",
            standing.registration_price as f64 / ASY as f64
        ),
    }
}
