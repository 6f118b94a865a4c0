//! The files of a night's data quality that lstchain made, and those that are missing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{IdError, MissingProduct, NightDate};

/// What a product is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum ProductGroup {
    /// The night's calibration.
    Calibration,
    /// A run.
    Runs,
    /// The night as a whole.
    Longterm,
}

impl ProductGroup {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Calibration, Self::Runs, Self::Longterm];

    /// Its word in addresses.
    pub fn key(self) -> &'static str {
        match self {
            Self::Calibration => "calibration",
            Self::Runs => "runs",
            Self::Longterm => "longterm",
        }
    }

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Calibration => "Calibration",
            Self::Runs => "Runs",
            Self::Longterm => "Long-term, the night as a whole",
        }
    }
}

impl TryFrom<String> for ProductGroup {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl std::str::FromStr for ProductGroup {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let expected = "a group of products: calibration, runs or longterm";
        let found = Self::ALL.into_iter().find(|group| group.key() == text);
        found.ok_or_else(|| IdError { text: text.to_owned(), expected })
    }
}

/// A file that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Product {
    /// What it is about.
    pub group: ProductGroup,
    /// Its file name, by which it is asked for.
    pub name: String,
    /// Size [bytes].
    pub bytes: u64,
    /// Last change.
    pub modified: DateTime<Utc>,
    /// Where it can be had, relative to the site's root.
    pub href: String,
}

/// A file that was looked for and is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Missing {
    /// What it would be about.
    pub group: ProductGroup,
    /// What, and why it is not there.
    #[serde(flatten)]
    pub product: MissingProduct,
}

/// The files of a night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Products {
    /// The night.
    pub date: NightDate,
    /// Those that are there.
    pub products: Vec<Product>,
    /// Those that are not.
    pub missing: Vec<Missing>,
}
