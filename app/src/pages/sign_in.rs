//! `/sign-in`: name and password.

use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use crate::backend::BackendError;
use crate::parts::form::said;
use crate::people::{Said, SignInView, TOKEN_FIELD};

/// The form.
#[component]
pub fn SignInPage() -> impl IntoView {
    match use_context::<SignInView>() {
        Some(view) => page(view).into_any(),
        None => problem(&BackendError::not_found("There is no such page.")).into_any(),
    }
}

fn page(view: SignInView) -> impl IntoView {
    let SignInView { refusal, name, to, form_token, demo, nobody } = view;
    let refused = refusal.is_some();
    let refusal = refusal.map(|text| said(&Said { done: false, text }));
    let typed = !name.is_empty();
    view! {
        <Title text="Sign in"/>
        <article class="narrow">
            <div class="title"><h1>"Sign in"</h1></div>
            {refusal}
            <form class="card fields" method="post" action="sign-in">
                <input type="hidden" name=TOKEN_FIELD value=form_token/>
                <input type="hidden" name="to" value=to/>
                <label>
                    <span>"Name"</span>
                    <input
                        name="name" value=name required autocomplete="username" autocapitalize="none"
                        spellcheck="false" maxlength="64" autofocus=!typed
                        aria-invalid=refused.then_some("true")
                    />
                </label>
                <label>
                    <span>"Password"</span>
                    <input
                        name="password" type="password" required autocomplete="current-password"
                        maxlength="1024" autofocus=typed aria-invalid=refused.then_some("true")
                    />
                </label>
                <button class="main">"Sign in"</button>
            </form>
            {nobody.then(first_user)}
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
