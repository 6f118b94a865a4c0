//! Lineage over REST: where any file came from, and what was made of it. The parameters are ours, or
//! those of the IVOA's ProvSAP under its names (<https://www.ivoa.net/documents/ProvDAL/>).

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::hint::Hint;
use crate::internal::blocking;
use crate::model::RunId;
use crate::provenance::graph::{Direction, Graph, layout, pdf, svg};
use crate::provenance::index::{Lineage, LineageError, Question, Start, lineage};
use crate::provenance::{json, jsonld, provn, turtle};

use super::WebState;
use super::cached::{self, Form};
use super::path::Path;
use super::problem::Problem;
use super::provenance;

/// A query, in order; a name may come several times.
pub type Pairs = Vec<(String, String)>;

/// What is asked, and in which form the answer is wanted if the query says so.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    question: Question,
    form: Option<Form>,
}

/// `GET /api/v1/provenance`, and with a suffix for one form.
pub async fn find(
    State(state): State<WebState>,
    Query(pairs): Query<Pairs>,
    headers: HeaderMap,
    form: Option<Form>,
) -> Result<Response, Problem> {
    let Asked { question, form: asked } = asked(&pairs)?;
    let form = match form.or(asked) {
        Some(form) => form,
        None => provenance::negotiated(&headers)?,
    };
    let found = lineage(&state.people.store, &question).await.map_err(refused)?;
    let body = blocking(move || written(&found, form)).await;
    let body = body.map_err(|error| Problem::caused_by(&error))?;
    Ok(cached::answer(&headers, form, body))
}

/// `GET /api/v1/runs/{run}/provenance`, and with a suffix for one form: what the night's address
/// gives, without the night.
pub async fn of_run(
    State(state): State<WebState>,
    Path(run): Path<RunId>,
    Query(asked): Query<provenance::Asked>,
    headers: HeaderMap,
    form: Option<Form>,
) -> Result<Response, Problem> {
    let date = state.watcher.night_of(run).await?;
    let form = match form {
        Some(form) => form,
        None => provenance::negotiated(&headers)?,
    };
    provenance::send(&state, (date, run), asked, &headers, form).await
}

fn refused(error: LineageError) -> Problem {
    let problem = match error {
        LineageError::Unknown(_) => Problem::not_found(error.to_string()),
        LineageError::TooMuch => Problem::bad_request(error.to_string()),
        LineageError::Store(_) => Problem::unavailable(error.to_string()),
    };
    problem.with_hint(error.hint())
}

fn written(found: &Lineage, form: Form) -> Vec<u8> {
    let document = &found.document;
    let drawing =
        || layout(&Graph::of(document, &format!("Provenance of {}", found.start.join(", "))));
    match form {
        Form::Provn => provn::write(document).into_bytes(),
        Form::Turtle => turtle::write(document).into_bytes(),
        Form::JsonLd => jsonld::write(document).into_bytes(),
        Form::Svg => svg::write(&drawing()).into_bytes(),
        Form::Pdf => pdf::write(&drawing()),
        _ => json::write(document).into_bytes(),
    }
}

