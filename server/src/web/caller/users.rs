//! All users, for administrators.

use app::backend::BackendError;

use super::{Caller, confirmed, refused};
use crate::model::{Author, Confirmation, PersonName, Role, User};
use crate::people::{self, PeopleError};

impl Caller {
    /// All users, by name.
    pub(super) async fn all_users(&self) -> Result<Vec<User>, BackendError> {
        self.author(Role::Admin)?;
        let users = self.state.people.store.users().await;
        users.map_err(|error| refused(PeopleError::from(error)))
    }

    /// Adds a user.
    pub(super) async fn new_user(
        &self,
        name: &str,
        role: Role,
        password: &str,
    ) -> Result<Confirmation, BackendError> {
        let author = self.author(Role::Admin)?;
        let name: PersonName =
            name.trim().parse().map_err(|e| BackendError::invalid(format!("{e}")))?;
        let store = &self.state.people.store;
        people::add_user(store, &name, role, password, self.now()).await.map_err(refused)?;
        Ok(recorded(&author, format!("{name} is added, {role}.")))
    }

    /// Gives another user a role.
    pub(super) async fn give_role(
        &self,
        name: &PersonName,
        role: Role,
    ) -> Result<Confirmation, BackendError> {
        let author = self.about_another(name)?;
        people::set_role(&self.state.people.store, name, role).await.map_err(refused)?;
        Ok(recorded(&author, format!("{name} is now {role}.")))
    }

    /// Lets another user sign in, or no longer.
    pub(super) async fn allow_sign_in(
        &self,
        name: &PersonName,
        allowed: bool,
    ) -> Result<Confirmation, BackendError> {
        let author = self.about_another(name)?;
        let since = (!allowed).then(|| self.now());
        people::set_disabled(&self.state.people.store, name, since).await.map_err(refused)?;
        let done = match allowed {
            true => "may sign in again",
            false => "may not sign in any more and is signed out everywhere",
        };
        Ok(recorded(&author, format!("{name} {done}.")))
    }

    /// The administrator who changes a user other than themselves: nobody locks themselves out here.
    fn about_another(&self, name: &PersonName) -> Result<Author, BackendError> {
        let author = self.author(Role::Admin)?;
        match self.user()?.name == *name {
            false => Ok(author),
            true => Err(BackendError::forbidden("nobody changes themselves here")),
        }
    }
}

/// What was done, also for the log.
fn recorded(author: &Author, done: String) -> Confirmation {
    tracing::info!(user = %author, done, "a user was changed");
    confirmed(done)
}
