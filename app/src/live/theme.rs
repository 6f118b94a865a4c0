//! Light or dark by choice; as the system prefers unless the user chose. The choice is kept in the
//! browser, and applied by `theme.js` before a page is painted.

use leptos::prelude::*;

/// The switch in the page's head.
#[island]
pub fn ThemeSwitch() -> impl IntoView {
    let theme = RwSignal::new(String::from("system"));
    #[cfg(feature = "hydrate")]
    Effect::new(move || {
        if let Some(Ok(Some(kept))) = storage().map(|storage| storage.get_item(KEY)) {
            theme.set(kept);
        }
    });
    let choose = move |choice: String| {
        #[cfg(feature = "hydrate")]
        keep(&choice);
        theme.set(choice);
    };
    view! {
        <label class="theme">
            <span class="unseen">"Colours"</span>
            <select prop:value=theme on:change:target=move |event| choose(event.target().value())>
                <option value="system">"System colours"</option>
                <option value="light">"Light"</option>
                <option value="dark">"Dark"</option>
            </select>
        </label>
    }
}

#[cfg(feature = "hydrate")]
const KEY: &str = "osa-theme";

#[cfg(feature = "hydrate")]
fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

#[cfg(feature = "hydrate")]
fn keep(choice: &str) {
    if let Some(storage) = storage() {
        let _ = match choice {
            "system" => storage.remove_item(KEY),
            choice => storage.set_item(KEY, choice),
        };
    }
    if let Some(root) = document().document_element() {
        let _ = match choice {
            "system" => root.remove_attribute("data-theme"),
            choice => root.set_attribute("data-theme", choice),
        };
    }
}
