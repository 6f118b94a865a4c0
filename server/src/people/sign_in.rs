//! Signing in with name and password.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;

use crate::internal::blocking;
use crate::model::{PersonName, Role, User};
use crate::store::Store;
use crate::store::people::Attempt;

use super::limit::Origin;
use super::{Limit, Passwords, PeopleError, WINDOW, hash_of};

/// The source of attempts to change a password: those who make them are signed in already.
const SESSION: &str = "session";
/// So many passwords are looked at at once: each takes a processor and 19 MiB.
static VERIFYING: Semaphore = Semaphore::const_new(4);

/// Why somebody is not let in.
#[derive(Debug)]
pub enum Refusal {
    /// Name or password are wrong, or the user is disabled; which of them is not reported.
    Wrong,
    /// There were too many attempts; how long to wait.
    TooOften(TimeDelta),
    /// It could not be found out.
    Error(PeopleError),
}

impl<E: Into<PeopleError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Who is let in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// How often a sign-in may be tried.
    pub limit: Limit,
    /// Names and passwords that everybody knows, with which nobody is let in.
    pub known_to_all: &'static [(Role, &'static str, &'static str)],
}

/// What somebody gives who wants to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// The name, as it was typed.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// From where it comes.
    pub address: &'a str,
    /// What the cookie of a browser holds in which somebody has signed in before.
    pub browser: Option<&'a str>,
}

/// Lets somebody in who gives the right name and password.
///
/// # Errors
/// See [`Refusal`].
#[tracing::instrument(skip_all, fields(client = given.address, user = tracing::field::Empty))]
pub async fn sign_in(
    store: &Store,
    rules: Rules,
    given: Credentials<'_>,
    now: DateTime<Utc>,
) -> Result<User, Refusal> {
    let typed = given.name.trim().to_lowercase();
    let name = typed.parse::<PersonName>().ok();
    let browser = match (&name, given.browser) {
        (Some(name), Some(browser)) => {
            let browser = hash_of(browser);
            store.is_known_browser(&browser, name).await?.then_some(browser)
        }
        _ => None,
    };
    let (source, origin) = match browser {
        Some(browser) => (format!("browser:{browser}"), Origin::Known),
        None => (given.address.to_owned(), Origin::Address),
    };
    let hash = hash_of(&typed);
    let attempt = Attempt { name: &hash, source: &source, at: now };
    admit(store, rules.limit, attempt, origin).await?;
    let stored = match &name {
        Some(name) => store.user(name).await?,
        None => None,
    };
    let right = verify(stored.as_ref().map(|s| s.password.clone()), given.password).await?;
    match stored {
        Some(stored) if right && known_to_all(&rules, &typed, given.password) => {
            tracing::warn!(
                user = %stored.user.name,
                "a sign-in with the password of the demo was refused: `osa user passwd` gives \
                 another, `osa user remove` removes the user"
            );
            Err(Refusal::Wrong)
        }
        Some(stored) if right && stored.user.disabled.is_none() => {
            store.attempt_succeeded(attempt).await?;
            // Only now: what is typed for a name may be a password.
            tracing::Span::current().record("user", stored.user.name.as_str());
            Ok(stored.user)
        }
        _ => Err(Refusal::Wrong),
    }
}

/// Whether this is the password of somebody who is signed in.
///
/// # Errors
/// [`Refusal::TooOften`] or [`Refusal::Error`].
pub async fn is_password(
    store: &Store,
    limit: Limit,
    user: &User,
    password: &str,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let hash = hash_of(user.name.as_str());
    let attempt = Attempt { name: &hash, source: SESSION, at: now };
    admit(store, limit, attempt, Origin::Known).await?;
    let stored = store.user(&user.name).await?.map(|stored| stored.password);
    let right = verify(stored, password).await?;
    if right {
        store.attempt_succeeded(attempt).await?;
    }
    Ok(right)
}

/// Ends the sessions of users who still have a password that everybody knows; returns their names.
///
/// # Errors
/// The database cannot be used.
pub async fn end_sessions_known_to_all(
    store: &Store,
    rules: Rules,
) -> Result<Vec<PersonName>, PeopleError> {
    let mut ended = Vec::new();
    for (_, name, password) in rules.known_to_all {
        let Ok(name) = name.parse::<PersonName>() else { continue };
        let Some(stored) = store.user(&name).await? else { continue };
        if verify(Some(stored.password), password).await? {
            store.end_sessions(stored.user.id).await?;
            ended.push(name);
        }
    }
    Ok(ended)
}

/// Counts an attempt, and delays it where there were many; refuses it where there were too many.
async fn admit(
    store: &Store,
    limit: Limit,
    attempt: Attempt<'_>,
    origin: Origin,
) -> Result<(), Refusal> {
    let allow = |earlier: &_| limit.allow(earlier, origin, attempt.at);
    let recorded = store.record_attempt(attempt, attempt.at - WINDOW, allow).await?;
    let delay = recorded.map_err(Refusal::TooOften)?;
    tokio::time::sleep(delay).await;
    Ok(())
}

