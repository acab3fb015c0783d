//! Brings what is shown: from the monitor as long as it answers, and from admin ports.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use futures::future::join_all;
use lgsp_core::time::unix_micros;
use lgsp_monitor::picture::Picture;
use lgsp_monitor::{at_a_glance, ports};
use lgsp_proto::monitor::v1::FollowLinksRequest;
use lgsp_runtime::metrics::samples;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::super::{ask, client};
use super::figures::Readings;
use super::told::{Origin, Told};
use crate::cli::client::Operator;
use crate::client::registry::open;
use crate::client::session::Session;
use crate::client::{Error, Lang};

/// How long the monitor may take to answer.
const ANSWER: Duration = Duration::from_secs(3);
/// How often it is asked for the list. Its changes it tells by itself.
const LIST: Duration = Duration::from_secs(60);
/// How long to wait before a stream that has ended is opened anew.
const SOON: Duration = Duration::from_millis(500);
/// How long to wait before it is asked again after it did not answer.
const AGAIN: Duration = Duration::from_secs(3);
/// How often admin ports are asked.
const PORTS: Duration = Duration::from_secs(1);
/// How long a snapshot waits for two readings of the ports.
const FIGURES: Duration = Duration::from_secs(5);

pub(super) fn now_us() -> i64 {
    unix_micros(SystemTime::now())
}

/// A running watch. It ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    told: watch::Receiver<Told>,
    /// What came of asking the monitor first; taken by whoever waits for it.
    first: Option<oneshot::Receiver<Result<(), Error>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Watch {
    /// Begins to watch a hub as an operator, with the admin ports that are known.
    pub fn start(operator: &Operator, ports: Vec<SocketAddr>, lang: Lang) -> Self {
        let told = Told { gateway: operator.gateway.grpc.clone(), ..Told::default() };
        let (sender, receiver) = watch::channel(told);
        let (heard, first) = oneshot::channel();
        let (operator, monitored) = (operator.clone(), sender.clone());
        let monitor = tokio::spawn(async move { monitor(&operator, &monitored, heard, lang).await });
        let ports = tokio::spawn(async move { watch_ports(&ports, &sender).await });
        Self { told: receiver, first: Some(first), tasks: vec![monitor, ports] }
    }

    /// What is known, now and from now on.
    pub fn told(&self) -> watch::Receiver<Told> {
        self.told.clone()
    }

    /// Waits until the monitor has answered, or has not.
    ///
    /// # Errors
    /// It has not.
    pub(super) async fn first(&mut self) -> Result<(), Error> {
        match self.first.take() {
            Some(first) => first.await.unwrap_or(Ok(())),
            None => Ok(()),
        }
    }

    /// What is known as soon as there are rates, or after a while without.
    pub(super) async fn with_figures(&self) -> Told {
        let mut told = self.told.clone();
        let is_whole = |told: &Told| {
            let measured = told.figures.whole.is_some() || (told.figures.asked == 0);
            told.origin != Origin::Nobody && measured
        };
        let _ = timeout(FIGURES, told.wait_for(is_whole)).await;
        self.told.borrow().clone()
    }
}

async fn monitor(
    operator: &Operator,
    told: &watch::Sender<Told>,
    heard: oneshot::Sender<Result<(), Error>>,
    lang: Lang,
) {
    let mut heard = Some(heard);
    loop {
        let mut has_answered = false;
        let ended = async { follow(&open(operator).await?, told, &mut heard, &mut has_answered).await }.await;
        // A stream that breaks is no monitor that is silent: that is known when it is asked again.
        if has_answered {
            sleep(SOON).await;
            continue;
        }
        if let Err(error) = ended {
            let why = error.report(lang).headline().to_owned();
            told.send_modify(|told| told.lose_monitor(why, now_us()));
            if let Some(heard) = heard.take() {
                // Whoever started this may wait for it no more.
                let _ = heard.send(Err(error));
            }
        }
        sleep(AGAIN).await;
    }
}

/// Follows the monitor until it ends or does not answer.
async fn follow(
    session: &Session,
    told: &watch::Sender<Told>,
    heard: &mut Option<oneshot::Sender<Result<(), Error>>>,
    has_answered: &mut bool,
) -> Result<(), Error> {
    // Followed first: what changes before the list comes is in one of them.
    let began = Instant::now();
    let mut client = client(session);
    let following = client.follow_links(session.request(FollowLinksRequest {}, None)?);
    let following = timeout(ANSWER, following).await.map_err(|_| Error::NoAnswer { waited: ANSWER })?;
    let failed = |status: tonic::Status| session.error(&status, None, began.elapsed()).of_the_hub();
    let mut changes = following.map_err(failed)?.into_inner();
    let mut list = interval(LIST);
    list.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = list.tick() => {
                let links = ask::list(session, ANSWER).await?;
                told.send_modify(|told| told.hear_monitor(links, now_us()));
                *has_answered = true;
                if let Some(heard) = heard.take() {
                    let _ = heard.send(Ok(()));
                }
            }
            change = changes.message() => match change {
                Ok(Some(change)) => told.send_modify(|told| told.hear_change(change, now_us())),
                // The deadline of the method ends every stream: another is opened.
                Ok(None) => return Ok(()),
                Err(status) if status.code() == tonic::Code::DeadlineExceeded => return Ok(()),
                Err(status) => return Err(failed(status)),
            },
        }
    }
}

async fn watch_ports(known: &[SocketAddr], told: &watch::Sender<Told>) {
    let (mut picture, mut readings) = (Picture::default(), Readings::default());
    let mut every = interval(PORTS);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let pages = join_all(known.iter().map(|port| ports::get(*port, "/metrics"))).await;
        for (port, page) in known.iter().zip(pages) {
            match page.as_ref().map(|page| std::str::from_utf8(&page.body)) {
                Ok(Ok(page)) => readings.take(*port, &samples::read(page), Instant::now()),
                Ok(Err(_)) | Err(_) => readings.lose(*port),
            }
        }
        let figures = readings.figures(known.len());
        told.send_modify(|told| told.figures = figures);
        if told.borrow().without_monitor.is_none() {
            continue;
        }
        let silent = ask::into_picture(&mut picture, known, now_us()).await;
        let now_us = now_us();
        if silent.len() == known.len() {
            told.send_modify(|told| told.lose_all(now_us));
            continue;
        }
        let links = at_a_glance(picture.readings([].into_iter(), ask::SILENT_AFTER_US, now_us), now_us);
        told.send_if_modified(|told| {
            // The monitor may have answered meanwhile.
            let alone = told.without_monitor.is_some();
            if alone {
                told.hear_ports(links, now_us);
            }
            alone
        });
    }
}
