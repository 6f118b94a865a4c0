//! The frame of every page, and which page is where.

use http::{HeaderValue, header};
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::backend::{BackendError, backend};
use crate::form;
use crate::live::ThemeSwitch;
use crate::model::Notice;
use crate::pages::{
    AccountPage, ActionPage, ApiPage, ComparePage, LogPage, NightDatacheckPage, NightPage,
    NightsPage, NotFoundPage, ProductsPage, ProvenancePage, RangeDatacheckPage, RunDatacheckPage,
    RunPage, SignInPage, UsersPage, problem,
};
use crate::parts::banner::banner;
use crate::parts::format::sentence;
use crate::parts::links;
use crate::parts::state::Tone;
use crate::people::visitor;

/// What every page must know of the site it is part of.
#[derive(Clone, Debug)]
pub struct Site {
    /// Path prefix behind a reverse proxy: empty, or such as `/osa`.
    pub prefix: String,
}

/// The document around the page of the address, or around the `error` that is shown in its place. All
/// addresses in it are relative to its base.
pub fn shell(site: Site, error: Option<BackendError>) -> impl IntoView {
    let Site { prefix } = site;
    restrict_content();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <base href=format!("{prefix}/")/>
                <link rel="icon" href="favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href="pkg/app.css"/>
                <script src="theme.js"></script>
                {start()}
                <MetaTags/>
            </head>
            <body>
                <Frame error/>
            </body>
        </html>
    }
}

/// What loads the WebAssembly and wakes the islands. Leptos has a component for it, which writes the nonce
/// into attributes that anybody can read (<https://github.com/leptos-rs/leptos/issues/4843>): browsers
/// hide a nonce only where it belongs.
fn start() -> impl IntoView {
    const START: &str = include_str!("start.js");
    // Only islands are hydrated: nothing is sent with the page for the rest of it.
    if let Some(context) = Owner::current_shared_context() {
        context.set_is_hydrating(false);
    }
    view! {
        <script type="module" nonce=use_nonce()>{START}</script>
    }
}

/// Everything comes from this server and nowhere else, and of scripts in the page only that runs which
/// starts the WebAssembly and bears this page's nonce. Inline styles carry widths.
fn restrict_content() {
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else {
        return;
    };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' \
         'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; \
         form-action 'self'; frame-ancestors 'self'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// The pages.
#[component]
pub fn App() -> impl IntoView {
    view! { <Frame error=None/> }
}

/// What is around every page.
#[component]
fn Frame(
    /// What is shown instead of the page.
    error: Option<BackendError>,
) -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| format!("{title} · LST-1 on-site analysis")/>
        <Router>
            <SkipLink/>
            <header class="top">
                <a class="brand" href="./"><b>"osa"</b><span>" LST-1 on-site analysis"</span></a>
                <div class="tools"><CurrentUser/><ThemeSwitch/></div>
            </header>
            <main id="main" tabindex="-1">{site_banners()}{form::banner()}{content(error)}</main>
            <footer class="foot"><a href="api">"Interface for programs"</a></footer>
        </Router>
    }
}

/// What is wrong with the whole site.
fn site_banners() -> Vec<AnyView> {
    let notices = backend().map(|backend| backend.site_notices()).unwrap_or_default();
    let site_banner = |Notice { message, hint, .. }: Notice| {
        let hint = Some(hint).filter(|hint| !hint.is_empty()).map(|hint| sentence(&hint));
        let text = view! { <strong>{sentence(&message)}</strong> };
        banner(Tone::Failed, "alert", text, hint).into_any()
    };
    notices.into_iter().map(site_banner).collect()
}

/// The page that belongs to the address, or the error in its place.
fn content(error: Option<BackendError>) -> impl IntoView {
    if let Some(error) = error {
        return problem(&error).into_any();
    }
    view! {
                <Routes fallback=NotFoundPage>
                    <Route path=path!("") view=NightsPage ssr=SsrMode::Async/>
                    <Route path=path!("nights") view=NightsPage ssr=SsrMode::Async/>
                    <Route path=path!("nights/:date") view=NightPage ssr=SsrMode::Async/>
                    <Route path=path!("nights/:date/actions/new") view=ActionPage ssr=SsrMode::Async/>
                    <Route
                        path=path!("nights/:date/datacheck")
                        view=NightDatacheckPage
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("nights/:date/products")
                        view=ProductsPage
                        ssr=SsrMode::Async
                    />
                    <Route path=path!("datacheck") view=RangeDatacheckPage ssr=SsrMode::Async/>
                    <Route path=path!("nights/:date/runs/:run") view=RunPage ssr=SsrMode::Async/>
                    <Route
                        path=path!("nights/:date/runs/:run/datacheck")
                        view=RunDatacheckPage
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("nights/:date/runs/:run/datacheck/compare")
                        view=ComparePage
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("nights/:date/runs/:run/provenance")
                        view=ProvenancePage
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("nights/:date/runs/:run/logs/:name")
                        view=LogPage
                        ssr=SsrMode::Async
                    />
                    <Route path=path!("api") view=ApiPage ssr=SsrMode::Async/>
                    <Route path=path!("sign-in") view=SignInPage ssr=SsrMode::Async/>
                    <Route path=path!("account") view=AccountPage ssr=SsrMode::Async/>
                    <Route path=path!("users") view=UsersPage ssr=SsrMode::Async/>
                </Routes>
    }
    .into_any()
}

/// Who is signed in, or the way to sign in and back to this page.
#[component]
fn CurrentUser() -> impl IntoView {
    if let Some(user) = visitor().signed_in {
        return view! {
            <a class="current-user" href="account">
                <span class="unseen">"Account of "</span>
                <b>{user.name.to_string()}</b>
                <span class="role">" "{user.role.as_str()}</span>
            </a>
        }
        .into_any();
    }
    let path = leptos_router::hooks::use_location().pathname.get_untracked();
    if path.trim_matches('/') == "sign-in" {
        return ().into_any();
    }
    let here = here();
    let href = if here.is_empty() { "sign-in".to_owned() } else { format!("sign-in?to={here}") };
    view! { <a class="current-user" href=href>"Sign in"</a> }.into_any()
}

/// This page, relative to the base, as a value in a query.
fn here() -> String {
    let location = leptos_router::hooks::use_location();
    let path = location.pathname.get_untracked();
    let search = location.search.get_untracked();
    let query = if search.is_empty() { search } else { format!("?{search}") };
    links::quoted(&format!("{}{query}", path.trim_matches('/')))
}

/// The way past the head for those who use the keyboard. With a base, a link within the page must
/// name the page.
#[component]
fn SkipLink() -> impl IntoView {
    let location = leptos_router::hooks::use_location();
    let path = location.pathname.get_untracked();
    let search = location.search.get_untracked();
    let query = if search.is_empty() { search } else { format!("?{search}") };
    let here = format!("{}{query}#main", path.trim_start_matches('/'));
    view! { <a class="skip" href=here>"Skip to the content"</a> }
}
