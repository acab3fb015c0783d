//! `lgsp alert list`.

use lgsp_proto::monitor::v1::{Alert, ListAlertsRequest};

use super::{DEADLINE, client, words};
use crate::cli::alerts::List;
use crate::client::output::{self, Listing, Surface};
use crate::client::registry::{answered_within, open};
use crate::client::table::{Shrink, Table};
use crate::client::{Error, Lang, words as moments};

pub(super) async fn run(args: &List, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let request = session.request(ListAlertsRequest { resolved_since: args.resolved }, Some(DEADLINE))?;
    let mut client = client(&session);
    let told = answered_within(&session, DEADLINE, client.list_alerts(request)).await?;
    if !told.untold_receivers.is_empty() {
        let note = lang.pick("could not be told of alerts lately", "chưa gửi được cảnh báo đến");
        output::note(&format!("{note}: {}", told.untold_receivers.join(", ")));
    }
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if listing == Listing::Json {
        return told.alerts.iter().try_for_each(|alert| output::line(&output::json_line(alert)?));
    }
    table(&told.alerts, lang).write(listing, &surface)
}

pub(super) fn table(alerts: &[Alert], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => ["state", "severity", "rule", "subject", "since (+07:00)", "why", "owner", "id"],
        Lang::Vi => ["trạng thái", "mức độ", "quy tắc", "đối tượng", "từ (+07:00)", "căn cứ", "đơn vị", "mã"],
    };
    let [_, _, _, subject, since, why, owner, _] = header;
    let mut table = Table::new(header.to_vec())
        .wrapping(vec![subject, why])
        .shrinking([owner, since].map(Shrink::Drop).to_vec());
    for alert in alerts {
        table.row(vec![
            words::state(alert.state(), lang),
            words::severity(alert.severity(), lang),
            alert.rule.as_str().into(),
            alert.subject.as_str().into(),
            moments::minute(alert.since.as_ref()).into(),
            words::why(alert, lang).into(),
            alert.owner.as_str().into(),
            alert.id.as_str().into(),
        ]);
    }
    table
}
