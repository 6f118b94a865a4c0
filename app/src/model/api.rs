//! What the interface for programs offers, as its page shows it.

use serde::{Deserialize, Serialize};

/// A verb at an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ApiOperation {
    /// `GET` or `POST`.
    pub verb: String,
    /// The address, with `{name}` where a parameter goes.
    pub path: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// Parameters, those of the path first.
    pub parameters: Vec<ApiParameter>,
    /// Media types of good answers.
    pub answers: Vec<String>,
    /// Whether it can be tried from the page.
    pub can_be_tried: bool,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ApiParameter {
    /// Its name.
    pub name: String,
    /// Whether it is part of the path; else of the query.
    pub in_path: bool,
    /// What it means.
    pub description: String,
    /// A value as an example.
    pub example: String,
}
