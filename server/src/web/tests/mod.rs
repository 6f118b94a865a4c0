//! Every address, asked as a browser does, of a site that a test makes up.

mod accounts;
mod actions;
mod csrf;
mod evidence;
mod functions;
mod hosts;
mod notes;
mod openapi;
mod pages;
mod paths;
mod products;
mod quality;

mod rules;
mod sessions;
mod tokens;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::api;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::{DateTime, Days, TimeDelta, Utc};
use http_body_util::BodyExt;
use leptos::server_fn::ServerFn;
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

use super::caller::Caller;
use super::problem::Problem;
use super::rules::{self as table, Needs, Route};
use super::testing::{FakeActions, FakeScheduler, FakeSite};
use super::{People, Watcher, WebConfig, WebState, router_of};
use crate::config::{AccessConfig, ServerConfig};
use crate::model::Role;
use crate::people;
use crate::store::Store;

/// A server without a network.
struct TestApp {
    router: Router,
    site: Arc<FakeSite>,
    actions: FakeActions,
    scheduler: FakeScheduler,
    watcher: Arc<Watcher>,
    close: watch::Sender<bool>,
    dir: TempDir,
    store: Store,
    /// What the clock shows.
    time: Arc<Mutex<DateTime<Utc>>>,
    state: WebState,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl TestApp {
    async fn new() -> Self {
        Self::at("").await
    }

    async fn at(prefix: &str) -> Self {
        Self::with(prefix, |_| ()).await
    }

    /// With settings of its own.
    async fn with(prefix: &str, set: impl FnOnce(&mut AccessConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (site_dir, logs) = (dir.path().join("site"), dir.path().join("log"));
        std::fs::create_dir_all(site_dir.join("pkg")).unwrap();
        std::fs::create_dir(&logs).unwrap();
        std::fs::write(site_dir.join("pkg/app.css"), "a { color: red }").unwrap();
        std::fs::write(site_dir.join("pkg/app.css.br"), "not really brotli").unwrap();
        std::fs::write(dir.path().join("secret"), "secret").unwrap();
        let site = Arc::new(FakeSite::new(logs));
        let poll = Duration::from_millis(20);
        let criteria = crate::datacheck::Criteria::new(None).unwrap();
        let store = Store::open(&dir.path().join("osa.sqlite")).await.unwrap();
        let reader = Arc::clone(&site) as _;
        let watcher = Watcher::new(reader, "slurm", poll, criteria, store.clone());
        let (close, closing) = watch::channel(false);
        let server = ServerConfig::read(None, &|_| None).unwrap();
        let (mut access, connections) = (server.access, server.connections);
        let listen = [127, 0, 0, 1].into();
        let health = super::HealthConfig { directories: Vec::new(), least_free_mb: 0 };
        let prefix = prefix.into();
        let config = WebConfig { prefix, listen, site: site_dir, connections, health };
        access.hosts = vec!["osa.test".to_owned()];
        set(&mut access);
        let time = Arc::new(Mutex::new(Utc::now()));
        let shown = Arc::clone(&time);
        let clock = Arc::new(move || *shown.lock().unwrap());
        let people = People::at(store.clone(), access, clock);
        let actions = FakeActions::default();
        let service = Arc::new(actions.clone());
        let mut kept = None;
        let routes = |state: &WebState| {
            kept = Some(state.clone());
            table::routes(state).into_iter().chain(probes()).collect()
        };
        let router = router_of(&config, Arc::clone(&watcher), people, service, closing, routes);
        let scheduler = FakeScheduler::new();
        let state = kept.unwrap();
        Self { router, site, actions, scheduler, watcher, close, dir, store, time, state }
    }

    /// Lets the watcher look again and again, as a server does.
    fn watching(self) -> Self {
        let scheduler = Arc::new(self.scheduler.clone());
        let pace = crate::web::AskPace::new(Duration::from_millis(20));
        tokio::spawn(Arc::clone(&self.watcher).run(scheduler, None, Days::new(3), pace));
        self
    }

    fn log(&self, name: &str, text: &str) {
        std::fs::write(self.site.logs.join(name), text).unwrap();
    }

    async fn ask(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        self.get_as(path, "identity").await
    }

    async fn get_as(&self, path: &str, encoding: &str) -> Answer {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, encoding);
        let response = self.ask(request.body(Body::empty()).unwrap()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, text: String::from_utf8_lossy(&body).into_owned() }
    }

    /// The next event of this name from a stream.
    async fn event(body: &mut Body, name: &str) -> String {
        let mut text = String::new();
        let wanted = format!("event: {name}\n");
        let read = async {
            loop {
                let frame = body.frame().await.unwrap().unwrap();
                text.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
                let found = text
                    .split("\n\n")
                    .map(|event| format!("{event}\n"))
                    .find(|event| event.contains(&wanted) && event.contains("data:"));
                if let Some(event) = found {
                    return event;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), read).await.unwrap()
    }

    async fn stream(&self, path: &str) -> Body {
        let response = self.ask(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        response.into_body()
    }
}

/// Addresses that only tests have: what shifters will do, in the browser and through the interface.
fn probes() -> [Route; 2] {
    let action = |caller: Caller| async move {
        let author = caller.author(Role::Shifter)?;
        Ok::<_, Problem>(format!("done by {author}"))
    };
    [
        table::post("/probe", Needs::Role(Role::Shifter), action),
        table::post("/api/v1/probe", Needs::Role(Role::Shifter), action),
    ]
}

/// A browser, with its cookies.
struct Browser<'a> {
    app: &'a TestApp,
    cookies: BTreeMap<String, String>,
}

impl TestApp {
    /// A user with the password `password of NAME`.
    async fn user(&self, name: &str, role: Role) {
        let name = name.parse().unwrap();
        let password = format!("password of {name}");
        people::add_user(&self.store, &name, role, &password, Utc::now()).await.unwrap();
    }

    /// A token of nobody's; it takes the place of an older one.
    async fn token(&self, name: &str, role: Role) -> String {
        let (name, now) = (name.parse().unwrap(), *self.time.lock().unwrap());
        let _ = people::revoke_token(&self.store, &name, None, now).await;
        let secret = people::add_token(&self.store, &name, role, None, None, now).await.unwrap();
        secret.reveal().to_owned()
    }

    /// What handlers get, for the table of routes.
    fn state(&self) -> WebState {
        self.state.clone()
    }

    fn browser(&self) -> Browser<'_> {
        Browser { app: self, cookies: BTreeMap::new() }
    }

    /// A browser in which this user is signed in.
    async fn signed_in(&self, name: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let answer = browser.sign_in(name, &format!("password of {name}")).await;
        assert_eq!(answer.location(), "/", "{}", answer.text);
        browser
    }

    /// Lets time pass.
    fn wait(&self, time: TimeDelta) {
        *self.time.lock().unwrap() += time;
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.ask(request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, text: String::from_utf8_lossy(&body).into_owned() }
    }
}

impl Browser<'_> {
    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let cookies: Vec<_> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let request = Request::builder().method(method).uri(path).header(header::HOST, "osa.test");
        match cookies.is_empty() {
            true => request,
            false => request.header(header::COOKIE, cookies.join("; ")),
        }
    }

    async fn send(&mut self, request: Request<Body>) -> Answer {
        let answer = self.app.answer(request).await;
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            match rest.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    /// The secret of the forms that this browser is shown.
    async fn token(&mut self) -> String {
        let page = if self.cookies.contains_key("osa_session") { "/account" } else { "/sign-in" };
        self.get(page).await.form_token()
    }

    /// Sends a form as a page of ours does that has this secret.
    async fn post_with(&mut self, path: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.post_request(path).header(header::ACCEPT, "text/html");
        let body = form_body(token, fields);
        self.send(request.body(body).unwrap()).await
    }

    /// Calls a server function as a script of ours does: the answer is its value or its error.
    async fn call<F: ServerFn>(&mut self, fields: &[(&str, &str)]) -> Answer {
        let token = self.token().await;
        let request = self.post_request(F::PATH);
        let body = form_body(&token, fields);
        self.send(request.body(body).unwrap()).await
    }

    /// Calls a server function by a form on the page `back`; the answer is a redirect.
    async fn form<F: ServerFn>(&mut self, back: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token().await;
        let path = format!("/{}", app::form::action::<F>(back, None));
        let answer = self.post_with(&path, &token, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer
    }

    /// The same, and the page to which it leads.
    async fn submit<F: ServerFn>(&mut self, back: &str, fields: &[(&str, &str)]) -> Answer {
        let to = self.form::<F>(back, fields).await.location().to_owned();
        self.get(&to).await
    }

    fn post_request(&self, path: &str) -> axum::http::request::Builder {
        self.request("POST", path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, "http://osa.test")
    }

    /// Signs in by the form; the answer leads to the list of nights, or back to the form.
    async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        let token = self.token().await;
        let path = format!("/{}", app::form::action::<api::SignIn>("sign-in", Some("")));
        self.post_with(&path, &token, &[("name", name), ("password", password)]).await
    }

    fn session(&self) -> &str {
        self.cookies.get("osa_session").map_or("", String::as_str)
    }
}

/// The fields of a form with the secret of its page.
fn form_body(token: &str, fields: &[(&str, &str)]) -> Body {
    let fields: Vec<_> = fields.iter().copied().chain([("form_token", token)]).collect();
    Body::from(serde_urlencoded::to_string(fields).unwrap())
}

impl Answer {
    /// The secret in the page's forms.
    fn form_token(&self) -> String {
        let field = self.text.split("name=\"form_token\" value=\"").nth(1);
        field.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
    }

    fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// What is in the page's `<main>`, a line per tag, without what changes from page to page.
    fn main(&self) -> String {
        let begin = self.text.find("<main").unwrap();
        let end = self.text.find("</main>").unwrap();
        let mut lines = String::new();
        for piece in self.text[begin..end].replace("<!>", "").split('<').skip(1) {
            match (piece.strip_prefix('/'), piece.split_once('>')) {
                (None, _) => lines.extend(["\n<", piece.trim_end()]),
                (Some(_), Some((_, after))) => lines.push_str(after.trim_end()),
                (Some(_), None) => {}
            }
        }
        lines
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap()
    }
}
