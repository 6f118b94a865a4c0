//! What the server does about launches by itself: goes on with those that were cut short.

use chrono::Utc;

use crate::config::Settings;
use crate::launch::{self, Engine};

/// Goes on with launches whose program is gone.
#[tracing::instrument(name = "resume_launches", skip_all)]
pub(super) async fn resume(engine: Engine, settings: Settings) {
    let interrupted = match launch::interrupted(&engine.store, Utc::now()).await {
        Ok(interrupted) => interrupted,
        Err(error) => {
            tracing::warn!(%error, "cannot tell which launches were interrupted");
            return;
        }
    };
    for launch in interrupted {
        let (date, prod_id) = (launch.date, &launch.prod_id);
        tracing::info!(%date, %prod_id, "resuming an interrupted launch");
        match launch::resume(&engine, &settings, &launch).await {
            Ok(launched) => {
                let outcome = launch::summarize(&launched.outcomes).message;
                tracing::info!(%date, %prod_id, outcome, "resumed an interrupted launch");
            }
            Err(error) => tracing::warn!(%date, %prod_id, %error, "cannot launch the night"),
        }
    }
}
