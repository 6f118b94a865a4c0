//! The seam between whoever asks for an action and what plans and executes it; tests give a fake.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Became, DeedError, Order, Site};
use crate::model::{Deed, DeedPlan, NightDate};

/// Plans and executes actions.
#[async_trait]
pub trait ActionService: Send + Sync + 'static {
    /// What an action would do.
    async fn plan(
        &self,
        date: NightDate,
        action: Deed,
        now: DateTime<Utc>,
    ) -> Result<DeedPlan, DeedError>;

    /// Executes the plan that was seen.
    async fn carry_out(&self, order: Order) -> Result<Became, DeedError>;
}

#[async_trait]
impl ActionService for Site {
    async fn plan(
        &self,
        date: NightDate,
        action: Deed,
        now: DateTime<Utc>,
    ) -> Result<DeedPlan, DeedError> {
        Site::plan(self, date, action, now).await
    }

    async fn carry_out(&self, order: Order) -> Result<Became, DeedError> {
        Site::carry_out(self, order).await
    }
}