fn asked(pairs: &Pairs) -> Result<Asked, Problem> {
    let mut starts = Vec::new();
    let (mut direction, mut depth, mut agents, mut form) = (Direction::Back, None, true, None);
    for (name, value) in pairs {
        let bad = |wanted: &str| {
            Problem::bad_request(format!(
                "the parameter {name} is {value:?}, and should be {wanted}"
            ))
        };
        let text = || value.clone();
        match name.to_ascii_lowercase().as_str() {
            _ if value.is_empty() => {}
            "path" => starts.push(Start::Path(text())),
            "name" => starts.push(Start::Name(text())),
            "hash" => starts.push(Start::Hash(text())),
            "activity" => starts.push(Start::Activity(text())),
            "run" => {
                starts.push(Start::Run(value.parse().map_err(|_| bad("a run such as 19102"))?));
            }
            "id" => starts.push(Start::Id(text())),
            "direction" => {
                direction = match value.to_ascii_lowercase().as_str() {
                    "back" => Direction::Back,
                    "forward" | "forth" => Direction::Forward,
                    _ => return Err(bad("back or forward")),
                }
            }
            "depth" => {
                depth = Some(match value.to_ascii_lowercase().as_str() {
                    "all" => None,
                    number => Some(number.parse().map_err(|_| bad("a number or ALL"))?),
                });
            }
            "agents" => {
                agents = match value.to_ascii_lowercase().as_str() {
                    "1" | "true" => true,
                    "0" | "false" => false,
                    _ => return Err(bad("1 or 0")),
                }
            }
            "model" => match value.to_ascii_uppercase().as_str() {
                "W3C" => {}
                _ => return Err(bad("W3C: answers are in that model only")),
            },
            "responseformat" => {
                let known = "PROV-JSON, PROV-N, PROV-TURTLE, PROV-JSONLD, PROV-SVG or PROV-PDF";
                form = Some(form_of(value).ok_or_else(|| bad(known))?);
            }
            _ => {
                return Err(Problem::bad_request(format!(
                    "there is no parameter {name}: there are path, name, hash, run, activity, \
                     direction and depth, and ProvSAP's ID, DEPTH, DIRECTION, RESPONSEFORMAT, MODEL \
                     and AGENTS"
                )));
            }
        }
    }
    if starts.is_empty() {
        let text = "say where to begin: with path, name, hash, run, activity or ID";
        return Err(Problem::bad_request(text));
    }
    // ProvSAP goes one step if it is not told otherwise; ours goes to the end.
    let sap = starts.iter().all(|start| matches!(start, Start::Id(_)));
    let depth = depth.unwrap_or_else(|| sap.then_some(1));
    Ok(Asked { question: Question { starts, direction, depth, agents }, form })
}

fn form_of(name: &str) -> Option<Form> {
    let name = name.to_ascii_uppercase();
    Some(match name.strip_prefix("PROV-").unwrap_or(&name) {
        "JSON" | "APPLICATION/JSON" => Form::Json,
        "N" => Form::Provn,
        "TURTLE" | "TTL" | "TEXT/TURTLE" => Form::Turtle,
        "JSONLD" | "JSON-LD" | "APPLICATION/LD+JSON" => Form::JsonLd,
        "SVG" | "IMAGE/SVG+XML" => Form::Svg,
        "PDF" | "APPLICATION/PDF" => Form::Pdf,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<Asked, String> {
        let uri = format!("http://x/?{query}").parse().unwrap();
        let Query(pairs) = Query::try_from_uri(&uri).unwrap();
        asked(&pairs).map_err(|problem| problem.detail().to_owned())
    }

    #[test]
    fn both_sets_of_names_ask_the_same() {
        let ours = ask("path=/a%20b&direction=forward&depth=3").unwrap().question;
        assert_eq!(ours.starts, [Start::Path("/a b".into())]);
        assert_eq!((ours.direction, ours.depth, ours.agents), (Direction::Forward, Some(3), true));
        let sap =
            ask("ID=x&ID=y&DEPTH=ALL&DIRECTION=FORTH&AGENTS=0&RESPONSEFORMAT=PROV-N&MODEL=W3C");
        let sap = sap.unwrap();
        assert_eq!(sap.form, Some(Form::Provn));
        let sap = sap.question;
        assert_eq!(sap.starts, [Start::Id("x".into()), Start::Id("y".into())]);
        assert_eq!((sap.direction, sap.depth, sap.agents), (Direction::Forward, None, false));
    }

    #[test]
    fn each_goes_as_far_as_its_own_standard_says() {
        assert_eq!(ask("path=/a").unwrap().question.depth, None);
        assert_eq!(ask("ID=a").unwrap().question.depth, Some(1));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, part) in [
            ("", "say where to begin"),
            ("path=", "say where to begin"),
            ("path=/a&depth=-1", "depth is \"-1\""),
            ("path=/a&direction=up", "back or forward"),
            ("ID=a&MODEL=IVOA", "W3C"),
            ("ID=a&RESPONSEFORMAT=PROV-XML", "PROV-JSON, PROV-N"),
            ("run=x", "a run such as"),
            ("path=/a&colour=red", "there is no parameter colour"),
        ] {
            let error = ask(query).unwrap_err();
            assert!(error.contains(part), "{query}: {error}");
        }
    }
}
