//! Authentication: every request is attributed to a principal, by session or token, before anything
//! else is done.

mod client;
mod cookies;
mod csrf;
mod session;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service};
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use app::people::{SignedIn, Visitor};

pub use client::{Client, counted, trusts};

pub use cookies::{Cookies, cookie};
pub use csrf::{CsrfError, FormCookie, verify_csrf};
pub use session::{Clock, Content, Sessions};

use super::WebState;
use super::access_log::Details;
use super::problem::Problem;
use crate::model::{Role, User};
use crate::people::{Author, token_author};

/// The origin of a request. An extension of every request that passed [`authenticate`].
#[derive(Clone, Debug)]
pub struct Principal {
    /// The user or token, if the request is authenticated.
    pub author: Option<Author>,
    /// The secret that their forms must carry, if they are signed in.
    pub form_token: Option<String>,
    /// The client's address.
    pub client: Client,
    /// The names of the cookies.
    pub cookies: Cookies,
    /// The requested address.
    pub uri: Uri,
}

impl Principal {
    /// An unauthenticated principal.
    fn anonymous(client: Client, cookies: Cookies, uri: Uri) -> Self {
        Self { author: None, form_token: None, client, cookies, uri }
    }

    /// The user who is signed in.
    pub fn user(&self) -> Option<&User> {
        self.author.as_ref().and_then(Author::user)
    }

    /// Whether they may do what `role` may.
    pub fn may(&self, role: Role) -> bool {
        self.author.as_ref().is_some_and(|author| author.may(role))
    }

    /// As pages know them.
    pub fn visitor(&self) -> Visitor {
        let signed_in =
            self.user().map(|user| SignedIn { name: user.name.clone(), role: user.role });
        Visitor { signed_in, form_token: self.form_token.clone() }
    }
}

/// Adds the [`Principal`] to the request. With a token, cookies are ignored.
pub async fn authenticate(
    State(state): State<WebState>,
    mut request: Request,
    next: Next,
) -> Response {
    Details::note_route(&request);
    let client = Client::of(&request, &state.people.access);
    let cookies = Cookies::new(client.https, &state.prefix);
    let uri = request.uri().clone();
    if let Some(token) = bearer(request.headers()) {
        let now = (state.people.clock)();
        let author = match token_author(&state.people.store, token, now).await {
            Ok(Some(author)) => author,
            Ok(None) => {
                return Problem::unauthorized("the token is unknown, expired or revoked")
                    .into_response();
            }
            Err(error) => {
                tracing::error!(%error, "cannot look a token up");
                return Problem::unavailable("the database cannot be read").into_response();
            }
        };
        request.headers_mut().remove(header::COOKIE);
        let principal = Principal { author: Some(author), form_token: None, client, cookies, uri };
        Details::note_user(&request, &principal);
        request.extensions_mut().insert(principal);
        return next.run(request).await;
    }
    // Reading without a session, which is most of what is asked, has no need of the rest.
    if request.method().is_safe() && cookie(request.headers(), &cookies.session()).is_none() {
        request.extensions_mut().insert(Principal::anonymous(client, cookies, uri));
        return next.run(request).await;
    }
    let nobody = Principal::anonymous(client, cookies, uri);
    with_session(state, nobody, request, next).await
}

/// Runs the rest with the session of the browser's cookie, which is saved and set if it changes.
async fn with_session(
    state: WebState,
    nobody: Principal,
    request: Request,
    next: Next,
) -> Response {
    let layer = SessionManagerLayer::new(state.people.sessions.clone())
        .with_name(nobody.cookies.session())
        .with_path(nobody.cookies.path().to_owned())
        .with_secure(nobody.client.https)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        // The browser forgets it when it is closed; when it ends is up to us.
        .with_expiry(Expiry::OnSessionEnd);
    let inner = tower::service_fn(move |mut request: Request| {
        let (state, mut principal, next) = (state.clone(), nobody.clone(), next.clone());
        async move {
            if let Some(session) = request.extensions().get::<Session>().cloned() {
                principal = of_session(&state, &session, principal).await;
            }
            Details::note_user(&request, &principal);
            request.extensions_mut().insert(principal);
            Ok::<_, std::convert::Infallible>(next.run(request).await)
        }
    });
    match layer.layer(inner).call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Whose session it is. The user is looked up every time: a role that was taken away is gone.
async fn of_session(state: &WebState, session: &Session, nobody: Principal) -> Principal {
    let Some(content) = Content::read(session).await else { return nobody };
    let user = match state.people.store.user_by_id(content.user).await {
        Ok(user) => user.filter(|user| user.disabled.is_none()),
        Err(error) => {
            tracing::error!(%error, "cannot look a user up");
            None
        }
    };
    let Some(user) = user else { return nobody };
    let form_token = Some(content.form_token.clone());
    content.used(session, (state.people.clock)()).await;
    Principal { author: Some(Author::of_session(user)), form_token, ..nobody }
}

/// The token of a program. Other schemes are not for us: a proxy may ask for a password of its own.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The authenticated author, for handlers; the rule of the route has checked the role.
impl<S: Sync> FromRequestParts<S> for Author {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let principal = parts.extensions.get::<Principal>();
        let author = principal.and_then(|principal| principal.author.clone());
        author.ok_or_else(|| Problem::unauthorized("sign in, or send a token"))
    }
}
