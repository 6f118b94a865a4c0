//! What is asked of datacheck figures, as it stands in an address: which sheet, and how its figures
//! are shown.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{IdError, NightDate, RunId};

/// The query of an address of figures, as it came. What a form leaves empty is as if it were not
/// there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct FigureQuery {
    /// Permanent name of the sheet.
    pub sheet: Option<String>,
    /// Number of a pixel whose history is wanted instead of a sheet.
    pub pixel: Option<String>,
    /// The figure that the choice below is about; all of the sheet if it is empty.
    pub figure: Option<String>,
    /// `linear` or `log`.
    pub scale: Option<String>,
    /// `all`, `percentile` or `value`.
    pub limits: Option<String>,
    /// The lower limit.
    pub low: Option<String>,
    /// The upper limit.
    pub high: Option<String>,
    /// The run that is compared with, `20603` or `20603@2025-01-31`.
    pub with: Option<String>,
    /// Of nights: the run whose pixels are shown, or the runs that are, `20601-20650`.
    pub run: Option<String>,
    /// Of many nights: the first.
    pub from: Option<String>,
    /// Of many nights: the last.
    pub to: Option<String>,
    /// Of many nights: the source that is shown.
    pub source: Option<String>,
}

/// How the values of figures are shown, where it is not as usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct FigureChoice {
    /// The figure that this is about; all of the sheet if there is none.
    pub figure: Option<String>,
    /// How values run.
    pub scale: Option<ValueScale>,
    /// From where to where.
    pub limits: Option<ValueLimits>,
}

/// How values run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ValueScale {
    /// Evenly.
    Linear,
    /// By powers of ten.
    Log,
}

/// From where to where values are shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ValueLimits {
    /// From the least to the greatest.
    All,
    /// From one percentile to another.
    Percentile(f64, f64),
    /// From one value to another.
    Value(f64, f64),
}

/// A run to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct OtherRun {
    /// The run.
    pub run: RunId,
    /// Its night, if it is another one.
    pub date: Option<NightDate>,
}

impl FigureQuery {
    /// What is in a field, unless it was left empty.
    pub fn text(field: Option<&String>) -> Option<&str> {
        field.map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// The sheet that is asked for: that of a pixel if there is one.
    pub fn sheet(&self) -> Option<String> {
        match Self::text(self.pixel.as_ref()) {
            Some(pixel) => Some(format!("pixel-{pixel}")),
            None => Self::text(self.sheet.as_ref()).map(ToOwned::to_owned),
        }
    }

    /// How figures are to be shown.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn choice(&self) -> Result<FigureChoice, String> {
        let figure = Self::text(self.figure.as_ref()).map(ToOwned::to_owned);
        let scale = match Self::text(self.scale.as_ref()) {
            None => None,
            Some("linear") => Some(ValueScale::Linear),
            Some("log") => Some(ValueScale::Log),
            Some(other) => return Err(format!("the scale {other:?} is neither linear nor log")),
        };
        let ends = || -> Result<(f64, f64), String> {
            let (from, to) =
                (number("low", self.low.as_ref())?, number("high", self.high.as_ref())?);
            if from < to {
                Ok((from, to))
            } else {
                Err(format!("the lower limit {from} is not below the upper limit {to}"))
            }
        };
        let limits = match Self::text(self.limits.as_ref()) {
            None if Self::text(self.low.as_ref()).or(Self::text(self.high.as_ref())).is_some() => {
                return Err(
                    "limits are given, but not what they are: choose percentiles or values".into(),
                );
            }
            None => None,
            Some("all") => Some(ValueLimits::All),
            Some("percentile") => {
                let (from, to) = ends()?;
                if from < 0.0 || to > 100.0 {
                    return Err(format!("percentiles are from 0 to 100, not {from} to {to}"));
                }
                Some(ValueLimits::Percentile(from, to))
            }
            Some("value") => {
                let (from, to) = ends()?;
                if scale == Some(ValueScale::Log) && from <= 0.0 {
                    return Err(format!(
                        "on a logarithmic scale the lower limit must be above 0, not {from}"
                    ));
                }
                Some(ValueLimits::Value(from, to))
            }
            Some(other) => {
                return Err(format!("the limits {other:?} are none of all, percentile and value"));
            }
        };
        Ok(FigureChoice { figure, scale, limits })
    }

