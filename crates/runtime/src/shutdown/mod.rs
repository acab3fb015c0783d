//! An ordered, bounded end: not serving → stop accepting → drain in flight → flush entries → close consumers.
//!
//! Every task is spawned at the [`Stage`] that ends it. [`Shutdown::run`] begins the stages in order; a stage is over
//! when all its tasks have ended or its bound has passed, and then whoever did not finish is named.

mod signals;
mod tasks;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::State;
use crate::config::{self, Problems, Row, row, units};
pub use signals::{EXIT_CODE, Signals};
use tasks::Work;
pub use tasks::{Group, Hold};

/// When a task is asked to end. The stages begin in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Tell the others that we are leaving, so that they send us no more work.
    NotServing,
    /// Close the listeners.
    StopAccepting,
    /// Let what is in flight end by itself.
    Drain,
    /// Make the entries durable.
    Flush,
    /// Close consumers and producers, and whatever the earlier stages still needed.
    Close,
}

impl Stage {
    /// All stages, in their order.
    pub const ALL: [Self; 5] = [Self::NotServing, Self::StopAccepting, Self::Drain, Self::Flush, Self::Close];

    fn text(self) -> &'static str {
        match self {
            Self::NotServing => "not-serving",
            Self::StopAccepting => "stop-accepting",
            Self::Drain => "drain",
            Self::Flush => "flush",
            Self::Close => "close",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}

/// How long each stage may last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Bound of [`Stage::NotServing`].
    #[serde(with = "units::duration")]
    pub not_serving: Duration,
    /// Bound of [`Stage::StopAccepting`].
    #[serde(with = "units::duration")]
    pub stop_accepting: Duration,
    /// Bound of [`Stage::Drain`].
    #[serde(with = "units::duration")]
    pub drain: Duration,
    /// Bound of [`Stage::Flush`].
    #[serde(with = "units::duration")]
    pub flush: Duration,
    /// Bound of [`Stage::Close`].
    #[serde(with = "units::duration")]
    pub close: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            not_serving: Duration::from_secs(1),
            stop_accepting: Duration::from_secs(1),
            drain: Duration::from_secs(10),
            flush: Duration::from_secs(5),
            close: Duration::from_secs(5),
        }
    }
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        let accepts = units::duration::ACCEPTS;
        vec![
            row("not-serving", accepts, "At the end of a process: how long telling the others may take."),
            row("stop-accepting", accepts, "How long closing the listeners may take."),
            row("drain", accepts, "How long exchanges in flight may take to end by themselves."),
            row("flush", accepts, "How long making the last entries durable may take."),
            row("close", accepts, "How long leaving Kafka and the stores may take."),
        ]
    }

    fn check(&self, _problems: &mut Problems) {}
}

impl Options {
    fn bound(&self, stage: Stage) -> Duration {
        match stage {
            Stage::NotServing => self.not_serving,
            Stage::StopAccepting => self.stop_accepting,
            Stage::Drain => self.drain,
            Stage::Flush => self.flush,
            Stage::Close => self.close,
        }
    }
}

/// The end of one role, and the tasks that it waits for. A cheap handle.
#[derive(Clone, Debug)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    options: Options,
    stages: [Work; 5],
    abandoned: CancellationToken,
}

/// Tasks of one name that had not ended when their stage's bound passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The stage that should have ended them.
    pub stage: Stage,
    /// Their name.
    pub name: String,
    /// How many there were.
    pub tasks: usize,
}

impl Shutdown {
    /// Makes the shutdown of the role that tells `state`.
    #[must_use]
    pub fn new(state: State, options: Options) -> Self {
        let stages = Stage::ALL.map(|_| Work::default());
        Self { inner: Arc::new(Inner { state, options, stages, abandoned: CancellationToken::new() }) }
    }

    /// Returns the token that is cancelled when `stage` begins.
    #[must_use]
    pub fn begins(&self, stage: Stage) -> CancellationToken {
        self.inner.work(stage).begun.clone()
    }

    /// Returns the token that is cancelled when the role ends without order, or has ended.
    #[must_use]
    pub fn abandoned(&self) -> CancellationToken {
        self.inner.abandoned.clone()
    }

    /// Spawns a task which the role consists of. It has to end soon after `stage` begins.
    ///
    /// Its panic is logged, without the payload, and makes the process not live.
    pub fn spawn<F>(&self, stage: Stage, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.group(stage, name).spawn_vital(task);
    }

    /// Makes a group of short tasks of one name, such as the exchanges in flight. Spawning in a group is cheap.
    #[must_use]
    pub fn group(&self, stage: Stage, name: &'static str) -> Group {
        Group::new(Arc::clone(&self.inner), stage, name)
    }

    /// Counts work that is no task, such as a thread, until the returned value is dropped.
    #[must_use]
    pub fn hold(&self, stage: Stage, name: &'static str) -> Hold {
        self.group(stage, name).hold()
    }

    /// Ends the role: begins the stages in order and waits for each under its bound. Returns whoever was late.
    ///
    /// Tasks that are still there in the end are dropped at their next await.
    pub async fn run(&self) -> Vec<Late> {
        self.inner.state.leave();
        let mut late = Vec::new();
        for stage in Stage::ALL {
            let work = self.inner.work(stage);
            work.begun.cancel();
            work.tracker.close();
            if timeout(self.inner.options.bound(stage), work.tracker.wait()).await.is_ok() {
                info!(%stage, "shutdown stage done");
                continue;
            }
            for (name, tasks) in work.unfinished() {
                warn!(%stage, task = name, tasks, "task did not end within its bound");
                late.push(Late { stage, name, tasks });
            }
        }
        self.abandon();
        late
    }

    /// Drops every task at its next await, in no order, as a kill would: none does anything more. For roles that nobody
    /// stopped, and for tests of faults. Threads end too; what a kill would leave undone, they ask [`abandoned`](Self::abandoned).
    pub fn abandon(&self) {
        // Before the stages: whoever sees one begin sees this too.
        self.inner.abandoned.cancel();
        for stage in Stage::ALL {
            self.inner.work(stage).begun.cancel();
        }
    }
}

impl Inner {
    fn work(&self, stage: Stage) -> &Work {
        &self.stages[stage as usize]
    }
}
