//! `/users`: who may sign in, for administrators.

use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use super::{backend, crumbs};
use crate::api::{AddUser, SetDisabled, SetRole};
use crate::backend::BackendError;
use crate::form::{FormToken, action, button};
use crate::model::{Role, User};
use crate::parts::state::{Tone, badge};
use crate::parts::table;
use crate::people::visitor;

/// This page.
const HERE: &str = "users";
const COLUMNS: [(&str, &str); 5] =
    [("", "Name"), ("", "State"), ("", "Since"), ("", "Role"), ("", "Sign-in")];

/// All users.
#[component]
pub fn UsersPage() -> impl IntoView {
    let backend = backend();
    Suspend::new(async move {
        let load = async || -> Result<Vec<User>, BackendError> { backend?.users().await };
        match load().await {
            Ok(users) => page(&users).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

fn page(users: &[User]) -> impl IntoView + use<> {
    let me = visitor().signed_in.map(|signed_in| signed_in.name);
    let rows =
        users.iter().map(|user| row(user, me.as_ref() == Some(&user.name))).collect::<Vec<_>>();
    let account = ("account".to_owned(), "Account".to_owned());
    view! {
        <Title text="Users"/>
        {crumbs(vec![account], "Users".to_owned())}
        <article class="users">
            <div class="title"><h1>"Users"</h1></div>
            {table::table("users", "Who may sign in", &COLUMNS, rows)}
            {new_user()}
        </article>
    }
}

fn roles(chosen: Role) -> impl IntoView {
    Role::ALL
        .into_iter()
        .map(|role| view! { <option selected=role == chosen>{role.as_str()}</option> })
        .collect::<Vec<_>>()
}

/// A user; of oneself there is nothing to change here, so that nobody locks themselves out.
fn row(user: &User, me: bool) -> impl IntoView + use<> {
    let name = user.name.to_string();
    let state = match user.disabled {
        None => badge(Tone::Done, "enabled").into_any(),
        Some(since) => {
            badge(Tone::Closed, format!("disabled since {}", since.date_naive())).into_any()
        }
    };
    let role = if me { user.role.as_str().into_any() } else { role_form(user).into_any() };
    let act = match (me, user.disabled) {
        (true, _) => "this is me".into_any(),
        (false, None) => able(&name, true, "Disable", "danger").into_any(),
        (false, Some(_)) => able(&name, false, "Enable", "").into_any(),
    };
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td>{state}</td>
            <td>{user.created.date_naive().to_string()}</td>
            <td>{role}</td>
            <td class="act">{act}</td>
        </tr>
    }
}

fn able(
    name: &str,
    disabled: bool,
    text: &'static str,
    class: &'static str,
) -> impl IntoView + use<> {
    let fields = [("name", name.to_owned()), ("disabled", disabled.to_string())];
    button::<SetDisabled>(HERE, &fields, text, name, class)
}

fn role_form(user: &User) -> impl IntoView + use<> {
    let name = user.name.to_string();
    view! {
        <form class="inline" method="post" action={action::<SetRole>(HERE, None)}>
            <FormToken/>
            <input type="hidden" name="name" value=name.clone()/>
            <select name="role" aria-label=format!("Role of {name}")>{roles(user.role)}</select>
            <button>"Set"<span class="unseen">" role of "{name.clone()}</span></button>
        </form>
    }
}

fn new_user() -> impl IntoView {
    view! {
        <section class="part" aria-labelledby="new-user">
            <h2 id="new-user">"Add a user"</h2>
            <form class="card fields row" method="post" action={action::<AddUser>(HERE, None)}>
                <FormToken/>
                <label>
                    <span>"Name"</span>
                    <input
                        name="name" required maxlength="32" autocomplete="off" autocapitalize="none"
                        spellcheck="false"
                    />
                </label>
                <label><span>"Role"</span><select name="role">{roles(Role::Viewer)}</select></label>
                <label>
                    <span>"First password (10 characters or more)"</span>
                    <input
                        name="password" type="password" required minlength="10"
                        autocomplete="new-password"
                    />
                </label>
                <button>"Add"</button>
            </form>
            <p class="hint">
                "They change the password on their own page. One that was forgotten is replaced with "
                <code>"osa user passwd NAME"</code>"."
            </p>
        </section>
    }
}