    /// The run to compare with, if one is named.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn with(&self) -> Result<Option<OtherRun>, String> {
        let Some(text) = Self::text(self.with.as_ref()) else { return Ok(None) };
        let (run, date) =
            text.split_once('@').map_or((text, None), |(run, date)| (run, Some(date)));
        let wrong = |error: IdError| {
            format!("{error}; a run to compare with is written 20603 or 20603@2025-01-31")
        };
        let date = date.map(str::parse).transpose().map_err(wrong)?;
        Ok(Some(OtherRun { run: run.parse().map_err(wrong)?, date }))
    }
}

fn number(name: &str, field: Option<&String>) -> Result<f64, String> {
    let text = FigureQuery::text(field)
        .ok_or_else(|| format!("the limit {name:?} is missing: give both, or choose others"))?;
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| format!("the limit {name:?} is {text:?}: give a number such as 1.5"))
}

impl FigureChoice {
    /// Whether nothing is chosen.
    pub fn is_usual(&self) -> bool {
        self.scale.is_none() && self.limits.is_none()
    }

    /// Whether it is about this figure.
    pub fn is_about(&self, figure: &str) -> bool {
        self.figure.as_ref().is_none_or(|own| own == figure)
    }

    /// As the parameters of an address, each behind an ampersand; always the same for the same choice.
    pub fn query(&self) -> String {
        let mut query = String::new();
        if self.is_usual() {
            return query;
        }
        // Writing to a text cannot fail.
        if let Some(figure) = &self.figure {
            let _ = write!(query, "&figure={figure}");
        }
        match self.scale {
            None => {}
            Some(ValueScale::Linear) => query.push_str("&scale=linear"),
            Some(ValueScale::Log) => query.push_str("&scale=log"),
        }
        match self.limits {
            None => {}
            Some(ValueLimits::All) => query.push_str("&limits=all"),
            Some(ValueLimits::Percentile(from, to)) => {
                let _ = write!(query, "&limits=percentile&low={from}&high={to}");
            }
            Some(ValueLimits::Value(from, to)) => {
                let _ = write!(query, "&limits=value&low={from}&high={to}");
            }
        }
        query
    }
}

impl std::fmt::Display for OtherRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.run)?;
        self.date.map_or(Ok(()), |date| write!(f, "@{date}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(scale: &str, limits: &str, from: &str, to: &str) -> Result<FigureChoice, String> {
        let some = |text: &str| Some(text.to_owned());
        let query = FigureQuery {
            scale: some(scale),
            limits: some(limits),
            low: some(from),
            high: some(to),
            ..FigureQuery::default()
        };
        query.choice()
    }

    #[test]
    fn a_choice_is_read_and_written_again() {
        assert!(asked("", "", "", "").unwrap().is_usual());
        assert_eq!(asked("log", "", "", "").unwrap().query(), "&scale=log");
        let limits = asked("linear", "value", "-1.5", "2").unwrap();
        assert_eq!(limits.query(), "&scale=linear&limits=value&low=-1.5&high=2");
        let percent = asked("", "percentile", "1", " 99 ").unwrap();
        assert_eq!(percent.limits, Some(ValueLimits::Percentile(1.0, 99.0)));
    }

    #[test]
    fn wrong_values_are_reported_with_what_would_be_right() {
        for (scale, limits, from, to, told) in [
            ("cubic", "", "", "", "neither linear nor log"),
            ("", "some", "", "", "none of all, percentile and value"),
            ("", "", "1", "2", "choose percentiles or values"),
            ("", "value", "1", "", "\"high\" is missing"),
            ("", "value", "one", "2", "a number such as 1.5"),
            ("", "value", "NaN", "2", "a number such as 1.5"),
            ("", "value", "2", "1", "not below"),
            ("", "percentile", "1", "101", "from 0 to 100"),
            ("log", "value", "0", "1", "above 0"),
        ] {
            let error = asked(scale, limits, from, to).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn another_run_is_of_this_night_or_of_another() {
        let with =
            |text: &str| FigureQuery { with: Some(text.into()), ..Default::default() }.with();
        assert_eq!(with("").unwrap(), None);
        assert_eq!(with("20603").unwrap().unwrap().to_string(), "20603");
        let other = with("20603@2025-01-31").unwrap().unwrap();
        assert_eq!((other.date.is_some(), other.to_string().as_str()), (true, "20603@2025-01-31"));
        assert!(with("20603@31.1.").unwrap_err().contains("20603@2025-01-31"));
    }
}
