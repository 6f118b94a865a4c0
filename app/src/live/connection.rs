//! The stream of news from the server: it is watched, and opened again when it breaks.

use leptos::prelude::*;

/// What is wrong with the news. On the server there are none yet, so nothing can be.
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The server says nothing.
    Silent,
    /// The server speaks, but has not been able to look again for a while.
    Old,
}

/// How the news come in.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Age of what is shown, in seconds; `None` before the first word from the server.
    pub age: RwSignal<Option<u64>>,
    /// What is wrong, if anything is.
    pub trouble: RwSignal<Option<Trouble>>,
    /// There will be no more news.
    pub ended: RwSignal<bool>,
}

impl Connection {
    /// Nothing has been heard yet.
    pub fn new() -> Self {
        Self { age: RwSignal::new(None), trouble: RwSignal::new(None), ended: RwSignal::new(false) }
    }

    /// `updated 3 s ago`; before the first word (and forever without WebAssembly) `as_of`.
    pub fn freshness(self, as_of: String) -> impl IntoView {
        let text = move || match (self.ended.get(), self.age.get()) {
            (true, _) => "complete".to_owned(),
            (false, Some(age)) => format!("updated {} ago", span(age)),
            (false, None) => as_of.clone(),
        };
        view! { <p class="fresh">{text}</p> }
    }

    /// The banner for stale data. Its place is always there, so that screen readers notice a change.
    pub fn banner(self) -> impl IntoView {
        let text = move || match self.trouble.get()? {
            Trouble::Silent => Some(
                "The server does not answer. What you see is from before; this page keeps trying.",
            ),
            Trouble::Old => Some(
                "The server has not been able to look again for a while. What you see is from \
                 before. Is the file system slow or away?",
            ),
        };
        let quiet = move || self.trouble.get().is_none();
        view! {
            <div role="status">
                <div class="banner failed" hidden=quiet>
                    <i class="icon" aria-hidden="true"></i>
                    <strong>{text}</strong>
                </div>
            </div>
        }
    }
}

/// `3 s`, `4 min`, `2 h`.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

#[cfg(feature = "hydrate")]
pub use browser::follow;

#[cfg(feature = "hydrate")]
mod browser {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::time::Duration;

    use leptos::prelude::*;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{EventSource, MessageEvent};

    use super::{Connection, Trouble};

    /// Silence that is worth a banner. The server speaks at least every two seconds.
    const SILENT_MS: f64 = 6_000.0;
    /// Silence after which the stream is opened again, whatever the browser thinks of it.
    const BROKEN_MS: f64 = 15_000.0;
    /// Age of the server's data that is worth a banner although the server speaks.
    const OLD_MS: f64 = 15_000.0;

    type Handler = Box<dyn Fn(&MessageEvent)>;

    /// A connection with its stream.
    struct Stream {
        connection: Connection,
        address: Box<dyn Fn() -> String>,
        handlers: Vec<(&'static str, js_sys::Function)>,
        source: RefCell<Option<EventSource>>,
        /// When the server last spoke; at first, when this page began to listen.
        heard: Cell<f64>,
        /// When the stream was last opened.
        opened: Cell<f64>,
        /// How old the data were when the server last spoke, in milliseconds.
        age: Cell<Option<f64>>,
    }

    /// Listens to `address`, which is asked for again whenever the stream must be opened again. Each
    /// handler takes the events of its name; the event `beat` is seen to here.
    pub fn follow(
        connection: Connection,
        address: impl Fn() -> String + 'static,
        handlers: Vec<(&'static str, Handler)>,
    ) {
        let stream = Rc::new_cyclic(|stream: &std::rc::Weak<Stream>| {
            let stream = stream.clone();
            let beat: Handler = Box::new(move |event| {
                if let Some(stream) = stream.upgrade() {
                    stream.beat(event);
                }
            });
            let handlers = handlers.into_iter().chain([("beat", beat)]);
            Stream {
                connection,
                address: Box::new(address),
                handlers: handlers.map(|(name, handler)| (name, function(handler))).collect(),
                source: RefCell::default(),
                heard: Cell::new(js_sys::Date::now()),
                opened: Cell::new(0.0),
                age: Cell::new(None),
            }
        });
        stream.open();
        let ticking = Rc::clone(&stream);
        set_interval(move || ticking.tick(), Duration::from_secs(1));
        // A browser allows only few streams to one server: pages that nobody sees give theirs back.
        let seen = function(Box::new(move |_| {
            if document().hidden() {
                stream.close();
            } else {
                stream.heard.set(js_sys::Date::now());
                stream.open();
            }
        }));
        let _ = document().add_event_listener_with_callback("visibilitychange", &seen);
    }

    fn function(handler: Handler) -> js_sys::Function {
        let closure = Closure::<dyn Fn(MessageEvent)>::new(move |event| handler(&event));
        closure.into_js_value().unchecked_into()
    }

    impl Stream {
        fn open(&self) {
            self.close();
            if self.connection.ended.get_untracked() {
                return;
            }
            self.opened.set(js_sys::Date::now());
            let Ok(source) = EventSource::new(&(self.address)()) else { return };
            for (name, handler) in &self.handlers {
                let _ = source.add_event_listener_with_callback(name, handler);
            }
            self.source.replace(Some(source));
        }

        fn close(&self) {
            if let Some(source) = self.source.take() {
                source.close();
            }
        }

        /// A beat carries the age of the server's data in milliseconds.
        fn beat(&self, event: &MessageEvent) {
            self.heard.set(js_sys::Date::now());
            self.age.set(
                event.data().as_string().and_then(|text| text.parse::<u32>().ok()).map(f64::from),
            );
            self.show();
        }

        fn tick(&self) {
            if self.connection.ended.get_untracked() {
                self.close();
                return;
            }
            if document().hidden() {
                return;
            }
            self.show();
            let state = self.source.borrow().as_ref().map(EventSource::ready_state);
            let closed = state.is_none_or(|state| state == EventSource::CLOSED);
            let waited = js_sys::Date::now() - self.heard.get().max(self.opened.get());
            if closed || waited > BROKEN_MS {
                self.open();
            }
        }

        fn show(&self) {
            let silence = js_sys::Date::now() - self.heard.get();
            let age = self.age.get().map(|age| age + silence);
            let trouble = match age {
                _ if silence > SILENT_MS => Some(Trouble::Silent),
                Some(age) if age > OLD_MS => Some(Trouble::Old),
                _ => None,
            };
            self.connection.age.set(age.map(seconds));
            if self.connection.trouble.get_untracked() != trouble {
                self.connection.trouble.set(trouble);
            }
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // never negative
    fn seconds(milliseconds: f64) -> u64 {
        (milliseconds.max(0.0) / 1000.0) as u64
    }
}
