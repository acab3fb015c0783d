//! A slice: one system, started in this process, measured step by step.

use std::any::Any;
use std::future::Future;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::cpu::Parts;
use crate::load::{Beside, Exchange};
use crate::plan::{Measured, Plan, System};
use crate::{bare, broker, hub, load, naive};

/// A runtime for each part, so that its threads can be told from the others'.
pub struct Runtimes {
    pub client: Handle,
    pub gateway: Handle,
    pub adapter: Handle,
    pub ledger: Handle,
}

/// Where a slice works.
pub struct Place {
    /// `None`: the embedded broker.
    pub kafka: Option<String>,
    /// What the names of all topics and groups on Kafka begin with.
    pub namespace: String,
    pub folder: PathBuf,
}

/// A running system.
pub struct Running {
    pub exchange: Exchange,
    /// What can be called beside it.
    pub beside: Beside,
    /// What ends with it.
    pub _held: Box<dyn Any>,
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
    let cores = std::thread::available_parallelism()?.get();
    let (client, gateway) = (runtime("client", cores)?, runtime("gateway", cores)?);
    let (adapter, ledger) = (runtime("adapter", cores)?, runtime("ledger", cores)?);
    let runtimes = Runtimes {
        client: client.handle().clone(),
        gateway: gateway.handle().clone(),
        adapter: adapter.handle().clone(),
        ledger: ledger.handle().clone(),
    };
    let namespace = format!("bench-{}", std::process::id());
    let place = Place { kafka: plan.kafka.clone(), namespace, folder: plan.folder.clone() };
    let measured = main.block_on(measure(plan, &place, &runtimes));
    if let Some(kafka) = &place.kafka {
        main.block_on(broker::forget(kafka, &place.namespace))?;
    }
    println!("{}", serde_json::to_string(&measured?)?);
    // What was measured is told; how each system ends is not what this is about.
    std::process::exit(0);
}

async fn measure(plan: &Plan, place: &Place, runtimes: &Runtimes) -> Result<Vec<Measured>> {
    let mut parts = Parts::default();
    parts.started("other").await;
    let running = match plan.system {
        // Boxed: it holds the starts of all roles.
        System::Hub => Box::pin(hub::start(place, runtimes, &mut parts)).await?,
        System::Bare => bare::start(place, runtimes, &mut parts).await?,
        System::Naive => naive::start(place, runtimes, &mut parts).await?,
    };
    if let Some(kafka) = &plan.kafka {
        parts.watch_broker(kafka);
    }
    let mut measured = Vec::new();
    for step in &plan.steps {
        lgsp_runtime::metrics::pause(step.unmeasured);
        measured.push(load::run(&runtimes.client, &running.exchange, &running.beside, &parts, *step).await?);
    }
    Ok(measured)
}

fn runtime(name: &str, threads: usize) -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()?)
}
