//! `/account`: who I am, where I am signed in, my tokens.

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use super::{backend, crumbs};
use crate::api::{ChangePassword, CreateToken, RevokeToken, SignOut, SignOutEverywhere};
use crate::backend::BackendError;
use crate::form::{FormResult, FormToken, action, button};
use crate::model::{Account, ApiToken, NewToken, PersonName, Role, SessionInfo};
use crate::parts::facts::fact;
use crate::parts::{format, table};

/// This page.
const HERE: &str = "account";
const SESSIONS: [(&str, &str); 4] =
    [("", "Browser"), ("", "Address"), ("", "Signed in"), ("", "Last used")];
const TOKENS: [(&str, &str); 6] =
    [("", "Name"), ("", "Role"), ("", "Made"), ("", "Last used"), ("", "Void from"), ("", "End")];

/// Somebody's own page.
#[component]
pub fn AccountPage() -> impl IntoView {
    let backend = backend();
    let fresh = FormResult::of::<CreateToken>().and_then(Result::ok);
    Suspend::new(async move {
        let load = async || -> Result<Account, BackendError> { backend?.account().await };
        match load().await {
            Ok(account) => page(account, fresh).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

fn page(account: Account, fresh: Option<NewToken>) -> impl IntoView {
    let Account { user, sessions, tokens, now } = account;
    let admin = user.role == Role::Admin;
    view! {
        <Title text=format!("Account of {}", user.name)/>
        {crumbs(Vec::new(), "Account".to_owned())}
        <article class="account">
            <div class="title">
                <h1>{user.name.to_string()}</h1>
                <div class="buttons">
                    {admin.then(|| view! { <a class="button" href="users">"Manage users"</a> })}
                    {button::<SignOut>("", &[], "Sign out", "", "")}
                </div>
            </div>
            {fresh.map(fresh_token)}
            <dl class="facts">
                {fact("Role", format!("{}: {}", user.role, may(user.role)))}
                {fact("User since", user.created.date_naive().to_string())}
            </dl>
            {session_table(sessions)}
            {token_section(tokens, user.role, now)}
            {password_form(&user.name)}
        </article>
    }
}

/// What a role may do, in words.
fn may(role: Role) -> &'static str {
    match role {
        Role::Viewer => "reads",
        Role::Shifter => "reads, launches, closes, resubmits and publishes",
        Role::Admin => "does what a shifter does, and manages users",
    }
}

/// A token that is seen this once.
fn fresh_token(NewToken { name, secret, .. }: NewToken) -> impl IntoView {
    view! {
        <section class="card fresh-token" aria-labelledby="fresh">
            <h2 id="fresh">"Token "{name.to_string()}</h2>
            <p>"Copy it now: it is kept as a hash and cannot be shown again."</p>
            <p><code class="secret">{secret}</code></p>
            <p class="hint">
                "Programs send it with each request: "
                <code>"Authorization: Bearer osa_…"</code>
            </p>
        </section>
    }
}

fn session_table(sessions: Vec<SessionInfo>) -> impl IntoView {
    let rows = sessions
        .into_iter()
        .map(|session| {
            let this = session.this.then_some(" (this one)");
            view! {
                <tr>
                    <th scope="row">{browser(&session.agent)}{this}</th>
                    <td>{session.address}</td>
                    <td>{format::utc(session.since)}</td>
                    <td>{format::utc(session.seen)}</td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <section class="part">
            {table::table("sessions", "Where I am signed in", &SESSIONS, rows)}
            <div class="buttons">{button::<SignOutEverywhere>("", &[], "Sign out everywhere", "", "")}</div>
        </section>
    }
}

/// What a browser is, from what it calls itself.
fn browser(agent: &str) -> String {
    let known = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&known), find(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) if agent.is_empty() => "unknown".to_owned(),
        (None, _) => agent.chars().take(40).collect(),
    }
}

fn token_section(tokens: Vec<ApiToken>, most: Role, now: DateTime<Utc>) -> impl IntoView {
    let list = if tokens.is_empty() {
        view! { <p class="none">"There is no token in force."</p> }.into_any()
    } else {
        let rows = tokens.iter().map(|token| token_row(token, now)).collect::<Vec<_>>();
        table::table("tokens", "Tokens in force", &TOKENS, rows).into_any()
    };
    let roles = Role::ALL.into_iter().filter(|role| *role <= most);
    let roles = roles.map(|role| view! { <option>{role.as_str()}</option> }).collect::<Vec<_>>();
    view! {
        <section class="part" aria-labelledby="tokens">
            <h2 id="tokens">"Tokens for programs"</h2>
            <p class="hint">
                "A program with a token of mine reads and acts in my name, as far as the token's \
                 role goes and no further than mine."
            </p>
            {list}
            <form class="card fields row" method="post" action={action::<CreateToken>(HERE, None)}>
                <FormToken/>
                <label>
                    <span>"Name of a new token"</span>
                    <input
                        name="name" required maxlength="32" autocomplete="off" autocapitalize="none"
                        spellcheck="false" placeholder="nightly-export"
                    />
                </label>
                <label><span>"Role"</span><select name="role">{roles}</select></label>
                <label>
                    <span>"Void from (optional)"</span>
                    <input name="expires" type="date"/>
                </label>
                <button>"Make a token"</button>
            </form>
        </section>
    }
}

fn token_row(token: &ApiToken, now: DateTime<Utc>) -> impl IntoView + use<> {
    let used = token.used.map_or("never".to_owned(), format::utc);
    let end = match token.expires {
        None => "–".to_owned(),
        Some(expires) if expires <= now => format!("{} (expired)", expires.date_naive()),
        Some(expires) => expires.date_naive().to_string(),
    };
    let fields = [("name", token.name.to_string())];
    view! {
        <tr>
            <th scope="row">{token.name.to_string()}</th>
            <td>{token.role.as_str()}</td>
            <td>{token.created.date_naive().to_string()}</td>
            <td>{used}</td>
            <td>{end}</td>
            <td class="act">{button::<RevokeToken>(HERE, &fields, "Revoke", token.name.as_str(), "danger")}</td>
        </tr>
    }
}

fn password_form(name: &PersonName) -> impl IntoView + use<> {
    view! {
        <section class="part" aria-labelledby="password">
            <h2 id="password">"Change my password"</h2>
            <form class="card fields row" method="post" action={action::<ChangePassword>(HERE, None)}>
                <FormToken/>
                // So that password managers know whose it is.
                <input type="hidden" name="username" value=name.to_string() autocomplete="username"/>
                <label>
                    <span>"Current password"</span>
                    <input name="current" type="password" required autocomplete="current-password"/>
                </label>
                <label>
                    <span>"New password (10 characters or more)"</span>
                    <input
                        name="new" type="password" required minlength="10"
                        autocomplete="new-password"
                    />
                </label>
                <label>
                    <span>"Confirm new password"</span>
                    <input
                        name="again" type="password" required minlength="10"
                        autocomplete="new-password"
                    />
                </label>
                <label class="sure">
                    <input name="revoke_tokens" type="checkbox" value="true"/>
                    <span>"Revoke my tokens as well"</span>
                </label>
                <button>"Change it"</button>
            </form>
            <p class="hint">"A new password signs me out everywhere else."</p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_named_as_people_know_them() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert_eq!(browser(firefox), "Firefox on Linux");
        let edge = "Mozilla/5.0 (Windows NT 10.0) Chrome/138.0 Safari/537.36 Edg/138.0";
        assert_eq!(browser(edge), "Edge on Windows");
        assert_eq!(browser("curl/8.5.0"), "curl/8.5.0");
        assert_eq!(browser(""), "unknown");
    }
}
