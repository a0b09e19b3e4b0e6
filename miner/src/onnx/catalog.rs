//! Which models are served, and which are ready to take their places.
//!
//! ```text
//! fetch: file new or changed -> loaded, warmed up -> take: next ----+
//!        file gone -------------------------------> take: leaves --+--> settle: live
//! ```
//!
//! Before the last step the chain is told what will be served; whoever calls is answered by what
//! was served before. A file that can't be served leaves what is served as it is.

use super::{
    engine::Provider,
    folder::{ModelFile, Stamp},
    load::Sessions,
    settings::ModelSettings,
    workers::WorkerPool,
};
use crate::backend::{ModelInfo, Room};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub(super) type Key = (String, u32);

/// A model with the threads that run it.
pub(super) struct Served {
    pub info: Arc<ModelInfo>,
    pub provider: Provider,
    pub pool: WorkerPool,
    pub sessions: Sessions,
    pub room: Room,
    pub settings: ModelSettings,
}

/// Where something came from: the same source gives the same model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    stamp: Stamp,
    settings: ModelSettings,
}

impl Source {
    pub(super) fn new(file: &ModelFile, settings: &ModelSettings) -> Self {
        Self {
            stamp: file.stamp,
            settings: settings.clone(),
        }
    }
}

/// What will happen to a place when it is settled.
enum Next {
    Serve(Arc<Served>),
    Leave,
}

/// The place of one version of one model.
#[derive(Default)]
struct Slot {
    live: Option<Arc<Served>>,
    next: Option<Next>,
    /// What was looked at last, whatever came of it.
    source: Option<Source>,
    /// Why the last one looked at is not served.
    trouble: Option<String>,
}

/// How the repository index calls what can be asked.
pub const READY: &str = "READY";
const UNAVAILABLE: &str = "UNAVAILABLE";

/// How one version of one model stands, in the words of Triton's repository index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The model.
    pub name: String,
    /// Its version; left out where the model's folder shows none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// [`READY`], `LOADING` or `UNAVAILABLE`.
    pub state: &'static str,
    /// What more there is to say.
    pub reason: String,
}

/// All places.
#[derive(Default)]
pub(super) struct Catalog {
    slots: BTreeMap<Key, Slot>,
    /// Why models whose folder is not in order stay as they are.
    broken: BTreeMap<String, String>,
    /// Models that were told to leave, and come back only when told to, with the versions that
    /// were served.
    unloaded: BTreeMap<String, Vec<u32>>,
}

impl Catalog {
    pub(super) fn live(&self, name: &str, version: u32) -> Option<Arc<Served>> {
        // A key of borrowed parts would need a map of maps; this is one small string per query.
        let slot = self.slots.get(&(name.to_owned(), version))?;
        slot.live.clone()
    }

    pub(super) fn models(&self) -> Vec<Arc<ModelInfo>> {
        let live = self.slots.values().filter_map(|slot| slot.live.as_ref());
        live.map(|served| Arc::clone(&served.info)).collect()
    }

    /// On which GPU interface the model is served, if it is.
    pub(super) fn on_gpu(&self, name: &str) -> Option<Provider> {
        let live = self.of_name(name).filter_map(|slot| slot.live.as_ref());
        let mut providers = live.map(|served| served.provider);
        providers.find(|provider| *provider != Provider::Cpu)
    }

    /// Whether this source was not looked at yet.
    pub(super) fn is_news(&self, key: &Key, source: &Source) -> bool {
        let slot = self.slots.get(key);
        slot.is_none_or(|slot| slot.source.as_ref() != Some(source))
    }

    /// Takes what could not be served for news, of the models that `concerns` names.
    pub(super) fn forget_troubles(&mut self, concerns: impl Fn(&str) -> bool) {
        for (key, slot) in &mut self.slots {
            if concerns(&key.0) && slot.trouble.is_some() {
                slot.source = None;
            }
        }
    }

    pub(super) fn loaded(&mut self, key: Key, source: Source, served: Served) {
        let slot = self.slots.entry(key).or_default();
        slot.source = Some(source);
        slot.trouble = None;
        let as_before = slot.live.as_ref().is_some_and(|live| {
            live.info.sha256 == served.info.sha256 && live.settings == served.settings
        });
        slot.next = (!as_before).then(|| Next::Serve(Arc::new(served)));
    }

    pub(super) fn refused(&mut self, key: Key, source: Source, why: String) {
        let slot = self.slots.entry(key).or_default();
        slot.source = Some(source);
        slot.trouble = Some(why);
        slot.next = None;
    }

    /// Remembers which folders are not in order, of the models that `concerns` names, and why.
    pub(super) fn set_broken(
        &mut self,
        broken: BTreeMap<String, String>,
        concerns: impl Fn(&str) -> bool,
    ) {
        self.broken.retain(|name, _| !concerns(name));
        self.broken.extend(broken);
    }

