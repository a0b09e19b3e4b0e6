//! A world: a chain, the people on it, and what they have in mind.

use std::{collections::BTreeMap, time::Instant};

use anyhow::{ensure, Context, Result};
use assay_primitives::{Balance, BlockNumber};
use assay_runtime::{Balances, Runtime, RuntimeEvent, Stake, System};

use crate::{
    chain::{self, Move, Outcome},
    checks::{self, Checks},
    dice::Dice,
    habits::{self, Openings, HABITS},
    people::People,
    report::Report,
    scenario::Scenario,
    state::State,
};

/// Blocks between two signs of life.
const PROGRESS: u64 = 10_000;

/// What somebody decided to do in a block to come.
pub struct Errand {
    /// What it is counted as.
    pub name: &'static str,
    /// Makes the move, if it still makes sense by then.
    pub go: Go,
}

/// Chooses a move when the time has come.
type Go = Box<dyn FnOnce(&mut Scene<'_>) -> Option<Move>>;

/// What people remember from block to block.
#[derive(Default)]
pub struct Notes {
    /// What is planned.
    errands: BTreeMap<BlockNumber, Vec<Errand>>,
    /// What hashes stand for.
    pub openings: Openings,
    /// What was sent to the account that holds stake and is nobody's.
    pub gifts: Balance,
}

/// All that a habit sees of the world, besides the chain itself.
pub struct Scene<'w> {
    /// Chance.
    pub dice: &'w mut Dice,
    /// Everybody.
    pub people: &'w mut People,
    /// What people remember.
    pub notes: &'w mut Notes,
    /// How large the world is.
    pub scenario: Scenario,
    /// The block that is being made, or was just made.
    pub now: BlockNumber,
}

impl Scene<'_> {
    /// Plans a move for a block to come.
    pub fn plan(
        &mut self,
        at: BlockNumber,
        name: &'static str,
        go: impl FnOnce(&mut Scene<'_>) -> Option<Move> + 'static,
    ) {
        let errand = Errand {
            name,
            go: Box::new(go),
        };
        let at = at.max(self.now + 1);
        self.notes.errands.entry(at).or_default().push(errand);
    }
}

/// A chain with people on it.
pub struct World {
    scenario: Scenario,
    state: State,
    people: People,
    dice: Dice,
    notes: Notes,
    checks: Checks,
    report: Report,
}

impl World {
    /// A world at its genesis.
    pub fn new(scenario: Scenario, dice: Dice) -> Self {
        let people = People::new(scenario.people, scenario.hotkeys_each);
        let state = State::new(scenario.genesis(&people));
        Self {
            scenario,
            checks: Checks::new(&state),
            state,
            people,
            dice,
            notes: Notes::default(),
            report: Report::default(),
        }
    }

    /// Makes so many blocks, or as many as there are dice for, and checks each of them.
    pub fn run(&mut self, blocks: u64) -> Result<()> {
        for _ in 0..blocks {
            if self.dice.are_spent() {
                break;
            }
            self.block()?;
            if self.report.blocks.is_multiple_of(PROGRESS) {
                println!("block {}", self.report.blocks);
            }
        }
        self.check_everything()
    }

    /// What came of it so far.
    pub fn report(&mut self) -> Report {
        let (subnets, neurons) = self.state.enter(|| {
            let netuids = pallet_subnets::Netuids::<Runtime>::get();
            let count = pallet_subnets::NeuronCount::<Runtime>::get;
            let neurons = netuids.iter().map(|netuid| usize::from(count(netuid)));
            (netuids.len(), neurons.sum())
        });
        Report {
            keys: self.state.len(),
            subnets,
            neurons,
            ..self.report.clone()
        }
    }

    fn block(&mut self) -> Result<()> {
        let start = Instant::now();
        let events = self.make_block();
        let changes = self.state.commit();
        let made = Instant::now();
        self.report.making += made - start;

        let now = self.report.blocks as BlockNumber + 1;
        let epochs = self
            .checks
            .after_block(&mut self.state, &changes, &events, self.notes.gifts)
            .with_context(|| format!("block {now}"))?;
        self.report.epochs += epochs;
        self.report.blocks += 1;
        if now.is_multiple_of(self.scenario.recount_every) {
            self.checks
                .recount(&mut self.state)
                .with_context(|| format!("block {now}"))?;
        }
        self.report.checking += made.elapsed();
        Ok(())
    }

    fn check_everything(&mut self) -> Result<()> {
        let end = self.report.blocks;
        self.checks
            .recount(&mut self.state)
            .and_then(|()| self.state.enter(checks::each_pallet))
            .with_context(|| format!("after block {end}"))
    }

    /// Makes a block and lets everybody hear of it.
    fn make_block(&mut self) -> Vec<RuntimeEvent> {
        let Self {
            scenario,
            state,
            people,
            dice,
            notes,
            report,
            ..
        } = self;
        state.enter(|| {
            chain::open_block();
            let mut scene = Scene {
                dice,
                people,
                notes,
                scenario: *scenario,
                now: System::block_number(),
            };
            for errand in scene.notes.errands.remove(&scene.now).unwrap_or_default() {
                if let Some(what) = (errand.go)(&mut scene) {
                    make(&mut scene, report, errand.name, what);
                }
            }
            for _ in 0..scene.dice.below(scenario.moves + 1) {
                let habit = habits::any(scene.dice, HABITS);
                if let Some(what) = (habit.choose)(&mut scene) {
                    make(&mut scene, report, habit.name, what);
                }
            }
            chain::close_block();
            let events = System::read_events_no_consensus().map(|record| record.event);
            let events: Vec<RuntimeEvent> = events.collect();
            for event in &events {
                habits::hear(&mut scene, event);
            }
            scene.notes.openings.forget_unsent();
            events
        })
    }
}

/// Makes a move and counts how it went.
fn make(scene: &mut Scene<'_>, report: &mut Report, name: &'static str, what: Move) {
    let held = Balances::free_balance(Stake::holding_account());
    let is_gift = habits::is_gift(&what);
    let outcome = chain::apply(what);
    if is_gift && outcome == Outcome::Done {
        let now = Balances::free_balance(Stake::holding_account());
        scene.notes.gifts += now - held;
    }
    report.count(name, &outcome);
}

/// Runs a world from a seed, and says how to do so again.
pub fn run_seed(scenario: Scenario, seed: u64, blocks: u64) -> Result<Report> {
    let mut world = World::new(scenario, Dice::seeded(seed));
    world.run(blocks).with_context(|| {
        format!("seed {seed} broke; `cargo xtask soak simulation --seed {seed}` replays it")
    })?;
    let report = world.report();
    ensure!(report.blocks == blocks, "the world stood still");
    Ok(report)
}

/// Runs a small world by a fuzzer's bytes; panics where something that must hold does not.
pub fn run_bytes(bytes: &[u8]) -> Report {
    let mut world = World::new(Scenario::FUZZ, Dice::of_bytes(bytes));
    // No input is worth more blocks than it has bytes.
    if let Err(error) = world.run(bytes.len() as u64) {
        panic!("{error:#}");
    }
    world.report()
}
