//! Where queries wait: a bounded line per model, in which whoever has more stake stands ahead, and
//! of equals nobody is held up by how much another one asks.
//!
//! ```text
//! enter -> room? ----------------------------> Turn: handed to the backend -> dropped: the next one
//!       -> a place in the line, by rank ---------^
//!       -> line full: the last of a lower rank gives way, or of an equal with two more waiting; or
//!                     the newcomer is refused
//! ```
//!
//! A backend is handed only as many queries as it can make use of at once; the rest wait here,
//! where their order can still change. Who is gone leaves the line, and was never run.

mod turns;

use crate::{admission::Rank, backend::Room};
use metrics::Gauge;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::oneshot, time::Instant};
use turns::{Place, Turns};

/// Lines kept for models that nobody asks at the moment.
const IDLE_LINES: usize = 256;

/// How much the newest query counts in the pace.
const NEWEST: f64 = 0.1;

/// Longest time after which a refused caller is told to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// No place in the line. It says when there will most likely be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// After this long.
    pub retry_after: Duration,
}

type Answer = Result<Turn, Full>;

/// The line of one model.
#[derive(Debug)]
pub struct Line {
    capacity: usize,
    /// Where it is told how many wait.
    told: Gauge,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    room: usize,
    running: usize,
    waiting: Turns<oneshot::Sender<Answer>>,
    /// Seconds that a turn takes, averaged.
    pace: f64,
}

/// The right to have one query run. Dropping it lets in the next one.
#[derive(Debug)]
pub struct Turn {
    line: Arc<Line>,
    since: Instant,
}

impl Line {
    /// A line in which `capacity` queries may wait unless a model's own room says otherwise, and that
    /// tells `told` how many do.
    pub fn new(capacity: usize, told: Gauge) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            told,
            state: Mutex::default(),
        })
    }

    /// Waits until it is this query's turn, as far as there is room. Callers of one rank share turns
    /// by where they are `from`, nowhere if no connection is known. It fails if the line is full and
    /// nobody gives way, or this query has to. Dropping the future leaves the line.
    pub async fn enter(self: &Arc<Self>, rank: Rank, from: Option<IpAddr>, room: Room) -> Answer {
        let (answer, place) = match self.queue_up(rank, from, room)? {
            Queued::Now(turn) => return Ok(turn),
            Queued::At(place, answer) => (answer, place),
        };
        let _leaving = Leaving { line: self, place };
        // The sender is kept until it is used.
        answer.await.unwrap_or_else(|_| {
            Err(Full {
                retry_after: self.state().wait(1),
            })
        })
    }

    fn queue_up(
        self: &Arc<Self>,
        rank: Rank,
        from: Option<IpAddr>,
        room: Room,
    ) -> Result<Queued, Full> {
        let (gives_way, full, queued) = {
            let mut state = self.state();
            state.room = room.at_once.max(1);
            if state.running < state.room && state.waiting.is_empty() {
                state.running += 1;
                return Ok(Queued::Now(self.turn()));
            }
            let full = Full {
                retry_after: state.wait(state.waiting.len()),
            };
            let mut gives_way = None;
            if state.waiting.len() >= room.waiting.unwrap_or(self.capacity) {
                let Some(place) = state.waiting.gives_way_to(rank, from) else {
                    return Err(full);
                };
                gives_way = state.waiting.remove(&place);
            }
            let (sender, receiver) = oneshot::channel();
            let place = state.waiting.push(rank, from, sender);
            self.tell(&state);
            (gives_way, full, Queued::At(place, receiver))
        };
        if let Some(last) = gives_way {
            // Whoever gave way may have left already.
            let _ = last.send(Err(full));
        }
        // Room that grew with a reload is used at once.
        self.advance();
        Ok(queued)
    }

    /// Queries that wait.
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    fn turn(self: &Arc<Self>) -> Turn {
        Turn {
            line: Arc::clone(self),
            since: Instant::now(),
        }
    }

    /// Gives turns as long as there is room and somebody waits.
    fn advance(self: &Arc<Self>) {
        loop {
            let next = {
                let mut state = self.state();
                if state.running >= state.room {
                    return;
                }
                let Some(next) = state.waiting.pop() else {
                    return;
                };
                self.tell(&state);
                state.running += 1;
                next
            };
            // Whoever left meanwhile gives the turn back by dropping it, here, outside the lock.
            let _ = next.send(Ok(self.turn()));
        }
    }

    fn tell(&self, state: &State) {
        self.told.set(state.waiting.len() as f64);
    }

    // Nothing between lock and unlock can panic halfway through a change.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The time until `ahead` queries are run.
    fn wait(&self, ahead: usize) -> Duration {
        let turns = ahead as f64 / self.room.max(1) as f64;
        let wait = Duration::try_from_secs_f64(turns * self.pace);
        wait.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
    }
}

enum Queued {
    Now(Turn),
    At(Place, oneshot::Receiver<Answer>),
}

/// Leaves the line when the one who waits does.
struct Leaving<'a> {
    line: &'a Line,
    place: Place,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let sender = {
            let mut state = self.line.state();
            let sender = state.waiting.remove(&self.place);
            self.line.tell(&state);
            sender
        };
        drop(sender);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let took = self.since.elapsed().as_secs_f64();
        {
            let mut state = self.line.state();
            state.running = state.running.saturating_sub(1);
            state.pace = if state.pace == 0.0 {
                took
            } else {
                state.pace * (1.0 - NEWEST) + took * NEWEST
            };
        }
        self.line.advance();
    }
}

