//! `lgsp link maintenance`: what operators announce.

use std::time::{Duration, SystemTime};

use lgsp_core::time::{micros, unix_micros};
use lgsp_proto::monitor::v1::{
    AnnounceMaintenanceRequest, CancelMaintenanceRequest, ListMaintenanceRequest, Maintenance,
};

use super::client;
use crate::cli::links::{Announce, Cancel, List, Maintenance as Command};
use crate::client::output::{self, Listing, Surface, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::table::{Cell, Shrink, Table};
use crate::client::{Error, Lang, words};

const DEADLINE: Duration = Duration::from_secs(10);

pub(super) async fn run(command: &Command, lang: Lang) -> Result<(), Error> {
    match command {
        Command::Announce(args) => announce(args, lang).await,
        Command::List(args) => list(args, lang).await,
        Command::Cancel(args) => cancel(args, lang).await,
    }
}

async fn announce(args: &Announce, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let from_us = args.from.as_ref().map_or_else(|| unix_micros(SystemTime::now()), micros);
    let wanted = AnnounceMaintenanceRequest {
        links: args.link.clone(),
        services: args.service.clone(),
        from: args.from,
        until: args.ends.of(from_us),
        reason: args.reason.clone(),
    };
    let request = session.request(wanted, Some(DEADLINE))?;
    let mut client = client(&session);
    let announced = answered_within(&session, DEADLINE, client.announce_maintenance(request)).await?;
    write(&[announced], args.output, lang)
}

async fn list(args: &List, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let request = session.request(ListMaintenanceRequest {}, Some(DEADLINE))?;
    let mut client = client(&session);
    let known = answered_within(&session, DEADLINE, client.list_maintenance(request)).await?;
    write(&known.maintenance, args.output, lang)
}

async fn cancel(args: &Cancel, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let request = session.request(CancelMaintenanceRequest { id: args.id.clone() }, Some(DEADLINE))?;
    let mut client = client(&session);
    let cancelled = answered_within(&session, DEADLINE, client.cancel_maintenance(request)).await?;
    write(&[cancelled], args.output, lang)
}

fn write(maintenance: &[Maintenance], output: Option<Listing>, lang: Lang) -> Result<(), Error> {
    let surface = Surface::of_stdout();
    let listing = surface.listing(output);
    if listing == Listing::Json {
        return maintenance.iter().try_for_each(|it| output::line(&output::json_line(it)?));
    }
    let header = match lang {
        Lang::En => ["from (+07:00)", "until (+07:00)", "state", "links", "reason", "announced by", "id"],
        Lang::Vi => {
            ["từ (+07:00)", "đến (+07:00)", "trạng thái", "kết nối", "lý do", "người thông báo", "mã"]
        }
    };
    let [_, _, _, links, reason, by, _] = header;
    let mut table = Table::new(header.to_vec())
        .wrapping(vec![links, reason])
        .shrinking([by, reason].map(Shrink::Drop).to_vec());
    let now_us = unix_micros(SystemTime::now());
    for it in maintenance {
        table.row(vec![
            words::minute(it.from.as_ref()).into(),
            words::minute(it.until.as_ref()).into(),
            state(it, now_us, lang),
            it.links.join(", ").into(),
            it.reason.as_str().into(),
            it.announced_by.as_str().into(),
            it.id.as_str().into(),
        ]);
    }
    table.write(listing, &surface)
}

fn state(maintenance: &Maintenance, now_us: i64, lang: Lang) -> Cell {
    let us = |at: &Option<_>| at.as_ref().map_or(0, micros);
    let (from_us, until_us) = (us(&maintenance.from), us(&maintenance.until));
    let (text, tone) = match maintenance.cancelled.is_some() {
        true => (lang.pick("cancelled", "đã huỷ"), Tone::Dim),
        false if now_us < from_us => (lang.pick("to come", "sắp tới"), Tone::Notice),
        false if now_us < until_us => (lang.pick("running", "đang chạy"), Tone::Warning),
        false => (lang.pick("over", "đã xong"), Tone::Dim),
    };
    Cell::new(text, tone)
}
