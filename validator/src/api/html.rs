//! The same in HTML: plain pages, without scripts, that work in any browser.
//!
//! What strangers wrote (reasons of refusals, values of tensors) is escaped, and the pages may load
//! nothing at all.

use super::page::MinerPage;
use crate::{
    scoring::Breakdown,
    shown::{Shown, ShownTensor},
    store::OutcomeLine,
};
use assay_primitives::NetUid;
use axum::{
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use std::fmt::Write as _;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;\
    padding:0 1rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;\
    padding:.25rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}\
    td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code,pre{font-size:.8rem;\
    overflow-wrap:anywhere;white-space:pre-wrap}";

/// A page as an answer.
pub(super) fn response(html: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'",
        ),
    ];
    (headers, html).into_response()
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style><h1>{title}</h1>{body}</html>",
        title = escaped(title)
    )
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            letter => safe.push(letter),
        }
    }
    safe
}

/// All miners, the best first.
pub(super) fn miners(netuid: NetUid, lines: &[Breakdown]) -> String {
    let mut lines: Vec<&Breakdown> = lines.iter().collect();
    lines.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.uid.cmp(&b.uid)));
    let mut body = String::from(
        "<table><tr><th class=n>uid<th class=n>score<th class=n>quality<th class=n>interval\
         <th class=n>asked<th class=n>no answer<th class=n>time<th class=n>weight",
    );
    for line in lines {
        // Writing to a string does not fail.
        let _ = write!(
            body,
            "<tr><td class=n><a href=\"/subnets/{netuid}/miners/{uid}\">{uid}</a>\
             <td class=n>{:.4}<td class=n>{:.4}<td class=n>{:.4} – {:.4}<td class=n>{}\
             <td class=n>{:.1} %<td class=n>{:.1} %<td class=n>{}",
            line.score,
            line.quality,
            line.low,
            line.high,
            line.asked,
            line.absence * 100.0,
            line.time * 100.0,
            line.weight,
            uid = line.uid,
        );
    }
    body += "</table>";
    document(&format!("Miners of subnet {netuid}"), &body)
}

/// One miner.
pub(super) fn miner(page: &MinerPage) -> String {
    let (netuid, uid) = (page.netuid, page.breakdown.uid);
    let mut body = format!(
        "<p>Hotkey <code>{}</code>, seen by the validator <code>{}</code> at block {}, epoch {}.",
        escaped(&page.hotkey),
        escaped(&page.validator),
        page.block,
        page.epoch
    );
    for section in page.explanation() {
        let _ = write!(body, "<h2>{}</h2><p>", escaped(section.title));
        let lines: Vec<String> = section.lines.iter().map(|line| escaped(line)).collect();
        body += &lines.join("<br>");
    }
    let _ = write!(
        body,
        "<h2>Requests</h2><p><a href=\"/subnets/{netuid}/miners/{uid}/receipts\">Download the \
         receipts</a>: one JSON object a line, signed by both sides."
    );
    body += "<table><tr><th class=n>round<th class=n>block<th class=n>items<th>outcome\
             <th class=n>score<th class=n>ms<th>counts<th>what was asked, what came back";
    for line in &page.history.latest {
        request(&mut body, line);
    }
    body += "</table>";
    if !page.history.before.is_empty() {
        body +=
            "<h2>Before that</h2><table><tr><th class=n>epoch<th class=n>rounds<th class=n>items\
                 <th class=n>mean score<th class=n>answered";
        for epoch in &page.history.before {
            let _ = write!(
                body,
                "<tr><td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{:.4}<td class=n>{}",
                epoch.epoch, epoch.rounds, epoch.items, epoch.score, epoch.answered
            );
        }
        body += "</table>";
    }
    document(&format!("Miner {uid} of subnet {netuid}"), &body)
}

fn request(body: &mut String, line: &OutcomeLine) {
    let outcome = match &line.detail {
        Some(detail) => format!("{}: {detail}", line.kind.replace('_', " ")),
        None => line.kind.replace('_', " "),
    };
    let _ = write!(
        body,
        "<tr><td class=n>{}<td class=n>{}<td class=n>{}<td>{}<td class=n>{:.4}<td class=n>{}<td>{}<td>",
        line.round,
        line.block,
        line.items,
        escaped(&outcome),
        line.score,
        line.took_ms.map(|took| format!("{took:.1}")).unwrap_or_default(),
        if line.counted { "yes" } else { "no" },
    );
    if let Some(shown) = &line.shown {
        exchange(body, shown);
    }
}

fn exchange(body: &mut String, shown: &Shown) {
    let _ = write!(
        body,
        "<details><summary>{}</summary>",
        escaped(&shown.model)
    );
    tensors(body, "asked", &shown.asked);
    tensors(body, "came back", &shown.came_back);
    if !shown.scores.is_empty() {
        let one = f64::from(assay_primitives::SCORE_ONE);
        let scores: Vec<String> = shown
            .scores
            .iter()
            .map(|score| format!("{}", f64::from(*score) / one))
            .collect();
        let _ = write!(body, "<p>scores: <code>{}</code>", scores.join(" "));
    }
    *body += "</details>";
}

fn tensors(body: &mut String, title: &str, tensors: &[ShownTensor]) {
    for tensor in tensors {
        let more = match tensor.left_out {
            0 => String::new(),
            count => format!(" … and {count} more"),
        };
        let _ = write!(
            body,
            "<p>{title}: {} {} {:?}<br><code>{}{more}</code>",
            escaped(&tensor.name),
            escaped(&tensor.datatype),
            tensor.shape,
            escaped(&tensor.values),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_is_escaped() {
        let line = OutcomeLine {
            round: 1,
            block: 2,
            first_item: 0,
            items: 1,
            score: 0.0,
            kind: "refused".into(),
            detail: Some("<script>alert('x')</script>".into()),
            took_ms: None,
            counted: true,
            shown: None,
            receipt: None,
        };
        let mut body = String::new();
        request(&mut body, &line);
        assert!(!body.contains("<script>"), "{body}");
        assert!(body.contains("&lt;script&gt;alert(&#39;x&#39;)"), "{body}");
    }
}