async fn verify(hash: Option<String>, password: &str) -> Result<bool, PeopleError> {
    let password = password.to_owned();
    // It is never closed.
    let _turn = VERIFYING.acquire().await;
    blocking(move || Passwords::verify(hash.as_deref(), &password)).await?
}

fn known_to_all(rules: &Rules, name: &str, password: &str) -> bool {
    rules.known_to_all.iter().any(|(_, n, p)| *n == name && *p == password)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::add_user;

    const DEMO: &[(Role, &str, &str)] = &[(Role::Admin, "admin", "demo-admin")];

    struct Site {
        store: Store,
        now: DateTime<Utc>,
        _dir: tempfile::TempDir,
    }

    impl Site {
        /// A site with the users `jane` and `admin`.
        async fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(&dir.path().join("osa.sqlite")).await.unwrap();
            let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
            for (name, password) in [("jane", "password of jane"), ("admin", "demo-admin")] {
                let name = name.parse().unwrap();
                add_user(&store, &name, Role::Admin, password, now).await.unwrap();
            }
            Self { store, now, _dir: dir }
        }

        async fn jane(
            &self,
            password: &str,
            address: &str,
            browser: Option<&str>,
            now: DateTime<Utc>,
        ) -> Result<User, Refusal> {
            let given = Credentials { name: "jane", password, address, browser };
            sign_in(&self.store, Rules::default(), given, now).await
        }

        async fn guess(&self, address: &str, browser: Option<&str>, now: DateTime<Utc>) {
            for _ in 0..Limit::default().both {
                let guess = self.jane("a wrong guess", address, browser, now).await;
                assert!(matches!(guess, Err(Refusal::Wrong)), "{guess:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_guessing_stranger_locks_only_himself_out() {
        let (site, right) = (Site::new().await, "password of jane");
        site.guess("192.0.2.1", None, site.now).await;
        let stranger = site.jane(right, "192.0.2.1", None, site.now).await;
        assert!(matches!(stranger, Err(Refusal::TooOften(_))), "{stranger:?}");
        let jane = site.jane(right, "192.0.2.2", None, site.now).await.unwrap();
        let secret = "what the cookie of her browser holds";
        site.store.remember_browser(jane.id, None, &hash_of(secret), site.now).await.unwrap();
        // Even from the very address of the stranger.
        site.jane(right, "192.0.2.1", Some(secret), site.now).await.unwrap();
        let other = site.jane(right, "192.0.2.1", Some("another"), site.now).await;
        assert!(matches!(other, Err(Refusal::TooOften(_))), "{other:?}");
    }

    #[tokio::test]
    async fn a_stolen_browser_may_not_guess_either() {
        let site = Site::new().await;
        let right = "password of jane";
        let jane = site.jane(right, "192.0.2.2", None, site.now).await.unwrap();
        site.store.remember_browser(jane.id, None, &hash_of("secret"), site.now).await.unwrap();
        site.guess("192.0.2.3", Some("secret"), site.now).await;
        let again = site.jane(right, "192.0.2.3", Some("secret"), site.now).await;
        assert!(matches!(again, Err(Refusal::TooOften(_))), "{again:?}");
        site.jane(right, "192.0.2.3", None, site.now).await.unwrap();
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_locks_nobody_out_for_longer() {
        let (site, right) = (Site::new().await, "password of jane");
        site.guess("192.0.2.1", None, site.now + TimeDelta::days(3)).await;
        let refused = site.jane(right, "192.0.2.1", None, site.now).await;
        let Err(Refusal::TooOften(left)) = refused else { panic!("{refused:?}") };
        assert_eq!(left, WINDOW);
        site.jane(right, "192.0.2.1", None, site.now + WINDOW).await.unwrap();
    }

    #[tokio::test]
    async fn the_current_password_is_not_guessed_either() {
        let site = Site::new().await;
        let user = site.store.user(&"jane".parse().unwrap()).await.unwrap().unwrap().user;
        let limit = Limit::default();
        let ask = async |password| is_password(&site.store, limit, &user, password, site.now).await;
        for _ in 0..limit.both {
            assert!(!ask("a wrong guess").await.unwrap());
        }
        assert!(matches!(ask("password of jane").await, Err(Refusal::TooOften(_))));
    }

    #[tokio::test]
    async fn what_everybody_knows_lets_nobody_in() {
        let site = Site::new().await;
        let given = Credentials {
            name: "Admin ",
            password: "demo-admin",
            address: "192.0.2.1",
            browser: None,
        };
        let demo = Rules::default();
        let user = sign_in(&site.store, demo, given, site.now).await.unwrap();
        let real = Rules { known_to_all: DEMO, ..demo };
        let refused = sign_in(&site.store, real, given, site.now).await;
        assert!(matches!(refused, Err(Refusal::Wrong)), "{refused:?}");
        let row = crate::store::people::SessionRow {
            id: "s".into(),
            user: user.id,
            content: "{}".into(),
            expires: site.now,
        };
        assert!(site.store.save_session(&row, true).await.unwrap());
        let ended = end_sessions_known_to_all(&site.store, real).await.unwrap();
        assert_eq!(ended, ["admin".parse().unwrap()]);
        assert!(site.store.sessions_of(user.id).await.unwrap().is_empty());
    }
}
