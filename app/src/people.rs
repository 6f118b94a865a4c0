//! Who looks at a page. The server puts it into a page's context before it is drawn.

use leptos::prelude::*;

use crate::model::{PersonName, Role};

/// Who looks at a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Visitor {
    /// Who it is, once they have signed in.
    pub signed_in: Option<SignedIn>,
    /// What every form must carry to prove that it comes from a page of theirs, where there are forms.
    pub form_token: Option<String>,
}

/// Somebody who has signed in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignedIn {
    /// Their name.
    pub name: PersonName,
    /// What they may do.
    pub role: Role,
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
