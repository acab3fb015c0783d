//! A report as one file for a browser and for print: no scripts, and nothing from elsewhere.

use std::fmt::Write as _;

use super::story::{Story, Time};
use super::text;
use crate::client::Lang;
use crate::client::html::escaped;

const STYLE: &str = "@page{size:A4;margin:18mm}\
body{font:11pt/1.45 'Noto Serif','Times New Roman',serif;color:#111;max-width:174mm;margin:2em auto;padding:0 1em}\
h1{font-size:16pt}h2{font-size:13pt;margin-top:1.6em}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.2em .6em .2em 0;border-bottom:1px solid #ccc}\
article{break-inside:avoid;margin:.9em 0}dl{display:grid;grid-template-columns:9em 1fr;margin:.2em 0}dd{margin:0}\
dt{color:#555}.mark{border:2px solid #a00;padding:.5em;color:#a00}\
@media print{body{margin:0;max-width:none;padding:0}}";

pub(super) fn page(story: &Story, lang: Lang) -> String {
    let title = escaped(&format!("{} {}", text::title(lang), story.subject));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
        lang.pick("en", "vi"),
    );
    let _ = writeln!(
        page,
        "<p>{}: {}<br>{}: {} (+07:00)</p>",
        lang.pick("Period", "Kỳ"),
        escaped(&story.period),
        lang.pick("Made at", "Lập lúc"),
        escaped(&story.made_at),
    );
    if story.with_withheld {
        let _ = writeln!(page, "<p class=\"mark\">{}</p>", escaped(text::for_auditors(lang)));
    }
    let _ = writeln!(page, "<p>{}</p>\n<table>", escaped(&text::summary(story, lang)));
    for agency in &story.agencies {
        let counts = text::counts(agency.received, agency.asked_in_vain, lang);
        let _ = writeln!(page, "<tr><th>{}</th><td>{}</td></tr>", escaped(&agency.name), escaped(&counts));
    }
    page += "</table>\n";
    for agency in &story.agencies {
        let _ = writeln!(page, "<h2>{}</h2>", escaped(&agency.name));
        agency.times.iter().for_each(|time| page += &article(time, lang));
    }
    let _ = writeln!(page, "<h2>{}</h2>\n<ul>", escaped(text::not_covered(lang)));
    for line in story.not_covered(lang) {
        let _ = writeln!(page, "<li>{}</li>", escaped(&line));
    }
    page + "</ul>\n</body>\n</html>\n"
}

fn article(time: &Time, lang: Lang) -> String {
    let mut article = format!(
        "<article>\n<b>{}</b> {} ({})\n<dl>",
        escaped(&time.at),
        escaped(&time.what),
        escaped(&time.how),
    );
    for (label, text) in text::rows(time, lang) {
        let _ = write!(article, "<dt>{}</dt><dd>{}</dd>", escaped(label), escaped(&text));
    }
    article + "</dl>\n</article>\n"
}

#[cfg(test)]
mod tests {
    use super::super::story::tests::story;
    use super::*;

    #[test]
    fn a_hostile_name_stays_text() {
        let page = page(&story(Lang::Vi), Lang::Vi);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Sở&quot;"), "{page}");
        assert!(page.contains("Nghị định &lt;278&gt;"), "{page}");
        assert!(!page.contains("src=") && !page.contains("href="), "nothing from elsewhere");
    }
}