    /// Marks what does not lie in the folder any more, of the models that `concerns` names. What a
    /// folder holds that is not in order can't be told: its versions stay as they are.
    pub(super) fn keep(&mut self, lying: &BTreeSet<Key>, concerns: impl Fn(&str) -> bool) {
        for (key, slot) in &mut self.slots {
            if !concerns(&key.0) || self.broken.contains_key(&key.0) {
                continue;
            }
            match (lying.contains(key), &slot.next) {
                // It came back before it was gone.
                (true, Some(Next::Leave)) => slot.next = None,
                (true, _) => {}
                (false, _) => {
                    slot.next = Some(Next::Leave);
                    slot.source = None;
                    slot.trouble = None;
                }
            }
        }
    }

    pub(super) fn is_unloaded(&self, name: &str) -> bool {
        self.unloaded.contains_key(name)
    }

    pub(super) fn set_unloaded(&mut self, name: &str, unloaded: bool) {
        if unloaded {
            let of_name = self.slots.iter().filter(|((other, _), _)| other == name);
            let served = of_name.filter(|(_, slot)| slot.live.is_some());
            let versions = served.map(|((_, version), _)| *version).collect();
            self.unloaded.insert(name.to_owned(), versions);
            self.broken.remove(name);
        } else {
            self.unloaded.remove(name);
        }
    }

    /// Puts what is ready into its place, of the models that `which` names, and returns what was
    /// there before and what is there now.
    pub(super) fn settle(&mut self, which: impl Fn(&str) -> bool) -> Settled {
        let mut settled = Settled::default();
        for (key, slot) in &mut self.slots {
            if !which(&key.0) {
                continue;
            }
            match slot.next.take() {
                None => {}
                Some(Next::Serve(served)) => {
                    settled.came.push(Arc::clone(&served));
                    settled.left.extend(slot.live.replace(served));
                }
                Some(Next::Leave) => settled.left.extend(slot.live.take()),
            }
        }
        self.slots
            .retain(|_, slot| slot.live.is_some() || slot.next.is_some() || slot.trouble.is_some());
        settled
    }

    /// Why the model as it lies in the folder, or a version of it, is not served.
    pub(super) fn trouble(&self, name: &str) -> Option<String> {
        let of_versions = || self.of_name(name).find_map(|slot| slot.trouble.clone());
        self.broken.get(name).cloned().or_else(of_versions)
    }

    /// Its places, by version.
    fn of_name<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a Slot> {
        let of_name = self
            .slots
            .iter()
            .filter(move |((other, _), _)| other == name);
        of_name.map(|(_, slot)| slot)
    }

    /// How many places wait to be settled.
    pub(super) fn waiting(&self) -> usize {
        self.slots.values().filter(|it| it.next.is_some()).count()
    }

    /// The newest version of a model as it will be once all is settled.
    pub(super) fn newest(&self, name: &str) -> Option<Arc<ModelInfo>> {
        let mut served = self.of_name(name).filter_map(|slot| match &slot.next {
            Some(Next::Serve(served)) => Some(served),
            Some(Next::Leave) => None,
            None => slot.live.as_ref(),
        });
        served.next_back().map(|served| Arc::clone(&served.info))
    }

    pub(super) fn list(&self) -> Vec<Listed> {
        let list = |((name, version), slot): (&Key, &Slot)| {
            let state = match (&slot.live, &slot.next) {
                (Some(live), _) if live.pool.is_ready() => READY,
                (None, Some(Next::Serve(_))) => "LOADING",
                _ => UNAVAILABLE,
            };
            let trouble = self.broken.get(name).or(slot.trouble.as_ref());
            let reason = match (trouble, &slot.next) {
                (Some(trouble), _) => trouble.clone(),
                (None, Some(Next::Serve(_))) => {
                    "another file waits until the chain knows it".into()
                }
                (None, Some(Next::Leave)) => "it is about to leave".into(),
                (None, None) => String::new(),
            };
            Listed {
                name: name.clone(),
                version: version.to_string(),
                state,
                reason,
            }
        };
        let mut listed: Vec<_> = self.slots.iter().map(list).collect();
        for (name, why) in &self.broken {
            if self.of_name(name).next().is_none() {
                listed.push(Listed {
                    name: name.clone(),
                    version: String::new(),
                    state: UNAVAILABLE,
                    reason: why.clone(),
                });
            }
        }
        let unloaded = self.unloaded.iter();
        let unloaded =
            unloaded.flat_map(|(name, versions)| versions.iter().map(move |it| (name, it)));
        for (name, version) in unloaded {
            if !self.slots.contains_key(&(name.clone(), *version)) {
                listed.push(Listed {
                    name: name.clone(),
                    version: version.to_string(),
                    state: UNAVAILABLE,
                    reason: "unloaded".into(),
                });
            }
        }
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        listed
    }
}

/// What changed. What left ends once this is dropped: its threads finish what waits for them.
#[derive(Default)]
pub(super) struct Settled {
    pub came: Vec<Arc<Served>>,
    pub left: Vec<Arc<Served>>,
}
