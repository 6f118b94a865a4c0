//! The rows of a table: the name of one that fails is printed.

use std::fmt::Debug;
use std::future::Future;

use tokio::task::JoinSet;

/// Tells which row of a table was tested when an assertion failed:
/// `for (name, …) in TABLE { let _case = Case::named(name); … }`.
pub struct Case(String);

impl Case {
    /// The row with this name is tested until the value is dropped.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed in the case: {}", self.0);
        }
    }
}

/// Tests all rows at the same time: those that wait for something do not wait one after another.
pub async fn at_once<R, F>(rows: impl IntoIterator<Item = R>, test: impl Fn(R) -> F)
where
    R: Debug,
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for row in rows {
        let name = format!("{row:?}");
        let test = test(row);
        running.spawn(async move {
            let _case = Case::named(name);
            test.await;
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.expect("every row is as it must be");
    }
}
