//! A log file that is still being written to.

use leptos::prelude::*;

use super::connection::Connection;

/// The end of a log (`children`), and what is written to it from now on.
#[island]
pub fn LogTail(
    /// Where the server tells what is written, `?from=` being where the text in the page ends.
    events: String,
    /// `as of 2024-11-28 22:14:05 UTC`: shown until the first word from the server.
    as_of: String,
    /// The text in the page.
    children: Children,
) -> impl IntoView {
    let connection = Connection::new();
    let news = NodeRef::<leptos::html::Span>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move || {
        if let Some(news) = news.get() {
            browser::start(connection, events.clone(), news.into());
        }
    });
    #[cfg(not(feature = "hydrate"))]
    let _ = events;
    view! {
        <div class="log-live">
            {connection.freshness(as_of)}
            {connection.banner()}
            <div class="log-box end" role="region" aria-label="Log" tabindex="0">
                <pre>{children()}<span node_ref=news></span></pre>
            </div>
        </div>
    }
}

/// Words that make a line one to look at, as batch systems and Python write them.
const SIGNS: [&str; 14] = [
    "Error",
    "ERROR",
    "error:",
    "Traceback",
    "Exception",
    "CRITICAL",
    "FATAL",
    "Fatal",
    "fatal",
    "Killed",
    "CANCELLED",
    "TIME LIMIT",
    "No such file",
    "Segmentation fault",
];

/// Neighbouring lines of one kind: what tells of errors (`true`), or what does not. Line ends are
/// kept.
pub fn pieces(text: &str) -> Vec<(bool, &str)> {
    let mut pieces = Vec::new();
    let (mut kind, mut begin, mut at) = (false, 0, 0);
    for line in text.split_inclusive('\n') {
        let error = SIGNS.iter().any(|sign| line.contains(sign));
        if error != kind {
            pieces.push((kind, &text[begin..at]));
            (kind, begin) = (error, at);
        }
        at += line.len();
    }
    pieces.push((kind, &text[begin..]));
    pieces.retain(|(_, piece)| !piece.is_empty());
    pieces
}

#[cfg(feature = "hydrate")]
mod browser {
    use std::cell::RefCell;
    use std::rc::Rc;

    use leptos::prelude::*;
    use wasm_bindgen::JsValue;
    use web_sys::{Element, MessageEvent};

    use super::super::connection::{Connection, follow};

    /// Pieces of news kept in the page; what is older is a click away under "earlier".
    const MOST_LINES: u32 = 20_000;

    pub fn start(connection: Connection, events: String, news: Element) {
        // The address up to the offset, and the offset: after a break it is where we were.
        let begin = events.find("?from=").map_or(events.len(), |at| at + "?from=".len());
        let offset = Rc::new(RefCell::new(events[begin..].to_owned()));
        let address = {
            let offset = Rc::clone(&offset);
            move || format!("{}{}", &events[..begin], offset.borrow())
        };
        let append = move |event: &MessageEvent| {
            let text = event.data().as_string().and_then(|text| js_sys::JSON::parse(&text).ok());
            if let Some(text) = text.and_then(|text| text.as_string()) {
                offset.replace(event.last_event_id());
                let _ = add(&news, &text);
            }
        };
        let end = move |_: &MessageEvent| connection.ended.set(true);
        follow(connection, address, vec![("append", Box::new(append)), ("end", Box::new(end))]);
    }

    fn add(news: &Element, text: &str) -> Result<(), JsValue> {
        for (error, piece) in super::pieces(text) {
            let line = document().create_element(if error { "mark" } else { "span" })?;
            line.set_text_content(Some(piece));
            news.append_child(&line)?;
        }
        while news.child_element_count() > MOST_LINES
            && let Some(oldest) = news.first_element_child()
        {
            oldest.remove();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_kind_stay_together_and_nothing_is_lost() {
        let text = "one\ntwo\nTraceback (most recent call last):\nOSError: no\nend";
        let pieces = pieces(text);
        let kinds: Vec<bool> = pieces.iter().map(|(error, _)| *error).collect();
        assert_eq!(kinds, [false, true, false]);
        assert_eq!(pieces.iter().map(|(_, piece)| *piece).collect::<String>(), text);
        assert!(super::pieces("").is_empty());
    }
}
