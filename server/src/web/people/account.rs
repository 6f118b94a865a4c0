//! One's own page: where one is signed in, tokens, password.

use app::backend::BackendError;
use app::people::{AccountView, Said};
use axum::Extension;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{NaiveDate, NaiveTime};
use leptos::context::provide_context;
use serde::Deserialize;
use tower_sessions::Session;

use super::said;
use crate::model::{PersonName, Role, SessionInfo, User};
use crate::people::{self, Passwords, PeopleError};
use crate::web::WebState;
use crate::web::who::{Content, Sessions, Who};

/// `GET /account`
pub async fn show(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    session: Session,
) -> Response {
    page(&state, &who, &session, None, None).await
}

/// The form of a new password.
#[derive(Deserialize)]
pub struct NewPassword {
    present: String,
    new: String,
    again: String,
}

/// `POST /account/password`
pub async fn change_password(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    session: Session,
    Form(form): Form<NewPassword>,
) -> Response {
    let Some(user) = who.user() else { return nobody(&state, &who).await };
    let what = match present_is_right(&state, user, form.present).await {
        Ok(true) if form.new == form.again => {
            let kept = Content::read(&session).await;
            let done = people::change_password(&state.people.store, &user.name, &form.new).await;
            if let (Ok(()), Some(content)) = (&done, kept) {
                renew(&session, content).await;
            }
            said(done, "The password is changed. You are signed out everywhere else.".into())
        }
        Ok(true) => Said { done: false, text: "The two new passwords are not the same.".into() },
        Ok(false) => Said { done: false, text: "The present password is not right.".into() },
        Err(error) => said(Err(error), String::new()),
    };
    page(&state, &who, &session, Some(what), None).await
}

async fn present_is_right(
    state: &WebState,
    user: &User,
    present: String,
) -> Result<bool, PeopleError> {
    let stored = state.people.store.user(&user.name).await?.map(|stored| stored.password);
    let verify = move || Passwords::verify(stored.as_deref(), &present);
    let right = crate::internal::blocking(verify).await;
    right?
}

/// Goes on in a new session, the old one having ended with all others.
async fn renew(session: &Session, content: Content) {
    let renewed = async {
        session.cycle_id().await?;
        content.write(session).await?;
        session.save().await
    };
    if let Err(error) = renewed.await {
        tracing::error!(%error, "cannot go on in a new session");
    }
}

/// The form of a new token.
#[derive(Deserialize)]
pub struct TokenForm {
    name: String,
    role: String,
    #[serde(default)]
    expires: String,
}

/// `POST /account/tokens`
pub async fn make_token(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    session: Session,
    Form(form): Form<TokenForm>,
) -> Response {
    let Some(user) = who.user() else { return nobody(&state, &who).await };
    match token(&state, user, &form).await {
        Ok(fresh) => {
            tracing::info!(user = %user.name, token = %fresh.0, "a token was made");
            page(&state, &who, &session, None, Some(fresh)).await
        }
        Err(what) => page(&state, &who, &session, Some(what), None).await,
    }
}

async fn token(
    state: &WebState,
    user: &User,
    form: &TokenForm,
) -> Result<(PersonName, String), Said> {
    let wrong = |text: String| Said { done: false, text: super::sentence(&text) };
    let name: PersonName = form.name.trim().parse().map_err(|e| wrong(format!("{e}")))?;
    let role: Role = form.role.parse().map_err(|e| wrong(format!("{e}")))?;
    if role > user.role {
        return Err(wrong("a token of yours may do no more than you".into()));
    }
    let expires = match form.expires.trim() {
        "" => None,
        day => match day.parse::<NaiveDate>() {
            Ok(day) => Some(day.and_time(NaiveTime::MIN).and_utc()),
            Err(_) => return Err(wrong(format!("{day:?} is not a day such as 2026-12-31"))),
        },
    };
    let now = (state.people.clock)();
    let made = people::add_token(&state.people.store, &name, role, Some(user), expires, now).await;
    match made {
        Ok(secret) => Ok((name, secret.reveal().to_owned())),
        Err(error) => Err(said(Err(error), String::new())),
    }
}

/// `POST /account/tokens/{name}/revoke`
pub async fn revoke_token(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    session: Session,
    Path(name): Path<String>,
) -> Response {
    let Some(user) = who.user() else { return nobody(&state, &who).await };
    let Ok(name) = name.parse::<PersonName>() else {
        let error = BackendError::not_found("there is no such token");
        return state.instead(&who, error).await;
    };
    let now = (state.people.clock)();
    let done = people::revoke_token(&state.people.store, &name, Some(user), now).await;
    let what = said(done, format!("The token {name} is void."));
    page(&state, &who, &session, Some(what), None).await
}

async fn page(
    state: &WebState,
    who: &Who,
    session: &Session,
    said: Option<Said>,
    fresh: Option<(PersonName, String)>,
) -> Response {
    let Some(user) = who.user() else { return nobody(state, who).await };
    match view(state, user, session).await {
        Ok(view) => {
            let view = AccountView { said, fresh, ..view };
            // After a new password forms must carry the new session's secret.
            let form_token = Content::read(session).await.map(|content| content.form_token);
            let who = Who { form_token, ..who.clone() };
            state.draw_private(&who, "/account", move || provide_context(view.clone())).await
        }
        Err(error) => {
            tracing::error!(%error, "cannot change an account");
            state.instead(who, error.into()).await
        }
    }
}

async fn view(
    state: &WebState,
    user: &User,
    session: &Session,
) -> Result<AccountView, PeopleError> {
    let now = (state.people.clock)();
    let this = session.id().map(Sessions::key);
    let rows = state.people.store.sessions_of(user.id).await?;
    let mut sessions: Vec<_> = rows
        .iter()
        .filter(|row| now < row.expires)
        .filter_map(|row| {
            let Content { since, seen, address, agent, .. } = Content::of_row(row)?;
            Some(SessionInfo { since, seen, address, agent, this: this.as_ref() == Some(&row.id) })
        })
        .collect();
    sessions.sort_by_key(|session| std::cmp::Reverse((session.this, session.seen)));
    let mut tokens = state.people.store.tokens().await?;
    tokens.retain(|token| token.owner.as_ref() == Some(&user.name) && token.revoked.is_none());
    Ok(AccountView { user: user.clone(), sessions, tokens, fresh: None, said: None, now })
}

/// The rule of the route keeps those out who have not signed in.
async fn nobody(state: &WebState, who: &Who) -> Response {
    state.instead(who, BackendError::forbidden("sign in first")).await
}
