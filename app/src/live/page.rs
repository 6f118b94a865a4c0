//! A page that follows the news.

use leptos::prelude::*;

use super::connection::Connection;

/// Keeps what is in it (`children`) as the server has it, and says how old that is.
#[island]
pub fn Live(
    /// Where the server tells of changes.
    events: String,
    /// Version of what is shown, as the server counts.
    version: String,
    /// `as of 2024-11-28 22:14:05 UTC`: shown until the first word from the server.
    as_of: String,
    /// The page.
    children: Children,
) -> impl IntoView {
    let connection = Connection::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move || browser::start(connection, events.clone(), version.clone()));
    #[cfg(not(feature = "hydrate"))]
    let _ = (events, version);
    view! {
        <div class="live">
            {connection.freshness(as_of)}
            {connection.banner()}
            {children()}
        </div>
    }
}

#[cfg(feature = "hydrate")]
pub use browser::fetch;

#[cfg(feature = "hydrate")]
mod browser {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use leptos::wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{Document, DomParser, Element, MessageEvent, Response, SupportedType, Url};

    use super::super::connection::{Connection, follow};
    use super::super::morph::morph;
    use crate::model::RESULT;

    /// What is kept as the server has it.
    const CONTENT: &str = ".live > leptos-children";

    /// The version that is shown, and the one that the server has.
    struct Versions {
        shown: RefCell<String>,
        newest: RefCell<String>,
        fetching: Cell<bool>,
    }

    pub fn start(connection: Connection, events: String, version: String) {
        // The address is complete without it, whether or not the browser takes the change.
        let _ = forget_result();
        let versions = Rc::new(Versions {
            shown: RefCell::new(version.clone()),
            newest: RefCell::new(version),
            fetching: Cell::new(false),
        });
        let told = Rc::clone(&versions);
        let change = move |event: &MessageEvent| {
            if let Some(version) = event.data().as_string() {
                told.newest.replace(version);
                update(&told);
            }
        };
        // What could not be taken is tried again.
        let beat = move |_: &MessageEvent| update(&versions);
        follow(
            connection,
            move || events.clone(),
            vec![("change", Box::new(change)), ("beat", Box::new(beat))],
        );
    }

    /// Removes the number of a form's outcome from the address: it has been shown, and the page is asked
    /// for again and again.
    fn forget_result() -> Result<(), JsValue> {
        let address = Url::new(&window().location().href()?)?;
        let query = address.search_params();
        if query.has(RESULT) {
            query.delete(RESULT);
            let history = window().history()?;
            history.replace_state_with_url(&JsValue::NULL, "", Some(&address.href()))?;
        }
        Ok(())
    }

    /// Takes the page again if the server has a newer one, one fetch at a time.
    fn update(versions: &Rc<Versions>) {
        let newest = versions.newest.borrow().clone();
        if *versions.shown.borrow() == newest || versions.fetching.replace(true) {
            return;
        }
        let versions = Rc::clone(versions);
        spawn_local(async move {
            let here = window().location().href().unwrap_or_default();
            let shown = fetch(&here).await.is_ok_and(|page| show(&page).is_some());
            versions.fetching.set(false);
            if shown {
                versions.shown.replace(newest);
                update(&versions);
            }
        });
    }

    /// A page as the server has it now.
    pub async fn fetch(address: &str) -> Result<Document, JsValue> {
        let response: Response =
            JsFuture::from(window().fetch_with_str(address)).await?.unchecked_into();
        let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
        DomParser::new()?.parse_from_string(&text, SupportedType::TextHtml)
    }

    fn show(page: &Document) -> Option<()> {
        let find = |document: &Document| document.query_selector(CONTENT).ok().flatten();
        let (old, new): (Element, Element) = (find(&document())?, find(page)?);
        morph(&old, &new);
        document().set_title(&page.title());
        Some(())
    }
}
