//! What is done with users and tokens, whoever asks.

use chrono::{DateTime, Utc};

use crate::internal::blocking;
use crate::model::{PersonName, Role, User};
use crate::store::Store;
use crate::store::people::NewToken;

use super::{Author, Passwords, PeopleError, Secret, hash_of};

type Done<T = ()> = Result<T, PeopleError>;

/// Adds a user.
pub async fn add_user(
    store: &Store,
    name: &PersonName,
    role: Role,
    password: &str,
    now: DateTime<Utc>,
) -> Done {
    let hash = hashed(name, password).await?;
    match store.add_user(name, role, &hash, now).await? {
        true => Ok(()),
        false => Err(PeopleError::UserExists(name.clone())),
    }
}

/// Gives a user another password, which ends all their sessions. Their tokens are revoked at the time
/// `revoked`, or stay in force if it is `None`.
pub async fn change_password(
    store: &Store,
    name: &PersonName,
    password: &str,
    revoked: Option<DateTime<Utc>>,
) -> Done {
    let hash = hashed(name, password).await?;
    found(store.set_password(name, &hash, revoked).await?, name)
}

/// Gives a user another role, from their next request on.
pub async fn set_role(store: &Store, name: &PersonName, role: Role) -> Done {
    if role != Role::Admin {
        keep_an_admin(store, name).await?;
    }
    found(store.set_role(name, role).await?, name)
}

/// Keeps a user from signing in, ending all their sessions; or lets them in again (`None`). Their
/// tokens are void for as long.
pub async fn set_disabled(store: &Store, name: &PersonName, since: Option<DateTime<Utc>>) -> Done {
    if since.is_some() {
        keep_an_admin(store, name).await?;
    }
    found(store.set_disabled(name, since).await?, name)
}

/// Removes a user with all sessions and tokens. What they did stays signed with their name.
pub async fn remove_user(store: &Store, name: &PersonName) -> Done {
    found(store.remove_user(name).await?, name)
}

/// Makes a token, whose secret is seen this once.
pub async fn add_token(
    store: &Store,
    name: &PersonName,
    role: Role,
    owner: Option<&User>,
    expires: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Done<Secret> {
    if expires.is_some_and(|expires| expires <= now) {
        return Err(PeopleError::Past);
    }
    let secret = Secret::for_program()?;
    let hash = hash_of(secret.reveal());
    let token = NewToken { name, role, owner, hash: &hash, expires };
    match store.add_token(&token, now).await? {
        true => Ok(secret),
        false => Err(PeopleError::TokenExists(name.clone())),
    }
}

/// Revokes a token: anybody's, or only one of `owner`'s.
pub async fn revoke_token(
    store: &Store,
    name: &PersonName,
    owner: Option<&User>,
    now: DateTime<Utc>,
) -> Done {
    match store.revoke_token(name, owner.map(|owner| owner.id), now).await? {
        true => Ok(()),
        false => Err(PeopleError::NoToken(name.clone())),
    }
}

/// Who has this token, if it is in force and its owner may still sign in.
pub async fn token_author(store: &Store, secret: &str, now: DateTime<Utc>) -> Done<Option<Author>> {
    let Some(token) = store.token(&hash_of(secret)).await? else { return Ok(None) };
    if !token.in_force(now) {
        return Ok(None);
    }
    let owner = match &token.owner {
        None => None,
        Some(name) => match store.user(name).await? {
            Some(stored) if stored.user.disabled.is_none() => Some(stored.user),
            _ => return Ok(None),
        },
    };
    if token.used.is_none_or(|used| now - used >= chrono::TimeDelta::minutes(1)) {
        store.token_used(token.id, now).await?;
    }
    Ok(Some(Author::of_token(token, owner)))
}

async fn hashed(name: &PersonName, password: &str) -> Done<String> {
    Passwords::check(name, password)?;
    let password = password.to_owned();
    blocking(move || Passwords::hash(&password)).await?
}

fn found(found: bool, name: &PersonName) -> Done {
    if found { Ok(()) } else { Err(PeopleError::NoUser(name.clone())) }
}

/// Refuses if nobody but `name` could manage users.
async fn keep_an_admin(store: &Store, name: &PersonName) -> Done {
    let users = store.users().await?;
    let mut admins = users.iter().filter(|u| u.role == Role::Admin && u.disabled.is_none());
    match (admins.next(), admins.next()) {
        (Some(only), None) if only.name == *name => Err(PeopleError::LastAdmin(name.clone())),
        _ => Ok(()),
    }
}
