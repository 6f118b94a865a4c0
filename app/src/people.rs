//! Who looks at a page, and what the pages about people show. The server puts these into a page's
//! context before it is drawn.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::backend::BackendError;
use crate::model::{ApiToken, DeedPlan, PersonName, Role, SessionInfo, User};

/// Who looks at a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Visitor {
    /// Who it is, once they have signed in.
    pub signed_in: Option<SignedIn>,
}

/// Somebody who has signed in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignedIn {
    /// Their name.
    pub name: PersonName,
    /// What they may do.
    pub role: Role,
    /// What every form must carry to prove that it comes from a page of theirs.
    pub form_token: String,
}

impl Visitor {
    /// Whether they may do what `role` may: buttons for what they may not do are not drawn. What
    /// is done is checked again when it is asked for.
    pub fn may(&self, role: Role) -> bool {
        self.signed_in.as_ref().is_some_and(|signed_in| signed_in.role >= role)
    }
}

/// Who looks at the page that is being drawn.
pub fn visitor() -> Visitor {
    use_context().unwrap_or_default()
}

/// Name of the form field that carries [`SignedIn::form_token`].
pub const TOKEN_FIELD: &str = "form_token";

/// The hidden field that every form which changes something must have.
#[component]
pub fn FormToken() -> impl IntoView {
    let token = visitor().signed_in.map(|signed_in| signed_in.form_token);
    token.map(|token| view! { <input type="hidden" name=TOKEN_FIELD value=token/> })
}

/// Shown in place of the page that was asked for.
#[derive(Clone, Debug)]
pub struct Instead(pub BackendError);

/// Path of the page where it is not the one that is drawn: what a form is answered with.
#[derive(Clone, Debug)]
pub struct At(pub String);

/// What came of a form that was sent.
#[derive(Clone, Debug)]
pub struct Said {
    /// Whether it was done.
    pub done: bool,
    /// What happened, as a sentence.
    pub text: String,
}

/// What the page of signing in shows.
#[derive(Clone, Debug, Default)]
pub struct SignInView {
    /// Why the last try failed, as a sentence.
    pub refusal: Option<String>,
    /// The name that was typed.
    pub name: String,
    /// Where to go afterwards, relative to the base.
    pub to: String,
    /// What the form must carry.
    pub form_token: String,
    /// Users of a demo with their passwords; none on a real site.
    pub demo: Vec<(String, String)>,
    /// Whether there is no user at all yet.
    pub nobody: bool,
}

/// What somebody's own page shows.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// Whose it is.
    pub user: User,
    /// Where they are signed in, the latest use first.
    pub sessions: Vec<SessionInfo>,
    /// Their tokens in force.
    pub tokens: Vec<ApiToken>,
    /// A token just made: its name, and the secret that is shown this once.
    pub fresh: Option<(PersonName, String)>,
    /// What came of the last form.
    pub said: Option<Said>,
    /// When it was read.
    pub now: DateTime<Utc>,
}

/// What the page of a deed shows.
#[derive(Clone, Debug)]
pub struct DeedView {
    /// What would be done.
    pub plan: DeedPlan,
    /// What came of the last form.
    pub said: Option<Said>,
}

/// What the page of users shows.
#[derive(Clone, Debug)]
pub struct UsersView {
    /// All of them, by name.
    pub users: Vec<User>,
    /// What came of the last form.
    pub said: Option<Said>,
}
