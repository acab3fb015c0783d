//! A slice: one system, started in this process, measured step by step.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::broker::Broker;
use crate::cpu::Parts;
use crate::plan::{Plan, System};
use crate::{bare, hub, load, naive};

/// A runtime for each part, so that its threads can be told from the others'.
pub struct Runtimes {
    pub client: Handle,
    pub gateway: Handle,
    pub adapter: Handle,
    pub ledger: Handle,
    /// Where the slice may write; gone with it.
    pub folder: PathBuf,
}

/// Runs something on the runtime of a part, so that all it starts belongs there.
pub async fn started<T, F>(runtime: &Handle, start: F) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    runtime.spawn(start).await.context("a part that starts")?
}

pub fn run(plan: &Plan) -> Result<()> {
    let main = runtime("main", 1)?;
    let [client, gateway, adapter, ledger] = ["client", "gateway", "adapter", "ledger"];
    let cores = std::thread::available_parallelism()?.get();
    let owned = [
        runtime(client, cores)?,
        runtime(gateway, cores)?,
        runtime(adapter, cores)?,
        runtime(ledger, cores)?,
    ];
    let [client, gateway, adapter, ledger] = owned.each_ref().map(|runtime| runtime.handle().clone());
    let folder = tempfile::tempdir()?;
    let runtimes = Runtimes { client, gateway, adapter, ledger, folder: folder.path().to_owned() };
    let measured = main.block_on(measure(plan, &runtimes))?;
    println!("{}", serde_json::to_string(&measured)?);
    folder.close()?;
    // What was measured is told; how each system ends is not what this is about.
    std::process::exit(0);
}

async fn measure(plan: &Plan, runtimes: &Runtimes) -> Result<Vec<crate::plan::Measured>> {
    let mut parts = Parts::default();
    parts.started("other").await;
    // Kept to the end: the embedded one ends with it.
    let broker = Arc::new(Broker::open(plan.kafka.as_deref())?);
    let exchange = match plan.system {
        System::Hub => hub::start(&broker, runtimes, &mut parts).await?,
        System::Bare => bare::start(&broker, runtimes, &mut parts).await?,
        System::Naive => naive::start(&broker, runtimes, &mut parts).await?,
    };
    if let Some(kafka) = &plan.kafka {
        parts.watch_broker(kafka);
    }
    let mut measured = Vec::new();
    for step in &plan.steps {
        measured.push(load::run(&runtimes.client, &exchange, &parts, *step).await?);
    }
    Ok(measured)
}

fn runtime(name: &str, threads: usize) -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()?)
}
