//! `lgsp top`: the links of a hub and what passes through it, live on a terminal, or once for a pipe.
//!
//! ```text
//!  FollowLinks, ListLinks ─┐ (watch.rs)
//!  /links   of admin ports ├─► Told ─► Screen ─► draw (a terminal) or plain (a pipe)
//!  /metrics of admin ports ┘ (watch.rs, figures.rs)   ▲ keys
//! ```
//!
//! The monitor is asked through a gateway, which enters each call: it is asked for the list once a minute, and tells its changes by
//! itself. While it does not answer, the roles are asked on their admin ports. Numbers come from there alone.

mod columns;
mod draw;
mod figures;
mod plain;
mod screen;
#[cfg(test)]
mod tests;
mod told;
mod watch;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

pub use draw::draw;
pub use figures::{Figures, Rate};
pub use plain::plain;
pub use screen::{Flow, Screen};
pub use told::{Origin, Told};
pub use watch::Watch;

use crate::admin_ports;
use crate::cli::links::Top;
use crate::client::output::{self, Surface};
use crate::client::{Error, Exit, Lang};

/// How often the screen is drawn without any news, for the ages that it tells.
const DRAW: Duration = Duration::from_secs(1);
/// How long one look for a key lasts; also how soon the thread that looks ends.
const LOOK: Duration = Duration::from_millis(100);
/// Keys that wait to be acted upon.
const KEYS: usize = 16;

/// Runs `lgsp top`.
///
/// # Errors
/// The hub refuses to tell, nobody answers at all, or the terminal cannot be used.
pub(crate) async fn run(args: &Top, lang: Lang) -> Result<(), Error> {
    let ports = admin_ports::named_or_found(&args.admin, &args.operator.key.data);
    let mut watch = Watch::start(&args.operator, ports, lang);
    let first = watch.first().await;
    if !io::stdout().is_terminal() || args.once {
        let told = watch.with_figures().await;
        if let (Origin::Nobody, Err(error)) = (told.origin, first) {
            return Err(error);
        }
        return output::line(&plain(&told, lang));
    }
    // Whoever watches waits for a hub that is down; but not for one that refuses.
    if let Err(error) = first
        && matches!(error.exit(), Some(Exit::Refused | Exit::Usage))
    {
        return Err(error);
    }
    let screen = Screen::new(lang, Surface::of_stdout().colours());
    let mut terminal = ratatui::try_init().map_err(Error::Output)?;
    let shown = show(&mut terminal, screen, &watch).await;
    ratatui::restore();
    shown
}

async fn show(terminal: &mut DefaultTerminal, mut screen: Screen, watch: &Watch) -> Result<(), Error> {
    let (sent, mut keys) = mpsc::channel(KEYS);
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    spawn_blocking(move || read_keys(&sent, &stop));
    let mut every = interval(DRAW);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = watch.told();
    loop {
        let now = told.borrow_and_update().clone();
        terminal.draw(|frame| draw(frame, &mut screen, &now, watch::now_us()))?;
        tokio::select! {
            _ = every.tick() => {}
            changed = told.changed() => if changed.is_err() { return Ok(()) },
            event = keys.recv() => match event {
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => {
                    if screen.on_key(key, &now) == Flow::Quit {
                        return Ok(());
                    }
                }
                // Another size, for instance, is drawn anew.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Error::Output(error)),
                None => return Ok(()),
            },
        }
    }
}

fn read_keys(sent: &mpsc::Sender<io::Result<Event>>, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let read = match event::poll(LOOK) {
            Ok(false) => continue,
            Ok(true) => event::read(),
            Err(error) => Err(error),
        };
        let failed = read.is_err();
        if sent.blocking_send(read).is_err() || failed {
            return;
        }
    }
}
