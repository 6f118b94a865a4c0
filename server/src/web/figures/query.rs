//! What is asked of figures, read from an address.

use std::fmt::Write as _;

use app::backend::BackendError;

use crate::datacheck::figure::{NightSheet, RunSheet};
use crate::datacheck::geometry::PIXELS;
use crate::model::{FigureChoice, FigureQuery, NightDate, OtherRun, RunId};

/// Nights of more days are not looked at together: it would be a slip of the keyboard.
const MOST_DAYS: i64 = 366 * 20;

/// A sheet of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunFigures {
    /// One of the sheets.
    Sheet(RunSheet),
    /// The history of a pixel.
    Pixel(usize),
}

impl RunFigures {
    /// The sheet with this permanent name; the first without one.
    pub fn by_key(key: Option<&str>) -> Result<Self, BackendError> {
        let Some(key) = key else { return Ok(Self::Sheet(RunSheet::ALL[0])) };
        if let Some(pixel) = key.strip_prefix("pixel-") {
            let number = pixel.parse().ok().filter(|number| *number < PIXELS);
            return number.map(Self::Pixel).ok_or_else(|| {
                let last = PIXELS - 1;
                let text =
                    format!("there is no pixel {pixel:?}: they are numbered from 0 to {last}");
                BackendError::not_found(text)
            });
        }
        RunSheet::by_key(key).map(Self::Sheet).ok_or_else(|| no_sheet(key))
    }
}

/// What is asked of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFigureQuery {
    /// The sheet.
    pub figures: RunFigures,
    /// The run that is compared with.
    pub with: Option<OtherRun>,
    /// How values are shown.
    pub choice: FigureChoice,
}

impl RunFigureQuery {
    /// What the query asks; `sheet` stands in the address itself.
    pub fn read(query: &FigureQuery, sheet: Option<&str>) -> Result<Self, BackendError> {
        let with = query.with().map_err(BackendError::invalid)?;
        let asked = sheet.map(ToOwned::to_owned).or_else(|| query.sheet());
        let figures = match (asked, with) {
            (None, Some(_)) => RunFigures::Sheet(RunSheet::MAPPED[0]),
            (asked, _) => RunFigures::by_key(asked.as_deref())?,
        };
        let choice = query.choice().map_err(BackendError::invalid)?;
        Ok(Self { figures, with, choice })
    }

    /// The end of its figures' addresses.
    pub fn query(&self) -> String {
        let with = self.with.map_or_else(String::new, |with| format!("&with={with}"));
        query(&format!("{with}{}", self.choice.query()))
    }
}

/// What is asked of a night.
#[derive(Clone, Debug, PartialEq)]
pub struct NightFigureQuery {
    /// The sheet.
    pub sheet: NightSheet,
    /// The run whose pixels are shown; the first if there is none.
    pub run: Option<RunId>,
    /// How values are shown.
    pub choice: FigureChoice,
}

impl NightFigureQuery {
    /// What the query asks; `sheet` stands in the address itself.
    pub fn read(query: &FigureQuery, sheet: Option<&str>) -> Result<Self, BackendError> {
        let asked = sheet.map(ToOwned::to_owned).or_else(|| query.sheet());
        let sheet = match asked {
            None => NightSheet::ALL[0],
            Some(key) => NightSheet::by_key(&key).ok_or_else(|| no_sheet(&key))?,
        };
        let run = FigureQuery::text(query.run.as_ref()).map(str::parse).transpose();
        let run =
            run.map_err(|error: crate::model::IdError| BackendError::invalid(error.to_string()))?;
        let choice = query.choice().map_err(BackendError::invalid)?;
        Ok(Self { sheet, run, choice })
    }

    /// The end of its figures' addresses.
    pub fn query(&self) -> String {
        let run = self.run.map_or_else(String::new, |run| format!("&run={run}"));
        query(&format!("{run}{}", self.choice.query()))
    }
}

/// What is asked of many nights.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeFigureQuery {
    /// The first night.
    pub from: NightDate,
    /// The last night.
    pub to: NightDate,
    /// The only source that is shown.
    pub source: Option<String>,
    /// The first and the last run that are shown.
    pub runs: Option<(RunId, RunId)>,
    /// The sheet.
    pub sheet: NightSheet,
    /// How values are shown.
    pub choice: FigureChoice,
}

impl RangeFigureQuery {
    /// What the query asks; `sheet` stands in the address itself. Without dates it is the `days`
    /// before `newest`, and that night.
    pub fn read(
        query: &FigureQuery,
        sheet: Option<&str>,
        newest: NightDate,
        days: u32,
    ) -> Result<Self, BackendError> {
        let invalid = |error: crate::model::IdError| BackendError::invalid(error.to_string());
        let date = |field: &Option<String>| {
            FigureQuery::text(field.as_ref()).map(str::parse::<NightDate>).transpose()
        };
        let to = date(&query.to).map_err(invalid)?.unwrap_or(newest);
        let from = date(&query.from).map_err(invalid)?.unwrap_or_else(|| to.days_before(days));
        let span = (to.date() - from.date()).num_days();
        if !(0..=MOST_DAYS).contains(&span) {
            let text = format!(
                "from {from} to {to} is no range of nights: the first is not after the last, and at \
                 most twenty years before it"
            );
            return Err(BackendError::invalid(text));
        }
        let runs = FigureQuery::text(query.run.as_ref()).map(|text| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            Ok((first.trim().parse()?, last.trim().parse()?))
        });
        let runs = runs.transpose().map_err(|error: crate::model::IdError| {
            BackendError::invalid(format!("{error}; give a run, or a range such as 20601-20650"))
        })?;
        let asked = sheet.map(ToOwned::to_owned).or_else(|| query.sheet());
        let sheet = match asked {
            None => NightSheet::LINES[0],
            Some(key) => NightSheet::by_key(&key)
                .filter(|sheet| NightSheet::LINES.contains(sheet))
                .ok_or_else(|| no_sheet(&key))?,
        };
        let source = FigureQuery::text(query.source.as_ref()).map(ToOwned::to_owned);
        let choice = query.choice().map_err(BackendError::invalid)?;
        Ok(Self { from, to, source, runs, sheet, choice })
    }

    /// The nights, from the first to the last.
    pub fn dates(&self) -> impl Iterator<Item = NightDate> + use<> {
        let last = self.to.date();
        self.from.date().iter_days().take_while(move |day| *day <= last).map(NightDate::new)
    }

    /// The end of its figures' addresses.
    pub fn query(&self) -> String {
        let mut text = format!("&from={}&to={}", self.from, self.to);
        if let Some(source) = &self.source {
            text.push_str("&source=");
            text.extend(form_quoted(source));
        }
        if let Some((first, last)) = self.runs {
            let _ = write!(text, "&run={first}-{last}");
        }
        query(&format!("{text}{}", self.choice.query()))
    }
}

fn form_quoted(text: &str) -> Option<String> {
    let pair = serde_urlencoded::to_string([("q", text)]).ok()?;
    pair.strip_prefix("q=").map(ToOwned::to_owned)
}

/// Parameters, each behind an ampersand, as a query; nothing if there are none.
fn query(parameters: &str) -> String {
    parameters.strip_prefix('&').map_or_else(String::new, |rest| format!("?{rest}"))
}

fn no_sheet(key: &str) -> BackendError {
    BackendError::not_found(format!("there is no sheet {key:?} of figures"))
}
