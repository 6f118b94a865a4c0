//! A graph to move about in: larger, smaller, by mouse, touch and keyboard. What is chosen in it is
//! a link; the page that it leads to is taken here, so that the graph stays where it was.

use leptos::prelude::*;

/// Makes the graph in it (`children`) one to move about in.
#[island]
pub fn GraphView(
    /// The graph, with what belongs to it.
    children: Children,
) -> impl IntoView {
    let awake = RwSignal::new(false);
    #[cfg(feature = "hydrate")]
    Effect::new(move || awake.set(browser::start().is_some()));
    let zoom = move |by: f64| {
        #[cfg(feature = "hydrate")]
        browser::zoom(by);
        #[cfg(not(feature = "hydrate"))]
        let _ = by;
    };
    let print = move |_| {
        #[cfg(feature = "hydrate")]
        let _ = window().print();
    };
    view! {
        <div class="bar zoom" role="group" aria-label="Size of the graph" hidden=move || !awake.get()>
            <button type="button" on:click=move |_| zoom(1.25)>"Larger"</button>
            <button type="button" on:click=move |_| zoom(0.8)>"Smaller"</button>
            <button type="button" on:click=move |_| zoom(0.0)>"Whole"</button>
            <button type="button" on:click=print>"Print"</button>
        </div>
        {children()}
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use std::cell::Cell;
    use std::rc::Rc;

    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use leptos::wasm_bindgen::closure::Closure;
    use leptos::wasm_bindgen::{JsCast, JsValue};
    use web_sys::{
        AddEventListenerOptions, Document, Element, Event, EventTarget, FormData, HtmlFormElement,
        KeyboardEvent, MouseEvent, TouchEvent, UrlSearchParams, WheelEvent,
    };

    use super::super::morph::morph;
    use super::super::page::fetch;

    /// What is taken again when something is chosen.
    const CONTENT: &str = ".provenance leptos-children";
    const DRAWING: &str = ".graph svg";
    /// A mouse that moves less than this, in pixels, has clicked.
    const STILL: i32 = 4;

    fn find(document: &Document, what: &str) -> Option<Element> {
        document.query_selector(what).ok().flatten()
    }

    /// Makes the drawing larger by a factor, or as wide as its frame if that is zero. What was in
    /// the middle stays there.
    pub fn zoom(by: f64) {
        let Some(frame) = find(&document(), ".graph") else { return };
        let Some(drawing) = find(&frame.owner_document().unwrap_or_else(document), DRAWING) else {
            return;
        };
        let own = drawing.get_attribute("width").and_then(|w| w.parse().ok()).unwrap_or(1.0);
        let now = drawing.get_bounding_client_rect().width() / own;
        let room = f64::from(frame.client_width());
        let scale = if by == 0.0 { room / own } else { now * by }.clamp(0.1, 4.0);
        let keep = |at: i32, size: i32| {
            let half = f64::from(size) / 2.0;
            (f64::from(at) + half) * scale / now - half
        };
        let left = keep(frame.scroll_left(), frame.client_width());
        let top = keep(frame.scroll_top(), frame.client_height());
        let _ = drawing.set_attribute("style", &format!("width:{}px;height:auto", own * scale));
        frame.scroll_to_with_x_and_y(left, top);
    }

    /// Listens to whatever moves the graph, and to what is chosen.
    pub fn start() -> Option<()> {
        let graph = find(&document(), ".graph")?;
        let article = find(&document(), ".provenance")?;
        listen(&graph, "wheel", |event: WheelEvent| {
            // A pinch on a touchpad comes as a wheel with ctrl.
            if event.ctrl_key() || event.meta_key() {
                event.prevent_default();
                zoom((-event.delta_y() / 200.0).exp());
            }
        });
        listen(&graph, "keydown", |event: KeyboardEvent| match event.key().as_str() {
            "+" | "=" => zoom(1.25),
            "-" => zoom(0.8),
            "0" => zoom(0.0),
            _ => {}
        });
        pinch(&graph);
        let dragged = drag(&graph);
        listen(&article, "click", move |event: MouseEvent| {
            if dragged.take() {
                event.prevent_default();
            } else if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
                follow(&event);
            }
        });
        listen(&article, "submit", |event: Event| search(&event).unwrap_or(()));
        listen(&window(), "popstate", |_: Event| {
            go(window().location().href().unwrap_or_default(), false);
        });
        Some(())
    }

    fn listen<E: JsCast>(on: &EventTarget, name: &str, mut then: impl FnMut(E) + 'static) {
        let then = move |event: Event| then(event.unchecked_into());
        let then = Closure::<dyn FnMut(Event)>::new(then).into_js_value();
        let options = AddEventListenerOptions::new();
        options.set_passive(false);
        let _ = on.add_event_listener_with_callback_and_add_event_listener_options(
            name,
            then.unchecked_ref(),
            &options,
        );
    }

    /// Moves the graph while the mouse is held down; the result tells whether it was since asked.
    fn drag(graph: &Element) -> Rc<Cell<bool>> {
        let dragged = Rc::new(Cell::new(false));
        let from = Rc::new(Cell::new(None));
        let (held, moved, frame) = (Rc::clone(&from), Rc::clone(&dragged), graph.clone());
        listen(graph, "mousedown", move |event: MouseEvent| {
            moved.set(false);
            let at = (event.client_x(), event.client_y());
            held.set((event.button() == 0).then_some((
                at,
                frame.scroll_left(),
                frame.scroll_top(),
            )));
        });
        let (moved, frame) = (Rc::clone(&dragged), graph.clone());
        listen(&window(), "mousemove", move |event: MouseEvent| {
            let Some(((x, y), left, top)) = from.get() else { return };
            if event.buttons() & 1 == 0 {
                from.set(None);
                return;
            }
            let (x, y) = (event.client_x() - x, event.client_y() - y);
            if x.abs().max(y.abs()) >= STILL {
                moved.set(true);
            }
            frame.set_scroll_left(left - x);
            frame.set_scroll_top(top - y);
        });
        // Links would be dragged away themselves.
        listen(graph, "dragstart", |event: Event| event.prevent_default());
        dragged
    }

    /// Two fingers make it larger or smaller; one scrolls by itself.
    fn pinch(graph: &Element) {
        let apart = Cell::new(0.0);
        let measure = move |event: TouchEvent| {
            let touches = event.touches();
            let (Some(a), Some(b)) = (touches.get(0), touches.get(1)) else {
                apart.set(0.0);
                return;
            };
            event.prevent_default();
            let (x, y) = (a.client_x() - b.client_x(), a.client_y() - b.client_y());
            let now = f64::from(x).hypot(f64::from(y)).max(1.0);
            if apart.get() > 0.0 {
                zoom(now / apart.get());
            }
            apart.set(now);
        };
        let measure = Rc::new(measure);
        for name in ["touchstart", "touchmove", "touchend"] {
            let measure = Rc::clone(&measure);
            listen(graph, name, move |event| measure(event));
        }
    }

    /// Goes where a link to another view of this page leads.
    fn follow(event: &MouseEvent) {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let link = target.and_then(|target| target.closest("a[href*='/provenance?']").ok()?);
        if let Some(address) = link.and_then(|link| link.get_attribute("href")) {
            event.prevent_default();
            go(address, true);
        }
    }

    /// Goes where a form leads.
    fn search(event: &Event) -> Option<()> {
        let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
        let data = FormData::new_with_form(&form).ok()?;
        let fields = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
        event.prevent_default();
        let to = form.get_attribute("action")?;
        go(format!("{to}?{}", String::from(fields.to_string())), true);
        Some(())
    }

    /// Takes the page at an address and shows what is different. If it cannot be taken, the
    /// browser goes there itself.
    fn go(address: String, forward: bool) {
        spawn_local(async move {
            let page = fetch(&address).await.ok();
            let content = |page: &Document| find(page, CONTENT);
            let both = page.and_then(|page| Some((content(&document())?, content(&page)?)));
            let Some((old, new)) = both else {
                let _ = window().location().set_href(&address);
                return;
            };
            let size = find(&document(), DRAWING).and_then(|svg| svg.get_attribute("style"));
            morph(&old, &new);
            if let Some((svg, size)) = find(&document(), DRAWING).zip(size) {
                let _ = svg.set_attribute("style", &size);
            }
            if forward && let Ok(history) = window().history() {
                let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&address));
            }
        });
    }
}
