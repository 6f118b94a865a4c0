//! The page of all users, for administrators.

use app::backend::BackendError;
use app::people::{Said, UsersView};
use axum::Extension;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use leptos::context::provide_context;
use serde::Deserialize;

use super::{said, sentence};
use crate::model::{PersonName, Role};
use crate::people::{self, PeopleError};
use crate::web::WebState;
use crate::web::who::Who;

/// `GET /users`
pub async fn show(State(state): State<WebState>, Extension(who): Extension<Who>) -> Response {
    page(&state, &who, None).await
}

/// The form of a new user.
#[derive(Deserialize)]
pub struct NewUser {
    name: String,
    role: String,
    password: String,
}

/// `POST /users`
pub async fn add(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Form(form): Form<NewUser>,
) -> Response {
    let read = || Ok::<_, app::model::IdError>((form.name.trim().parse()?, form.role.parse()?));
    let what = match read() {
        Err(error) => Said { done: false, text: sentence(&error.to_string()) },
        Ok((name, role)) => {
            let now = (state.people.clock)();
            let done = people::add_user(&state.people.store, &name, role, &form.password, now);
            tell(&who, done.await, format!("{name} is added, {role}."))
        }
    };
    page(&state, &who, Some(what)).await
}

/// The form of another role.
#[derive(Deserialize)]
pub struct RoleForm {
    role: String,
}

/// `POST /users/{name}/role`
pub async fn set_role(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Form(form): Form<RoleForm>,
) -> Response {
    let name = match another(&who, &name) {
        Ok(name) => name,
        Err(error) => return state.instead(&who, error).await,
    };
    let what = match form.role.parse::<Role>() {
        Err(error) => Said { done: false, text: sentence(&error.to_string()) },
        Ok(role) => {
            let done = people::set_role(&state.people.store, &name, role).await;
            tell(&who, done, format!("{name} is now {role}."))
        }
    };
    page(&state, &who, Some(what)).await
}

/// `POST /users/{name}/disable`
pub async fn disable(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Response {
    let since = Some((state.people.clock)());
    let done = "may not sign in any more and is signed out everywhere";
    able(&state, &who, &name, since, done).await
}

/// `POST /users/{name}/enable`
pub async fn enable(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Response {
    able(&state, &who, &name, None, "may sign in again").await
}

async fn able(
    state: &WebState,
    who: &Who,
    name: &str,
    since: Option<chrono::DateTime<chrono::Utc>>,
    done: &str,
) -> Response {
    match another(who, name) {
        Ok(name) => {
            let outcome = people::set_disabled(&state.people.store, &name, since).await;
            let what = tell(who, outcome, format!("{name} {done}."));
            page(state, who, Some(what)).await
        }
        Err(error) => state.instead(who, error).await,
    }
}

/// A user other than the one who asks: nobody locks themselves out here.
fn another(who: &Who, name: &str) -> Result<PersonName, BackendError> {
    let missing = |_| BackendError::not_found(format!("there is no user {name:?}"));
    let name: PersonName = name.parse().map_err(missing)?;
    match who.user() {
        Some(user) if user.name != name => Ok(name),
        _ => Err(BackendError::forbidden("nobody changes themselves here")),
    }
}

/// What came of it, also for the log.
fn tell(who: &Who, outcome: Result<(), PeopleError>, done: String) -> Said {
    if let (Ok(()), Some(author)) = (&outcome, &who.author) {
        tracing::info!(user = %author, done, "a user was changed");
    }
    said(outcome, done)
}

async fn page(state: &WebState, who: &Who, said: Option<Said>) -> Response {
    match state.people.store.users().await {
        Ok(users) => {
            let view = UsersView { users, said };
            state.draw_private(who, "/users", move || provide_context(view.clone())).await
        }
        Err(error) => {
            tracing::error!(%error, "cannot list users");
            state.instead(who, PeopleError::from(error).into()).await
        }
    }
}
