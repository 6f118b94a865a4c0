//! `/sign-in`: name and password.

use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use super::{backend, query};
use crate::api::SignIn;
use crate::backend::BackendError;
use crate::form::{FormResult, FormToken, action};
use crate::model::SignInForm;
use crate::parts::links::quoted;

/// The form.
#[component]
pub fn SignInPage() -> impl IntoView {
    let backend = backend();
    let to = query::<String>("to").unwrap_or_default();
    let typed = FormResult::typed("name");
    Suspend::new(async move {
        let load = async || -> Result<SignInForm, BackendError> { backend?.sign_in_form().await };
        match load().await {
            Ok(form) => page(form, &to, typed).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

fn page(form: SignInForm, to: &str, typed: Option<String>) -> impl IntoView + use<> {
    let SignInForm { demo, no_users } = form;
    // The name is only given back after a refusal.
    let refused = typed.is_some();
    let back = match to {
        "" => "sign-in".to_owned(),
        to => format!("sign-in?to={}", quoted(to)),
    };
    view! {
        <Title text="Sign in"/>
        <article class="narrow">
            <div class="title"><h1>"Sign in"</h1></div>
            <form class="card fields" method="post" action={action::<SignIn>(&back, Some(to))}>
                <FormToken/>
                <label>
                    <span>"Name"</span>
                    <input
                        name="name" value=typed required autocomplete="username"
                        autocapitalize="none" spellcheck="false" maxlength="64" autofocus=!refused
                        aria-invalid=refused.then_some("true")
                    />
                </label>
                <label>
                    <span>"Password"</span>
                    <input
                        name="password" type="password" required autocomplete="current-password"
                        maxlength="1024" autofocus=refused aria-invalid=refused.then_some("true")
                    />
                </label>
                <button class="main">"Sign in"</button>
            </form>
            {no_users.then(first_user)}
            {(!demo.is_empty()).then(|| demo_users(demo))}
        </article>
    }
}

fn first_user() -> impl IntoView {
    view! {
        <section class="card">
            <h2>"There is no user yet"</h2>
            <p>"Whoever runs this server makes the first one on its machine:"</p>
            <p><code>"osa user add NAME --role admin"</code></p>
        </section>
    }
}

fn demo_users(users: Vec<(String, String)>) -> impl IntoView {
    let rows = users
        .into_iter()
        .map(|(name, password)| {
            view! {
                <tr>
                    <th scope="row"><code>{name}</code></th>
                    <td><code>{password}</code></td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <section class="card demo">
            <h2>"This is a demo"</h2>
            <p>"Its users are ready. A viewer reads; a shifter launches and closes nights; an admin \
                manages users too."</p>
            <table class="plain">
                <caption class="unseen">"Users of the demo"</caption>
                <thead><tr><th scope="col">"Name"</th><th scope="col">"Password"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}
