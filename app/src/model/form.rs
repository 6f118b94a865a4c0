//! What server functions take and give beside the model's own types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Action, Fields, PersonName};
use crate::backend_error::BackendError;

/// Name of the query parameter with which a page is asked to show what came of a form.
pub const RESULT: &str = "result";

/// An action as the fields of a form, among which others may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionFields(BTreeMap<String, String>);

impl ActionFields {
    /// The action.
    ///
    /// # Errors
    /// The fields name none, or one of its values cannot be read.
    pub fn read(self) -> Result<Action, BackendError> {
        let fields: Fields = self.0.into_iter().collect();
        Action::from_fields(&fields).map_err(|error| BackendError::not_found(error.to_string()))
    }
}

impl From<&Action> for ActionFields {
    fn from(action: &Action) -> Self {
        Self(action.fields().into_iter().collect())
    }
}

/// What was done, for the user to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// A sentence.
    pub message: String,
}

/// A token just created. Its secret is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// A sentence for the user.
    pub message: String,
    /// Its name.
    pub name: PersonName,
    /// The secret.
    pub secret: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend_error::ErrorKind;

    #[test]
    fn an_action_is_found_among_other_fields() {
        let fields = |text: &str| -> ActionFields {
            let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
            ActionFields(pairs.map(|(name, value)| (name.into(), value.into())).collect())
        };
        assert_eq!(fields("form_token=x&what=launch&mark=y").read(), Ok(Action::Launch));
        let error = fields("form_token=x").read().unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
    }
}