/// The lines of all models.
#[derive(Debug)]
pub struct Lines {
    capacity: usize,
    lines: Mutex<HashMap<(String, u32), Arc<Line>>>,
}

impl Lines {
    /// Lines in each of which `capacity` queries may wait unless a model's own room says otherwise.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            lines: Mutex::default(),
        }
    }

    /// The line of a model that is served.
    pub fn of(&self, model: &str, version: u32) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() > IDLE_LINES {
            // Models come and go with reloads; a line that somebody uses has another holder.
            lines.retain(|_, line| Arc::strong_count(line) > 1);
        }
        let line = lines
            .entry((model.to_owned(), version))
            .or_insert_with(|| Line::new(self.capacity, crate::metrics::waiting(model, version)));
        Arc::clone(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::JoinHandle;

    const ONE: Room = Room::of(1);

    fn line(capacity: usize) -> Arc<Line> {
        Line::new(capacity, Gauge::noop())
    }

    fn queue(line: &Arc<Line>, stake: u128) -> JoinHandle<Answer> {
        queue_from(line, stake, 0)
    }

    fn queue_from(line: &Arc<Line>, stake: u128, from: u8) -> JoinHandle<Answer> {
        let (line, from) = (Arc::clone(line), Some(IpAddr::from([10, 0, 0, from])));
        tokio::spawn(async move { line.enter(Rank(stake), from, ONE).await })
    }

    async fn until_waiting(line: &Line, number: usize) {
        while line.waiting() != number {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn enter_lets_in_by_stake_and_then_by_time() {
        let line = self::line(8);
        let first = line.enter(Rank(0), None, ONE).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (index, stake) in [1, 5, 1, 9].into_iter().enumerate() {
            let (line, order) = (Arc::clone(&line), Arc::clone(&order));
            tasks.push(tokio::spawn({
                let line = Arc::clone(&line);
                async move {
                    let _turn = line.enter(Rank(stake), None, ONE).await.unwrap();
                    order.lock().unwrap().push(index);
                }
            }));
            until_waiting(&line, index + 1).await;
        }
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [3, 1, 0, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn enter_is_refused_with_a_time_when_the_line_is_full_of_equals() {
        let line = self::line(2);
        let turn = line.enter(Rank(3), None, ONE).await.unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        drop(turn);
        let _turn = line.enter(Rank(3), None, ONE).await.unwrap();
        let _waiting = (queue(&line, 3), queue(&line, 3));
        until_waiting(&line, 2).await;
        let full = queue(&line, 3).await.unwrap().unwrap_err();
        assert_eq!(full.retry_after, Duration::from_secs(8));
    }

    #[tokio::test]
    async fn enter_lets_as_many_wait_as_the_model_says() {
        let line = self::line(8);
        let room = Room {
            waiting: Some(1),
            ..ONE
        };
        let _turn = line.enter(Rank(0), None, room).await.unwrap();
        let _waiting = queue(&line, 0);
        until_waiting(&line, 1).await;
        assert!(line.enter(Rank(0), None, room).await.is_err());
    }

    #[tokio::test]
    async fn enter_makes_the_last_of_lower_rank_give_way() {
        let line = self::line(1);
        let turn = line.enter(Rank(0), None, ONE).await.unwrap();
        let poor = queue(&line, 1);
        until_waiting(&line, 1).await;
        let rich = queue(&line, 2);
        assert!(poor.await.unwrap().is_err());
        drop(turn);
        assert!(rich.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn enter_makes_the_last_of_the_address_with_most_give_way() {
        let line = self::line(2);
        let _turn = line.enter(Rank(0), None, ONE).await.unwrap();
        let much = [queue_from(&line, 0, 1), queue_from(&line, 0, 1)];
        until_waiting(&line, 2).await;
        let little = queue_from(&line, 0, 2);
        let [first, second] = much;
        assert!(second.await.unwrap().is_err());
        until_waiting(&line, 2).await;
        assert!(!first.is_finished() && !little.is_finished());
        assert!(
            line.enter(Rank(0), None, ONE).await.is_err(),
            "all have one"
        );
    }

    #[tokio::test]
    async fn who_leaves_is_passed_over() {
        let line = self::line(4);
        let turn = line.enter(Rank(0), None, ONE).await.unwrap();
        let gone = queue(&line, 9);
        until_waiting(&line, 1).await;
        gone.abort();
        let _ = gone.await;
        assert_eq!(line.waiting(), 0);
        let next = queue(&line, 1);
        until_waiting(&line, 1).await;
        drop(turn);
        drop(next.await.unwrap().unwrap());
        assert!(line.enter(Rank(0), None, ONE).await.is_ok());
    }

    #[test]
    fn of_gives_a_model_one_line() {
        let lines = Lines::new(1);
        assert!(Arc::ptr_eq(&lines.of("m", 1), &lines.of("m", 1)));
        assert!(!Arc::ptr_eq(&lines.of("m", 1), &lines.of("m", 2)));
    }
}
