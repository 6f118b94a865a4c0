//! The mail that warns of a closing that failed.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{Message, SmtpTransport, Transport};

use crate::config::Settings;
use crate::hint::Hint;
use crate::night::NightPaths;

/// How long the mail server may take for each answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address is none.
    #[error("{address:?} is no address for mail: {cause}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong.
        #[source]
        cause: lettre::address::AddressError,
    },
    /// The mail cannot be made.
    #[error("the mail cannot be made: {0}")]
    Message(#[from] lettre::error::Error),
    /// The server did not take it.
    #[error("{host} did not take the mail: {cause}")]
    Server {
        /// The server.
        host: String,
        /// Why not.
        #[source]
        cause: lettre::transport::smtp::Error,
    },
}

impl Hint for MailError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Address { .. } => Some(
                "correct mail_to or mail_from in osa.toml, or [mail] recipient in sequencer.cfg"
                    .into(),
            ),
            Self::Message(_) => None,
            Self::Server { .. } => Some(
                "see whether the mail server is up; mail_host in osa.toml (OSA_MAIL_HOST) names it"
                    .into(),
            ),
        }
    }
}

/// Sends the warning that closing has failed, if a mail server and somebody to write to are set;
/// returns whom it was sent to. Blocks.
///
/// # Errors
/// See [`MailError`].
pub fn warn(
    settings: &Settings,
    paths: &NightPaths,
    why: &str,
) -> Result<Option<String>, MailError> {
    let server = &settings.server;
    let to = server.mail_to.as_ref().or(settings.site.mail.recipient.as_ref());
    let (Some((host, port)), Some(to)) = (&server.mail_host, to) else { return Ok(None) };
    let from = server.mail_from.clone().unwrap_or_else(|| {
        let host = nix::unistd::gethostname().unwrap_or_default();
        format!("osa@{}", host.to_string_lossy())
    });
    let date = paths.date;
    let message = Message::builder()
        .from(mailbox(&from)?)
        .to(mailbox(to)?)
        .subject(format!("osa: closing {date} ({}) failed", paths.prod_id))
        .header(ContentType::TEXT_PLAIN)
        .body(format!(
            "The night {date} of production {} could not be closed and stays open:\n\n{why}\n\n\
             Once the cause is mended, close it again: what is done is not done again.\n",
            paths.prod_id
        ))?;
    let transport =
        SmtpTransport::builder_dangerous(host).port(*port).timeout(Some(PATIENCE)).build();
    let sent = transport.send(&message);
    sent.map_err(|cause| MailError::Server { host: format!("{host}:{port}"), cause })?;
    Ok(Some(to.clone()))
}

fn mailbox(address: &str) -> Result<Mailbox, MailError> {
    address.parse().map_err(|cause| MailError::Address { address: address.to_owned(), cause })
}
