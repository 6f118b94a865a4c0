//! What the server does about closing by itself: goes on with what was cut short, and closes last
//! night once it is ready, if that is set.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::close::auto::{self, AutoOptions};
use crate::close::{self, CloseError, Request};
use crate::config::Settings;
use crate::internal::blocking;
use crate::launch::Engine;
use crate::model::{Author, CloseOptions, NightDate, ProdId};

/// Time between two looks at whether last night is ready.
const PAUSE: Duration = Duration::from_secs(60);

/// Closes, for as long as the server runs.
pub(super) async fn keep(engine: Engine, settings: Settings, prod_id: ProdId) {
    resume(&engine, &settings).await;
    if !settings.server.autoclose {
        return;
    }
    loop {
        let last = NightDate::new(Utc::now().date_naive()).days_before(1);
        match close_if_ready(&engine, &settings, last, &prod_id).await {
            Ok(()) => {}
            // Somebody else is at it.
            Err(CloseError::Busy { .. }) => {}
            Err(error) => tracing::warn!(date = %last, %error, "cannot close the night"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Goes on with closings whose program is gone.
#[tracing::instrument(name = "resume_closings", skip_all)]
async fn resume(engine: &Engine, settings: &Settings) {
    let interrupted = match close::interrupted(&engine.store).await {
        Ok(interrupted) => interrupted,
        Err(error) => {
            tracing::warn!(%error, "cannot tell which closings were interrupted");
            return;
        }
    };
    for (date, prod_id, options) in interrupted {
        tracing::info!(%date, %prod_id, "resuming an interrupted closing");
        let now = Utc::now();
        let closed = async {
            let request = read(settings, date, &prod_id, options, now).await?;
            close::start(engine, &request).await
        };
        match closed.await {
            Ok(_) => tracing::info!(%date, %prod_id, "the night is closed"),
            Err(error) => tracing::warn!(%date, %prod_id, %error, "cannot close the night"),
        }
    }
}

async fn read(
    settings: &Settings,
    date: NightDate,
    prod_id: &ProdId,
    options: CloseOptions,
    now: DateTime<Utc>,
) -> Result<Request, CloseError> {
    let (settings, prod_id) = (settings.clone(), prod_id.clone());
    let read = move || Request::read(settings, date, prod_id, options, Author::Auto, now);
    blocking(read).await?
}

#[tracing::instrument(name = "autoclose_check", skip_all, fields(%date, %prod_id))]
async fn close_if_ready(
    engine: &Engine,
    settings: &Settings,
    date: NightDate,
    prod_id: &ProdId,
) -> Result<(), CloseError> {
    let now = Utc::now();
    let request = match read(settings, date, prod_id, CloseOptions::default(), now).await {
        Err(CloseError::Night(crate::night::NightError::NoSummary { .. })) => return Ok(()),
        request => request?,
    };
    let outcome = auto::run(engine, &request, AutoOptions::default()).await?;
    for (_, closed) in outcome.closings {
        closed?;
        tracing::info!(%date, %prod_id, "the night is closed");
    }
    Ok(())
}
