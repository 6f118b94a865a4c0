//! The caller's own account: sessions, tokens, password.

use app::backend::BackendError;
use chrono::{NaiveDate, NaiveTime};
use tower_sessions::Session;

use super::{Caller, confirmed, refused};
use crate::model::{Account, Confirmation, NewToken, PersonName, Role, SessionInfo, User};
use crate::people::{self, Passwords, PeopleError};
use crate::web::who::{Content, Sessions};

impl Caller {
    /// What the account page shows.
    pub(super) async fn own_account(&self) -> Result<Account, BackendError> {
        let user = self.user()?;
        let read = self.read_account(user).await;
        read.map_err(refused)
    }

    async fn read_account(&self, user: &User) -> Result<Account, PeopleError> {
        let (now, store) = (self.now(), &self.state.people.store);
        let this = self.session.as_ref().and_then(Session::id).map(Sessions::key);
        let rows = store.sessions_of(user.id).await?;
        let mut sessions: Vec<_> = rows
            .iter()
            .filter(|row| now < row.expires)
            .filter_map(|row| {
                let Content { since, seen, address, agent, .. } = Content::of_row(row)?;
                let this = this.as_ref() == Some(&row.id);
                Some(SessionInfo { since, seen, address, agent, this })
            })
            .collect();
        sessions.sort_by_key(|session| std::cmp::Reverse((session.this, session.seen)));
        let mut tokens = store.tokens().await?;
        tokens.retain(|token| token.owner.as_ref() == Some(&user.name) && token.revoked.is_none());
        Ok(Account { user: user.clone(), sessions, tokens, now })
    }

    /// Changes the password, which ends all other sessions.
    pub(super) async fn new_password(
        &self,
        current: String,
        new: &str,
        again: &str,
    ) -> Result<Confirmation, BackendError> {
        let (user, session) = (self.user()?, self.session()?);
        if !self.is_password(user, current).await.map_err(refused)? {
            return Err(BackendError::invalid("the current password is not right"));
        }
        if new != again {
            return Err(BackendError::invalid("the two new passwords are not the same"));
        }
        let content = Content::read(session).await;
        let store = &self.state.people.store;
        people::change_password(store, &user.name, new).await.map_err(refused)?;
        if let Some(content) = content {
            renew(session, content).await;
        }
        Ok(confirmed("The password is changed. You are signed out everywhere else."))
    }

    async fn is_password(&self, user: &User, password: String) -> Result<bool, PeopleError> {
        let stored = self.state.people.store.user(&user.name).await?.map(|stored| stored.password);
        let verify = move || Passwords::verify(stored.as_deref(), &password);
        crate::internal::blocking(verify).await?
    }

    /// Creates a token.
    pub(super) async fn new_token(
        &self,
        name: &str,
        role: Role,
        expires: &str,
    ) -> Result<NewToken, BackendError> {
        let user = self.user()?;
        let name: PersonName =
            name.trim().parse().map_err(|e| BackendError::invalid(format!("{e}")))?;
        if role > user.role {
            return Err(BackendError::invalid("a token of yours may do no more than you"));
        }
        let expires = match expires.trim() {
            "" => None,
            day => {
                let wrong = |_| format!("{day:?} is not a day such as 2026-12-31");
                let day = day.parse::<NaiveDate>().map_err(wrong).map_err(BackendError::invalid)?;
                Some(day.and_time(NaiveTime::MIN).and_utc())
            }
        };
        let store = &self.state.people.store;
        let made = people::add_token(store, &name, role, Some(user), expires, self.now()).await;
        let secret = made.map_err(refused)?;
        tracing::info!(user = %user.name, token = %name, "a token was created");
        let message = format!("Token {name} is created. Copy its secret now.");
        Ok(NewToken { message, name, secret: secret.reveal().to_owned() })
    }

    /// Revokes a token.
    pub(super) async fn end_token(&self, name: &PersonName) -> Result<Confirmation, BackendError> {
        let user = self.user()?;
        let store = &self.state.people.store;
        people::revoke_token(store, name, Some(user), self.now()).await.map_err(refused)?;
        Ok(confirmed(format!("Token {name} is revoked.")))
    }
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
