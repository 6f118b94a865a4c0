//! The number and value of a camera's pixel under the pointer, or where the keyboard is. A map comes as
//! an image; once somebody is interested in it, the same drawing is put in its place, whose pixels are
//! links with titles.

use leptos::prelude::*;

/// Figures (`children`) whose maps are read out. Without WebAssembly a click leads to the drawing, which
/// tells the same by itself.
#[island]
pub fn Readout(
    /// The figures.
    children: Children,
) -> impl IntoView {
    let figures = NodeRef::<leptos::html::Div>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move || {
        if let Some(figures) = figures.get() {
            browser::listen(&figures);
        }
    });
    view! { <div class="figures" node_ref=figures>{children()}</div> }
}

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use leptos::wasm_bindgen::closure::Closure;
    use leptos::wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{DomParser, Element, Event, KeyboardEvent, Response, SupportedType};

    pub fn listen(figures: &Element) {
        on(figures, "pointerover", |_, target| match target.closest("a.map").ok().flatten() {
            Some(map) => open(map, false),
            None => tell(target),
        });
        on(figures, "focusin", |_, target| tell(target));
        on(figures, "click", |event, target| {
            if let Some(map) = target.closest("a.map").ok().flatten() {
                event.prevent_default();
                open(map, true);
            }
        });
        on(figures, "keydown", |event, target| {
            let (dx, dy) = match event.unchecked_ref::<KeyboardEvent>().key().as_str() {
                "ArrowLeft" => (-1.0, 0.0),
                "ArrowRight" => (1.0, 0.0),
                "ArrowUp" => (0.0, -1.0),
                "ArrowDown" => (0.0, 1.0),
                _ => return,
            };
            if let Some(pixel) = target.closest(PIXEL).ok().flatten() {
                event.prevent_default();
                step(&pixel, dx, dy);
            }
        });
    }

    /// A pixel of a map that is part of the page.
    const PIXEL: &str = ".pixels > a";

    fn on(figures: &Element, name: &str, act: impl Fn(&Event, &Element) + 'static) {
        let listener = Closure::<dyn Fn(Event)>::new(move |event: Event| {
            if let Some(target) = event.target().and_then(|target| target.dyn_into().ok()) {
                act(&event, &target);
            }
        });
        let function = listener.as_ref().unchecked_ref();
        let _ = figures.add_event_listener_with_callback(name, function);
        listener.forget(); // for as long as the page is there
    }

    /// Puts the drawing in the place of the image, once; with the keyboard's focus if it was there.
    fn open(map: Element, focus: bool) {
        if map.class_name() != "map" {
            return;
        }
        map.set_class_name("map opening");
        spawn_local(async move {
            if drawing(&map, focus).await.is_err() {
                map.set_class_name("map"); // it stays a link to the drawing
            }
        });
    }

    async fn drawing(map: &Element, focus: bool) -> Result<(), JsValue> {
        let address = map.get_attribute("href").unwrap_or_default();
        let response: Response =
            JsFuture::from(window().fetch_with_str(&address)).await?.unchecked_into();
        if !response.ok() {
            return Err(JsValue::NULL);
        }
        let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
        let drawing = DomParser::new()?.parse_from_string(&text, SupportedType::ImageSvgXml)?;
        let drawing = drawing.document_element().ok_or(JsValue::NULL)?;
        drawing.set_attribute("class", "map")?;
        let pixels = drawing.query_selector_all("a")?;
        for index in 0..pixels.length() {
            if let Some(pixel) = pixels.get(index) {
                // One stop for the keyboard; arrows lead from pixel to pixel.
                let stop = if index == 0 { "0" } else { "-1" };
                pixel.unchecked_ref::<Element>().set_attribute("tabindex", stop)?;
            }
        }
        map.replace_with_with_node_1(&drawing)?;
        if focus {
            focus_on(drawing.query_selector(PIXEL)?);
        }
        Ok(())
    }

    /// Writes the pixel's number and value below its map.
    fn tell(target: &Element) {
        let pixel = target.closest(PIXEL).ok().flatten();
        let title = pixel.as_ref().and_then(|pixel| pixel.query_selector("title").ok().flatten());
        let (Some(pixel), Some(title)) = (pixel, title) else { return };
        let output = pixel.closest("figure").ok().flatten();
        let output = output.and_then(|figure| figure.query_selector("output").ok().flatten());
        if let Some(output) = output {
            let text = title.text_content().unwrap_or_default();
            output.set_text_content(Some(&format!("Pixel {text}")));
        }
    }

    /// Moves on to the nearest pixel in a direction.
    fn step(from: &Element, dx: f64, dy: f64) {
        let Some((x, y)) = place(from) else { return };
        let pixels = from.parent_element().map(|parent| parent.children());
        let Some(pixels) = pixels else { return };
        let mut best: Option<(f64, Element)> = None;
        for index in 0..pixels.length() {
            let Some(pixel) = pixels.item(index) else { continue };
            let Some((px, py)) = place(&pixel) else { continue };
            let (ahead, aside) = ((px - x) * dx + (py - y) * dy, (px - x) * dy + (py - y) * dx);
            let far = ahead + 2.0 * aside.abs();
            if ahead > 0.1 && best.as_ref().is_none_or(|(least, _)| far < *least) {
                best = Some((far, pixel));
            }
        }
        focus_on(best.map(|(_, pixel)| pixel));
    }

    fn place(pixel: &Element) -> Option<(f64, f64)> {
        let shape = pixel.first_element_child()?;
        let number = |name: &str| shape.get_attribute(name)?.parse().ok();
        Some((number("x")?, number("y")?))
    }

    fn focus_on(pixel: Option<Element>) {
        if let Some(pixel) = pixel {
            let _ = pixel.unchecked_ref::<web_sys::SvgElement>().focus();
        }
    }
}
