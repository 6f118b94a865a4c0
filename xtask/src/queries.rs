//! `cargo xtask sqlx [--check]`: what SQLite says of every statement in the server's `query!`
//! macros, in `server/.sqlx`. The macros read it there, so that a build needs no database.
//!
//! The statements are found in the sources, and described by an empty database that all migrations
//! were applied to: the same call, and so the same files, as those of the macros when they are given
//! a database. Nothing is compiled, and `--check` takes no longer than reading the sources.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Describe, Executor, SqlSafeStr, Sqlite, SqliteConnection,
};
use syn::LitStr;
use syn::parse::Parser;
use syn::punctuated::Punctuated;

use crate::Result;

/// The macros, and which of their arguments is the statement.
const MACROS: [(&str, usize); 6] = [
    ("query", 0),
    ("query_unchecked", 0),
    ("query_scalar", 0),
    ("query_scalar_unchecked", 0),
    ("query_as", 1),
    ("query_as_unchecked", 1),
];

/// Where statements are looked for.
const SOURCES: [&str; 2] = ["server/src", "server/tests"];

/// Schemas of databases that are not ours.
const FOREIGN: [&str; 1] = ["server/src/close/processing.sql"];

/// Where the descriptions are.
const DIRECTORY: &str = "server/.sqlx";

/// What a macro reads, as it would write it itself.
#[derive(Serialize)]
struct Description<'a> {
    db_name: &'a str,
    query: &'a str,
    describe: Describe<Sqlite>,
    hash: String,
}

/// Rewrites the descriptions or, if `check` is set, only tells what is wrong with them.
pub fn run(root: &Path, check: bool) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let wanted = runtime.block_on(descriptions(root))?;
    let found = committed(&root.join(DIRECTORY))?;
    if check { compare(&wanted, &found) } else { replace(root, &wanted, &found) }
}

/// Every description by its file's name.
#[expect(clippy::disallowed_methods, reason = "the schema of a table that is not ours")]
async fn descriptions(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut database = SqliteConnectOptions::new().in_memory(true).connect().await?;
    Migrator::new(root.join("migrations")).await?.run(&mut database).await?;
    for schema in FOREIGN {
        let schema = fs::read_to_string(root.join(schema))?;
        sqlx::raw_sql(AssertSqlSafe(schema)).execute(&mut database).await?;
    }
    let mut files = BTreeMap::new();
    for (statement, source) in statements(root)? {
        let (name, text) = describe(&mut database, &statement).await.map_err(|error| {
            format!(
                "{}: {error}\n{statement}",
                source.strip_prefix(root).unwrap_or(&source).display()
            )
        })?;
        files.insert(name, text);
    }
    Ok(files)
}

async fn describe(database: &mut SqliteConnection, statement: &str) -> Result<(String, String)> {
    let sql = AssertSqlSafe(statement.to_owned()).into_sql_str();
    let describe = Executor::describe(database, sql).await?;
    let digest = Sha256::digest(statement.as_bytes());
    let mut hash = String::new();
    for byte in digest {
        write!(hash, "{byte:02x}")?;
    }
    let name = format!("query-{hash}.json");
    let description = Description { db_name: "SQLite", query: statement, describe, hash };
    Ok((name, serde_json::to_string_pretty(&description)? + "\n"))
}

/// Every statement, and a file that has it.
fn statements(root: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut statements = BTreeMap::new();
    for source in SOURCES {
        for file in rust_files(&root.join(source))? {
            let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
            let text = fs::read_to_string(&file).map_err(|error| wrong(&error))?;
            let tokens = TokenStream::from_str(&text).map_err(|error| wrong(&error))?;
            for statement in statements_in(tokens).map_err(|error| wrong(&error))? {
                statements.insert(statement, file.clone());
            }
        }
    }
    Ok(statements)
}

fn rust_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The statements of all macros among some tokens, however deep.
fn statements_in(tokens: TokenStream) -> Result<Vec<String>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut statements = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        if let Some(argument) = macro_before(&tokens[..at]) {
            statements.push(statement(group.stream(), argument)?);
        }
        statements.extend(statements_in(group.stream())?);
    }
    Ok(statements)
}

/// Which argument is the statement, if the name of one of the macros and `!` come last.
fn macro_before(tokens: &[TokenTree]) -> Option<usize> {
    let [.., TokenTree::Ident(name), TokenTree::Punct(mark)] = tokens else { return None };
    let (_, argument) = MACROS.iter().find(|(known, _)| name == known)?;
    (mark.as_char() == '!').then_some(*argument)
}

fn statement(arguments: TokenStream, which: usize) -> Result<String> {
    let comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
    let arguments: Vec<TokenTree> = arguments.into_iter().collect();
    let argument = arguments.split(comma).nth(which).unwrap_or_default();
    let literals = Punctuated::<LitStr, syn::Token![+]>::parse_separated_nonempty;
    let literals = literals
        .parse2(argument.iter().cloned().collect())
        .map_err(|error| format!("a statement of a macro is no text: {error}"))?;
    Ok(literals.iter().map(LitStr::value).collect())
}

/// The descriptions that are there.
fn committed(directory: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    if directory.is_dir() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, fs::read_to_string(entry.path())?);
        }
    }
    Ok(files)
}

type Files = BTreeMap<String, String>;

/// What differs, as lines; none if nothing does.
fn differences(wanted: &Files, found: &Files) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, text) in wanted {
        match found.get(name) {
            None => lines.push(format!("missing:     {name}")),
            Some(other) if other != text => lines.push(format!("stale:       {name}")),
            Some(_) => {}
        }
    }
    let superfluous = found.keys().filter(|name| !wanted.contains_key(*name));
    lines.extend(superfluous.map(|name| format!("superfluous: {name}")));
    lines
}

fn compare(wanted: &Files, found: &Files) -> Result {
    match differences(wanted, found) {
        lines if lines.is_empty() => Ok(()),
        lines => Err(format!(
            "{DIRECTORY} does not describe the statements of the sources; run `cargo xtask sqlx`\n{}",
            lines.join("\n")
        )
        .into()),
    }
}

fn replace(root: &Path, wanted: &Files, found: &Files) -> Result {
    let directory = root.join(DIRECTORY);
    fs::create_dir_all(&directory)?;
    for name in found.keys().filter(|name| !wanted.contains_key(*name)) {
        fs::remove_file(directory.join(name))?;
    }
    for (name, text) in wanted.iter().filter(|(name, text)| found.get(*name) != Some(*text)) {
        fs::write(directory.join(name), text)?;
    }
    eprintln!("{DIRECTORY}: {} statements", wanted.len());
    Ok(())
}
