//! The caller's own account: sessions, tokens, password.

use app::backend::BackendError;
use chrono::{NaiveDate, NaiveTime};
use tower_sessions::Session;

use super::session::later;
use super::{Caller, confirmed, refused};
use crate::model::{Account, Confirmation, NewToken, PersonName, Role, SessionInfo, User};
use crate::people::{self, PeopleError, Refusal};
use crate::web::auth::{Content, Sessions};

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

    /// Changes the password, which ends all other sessions and, if requested, revokes all tokens.
    pub(super) async fn new_password(
        &self,
        current: &str,
        new: &str,
        again: &str,
        revoke_tokens: bool,
    ) -> Result<Confirmation, BackendError> {
        let (user, session) = (self.user()?, self.session()?);
        self.prove(user, current).await?;
        if new != again {
            return Err(BackendError::invalid("the two new passwords are not the same"));
        }
        let content = Content::read(session).await;
        let store = &self.state.people.store;
        let revoked = revoke_tokens.then(|| self.now());
        people::change_password(store, &user.name, new, revoked).await.map_err(refused)?;
        if let Some(content) = content {
            renew(session, content).await;
        }
        Ok(confirmed(match revoke_tokens {
            true => {
                "The password is changed. You are signed out everywhere else, and your tokens are \
                 revoked."
            }
            false => "The password is changed. You are signed out everywhere else.",
        }))
    }

    /// Lets only the user go on, not whoever has got hold of the session.
    async fn prove(&self, user: &User, password: &str) -> Result<(), BackendError> {
        let people = &self.state.people;
        let limit = people.rules.limit;
        match people::is_password(&people.store, limit, user, password, self.now()).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(Refusal::Wrong) => {
                Err(BackendError::invalid("the current password is not right"))
            }
            Err(Refusal::TooOften(left)) => Err(later(left)),
            Err(Refusal::Error(error)) => Err(refused(error)),
        }
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
