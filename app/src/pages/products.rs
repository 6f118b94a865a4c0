//! `/nights/2024-11-28/products`: the files of data quality that lstchain made, and those that are
//! missing.

use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use super::{backend, crumbs, night_step, parameter};
use crate::model::{Missing, NightDate, Product, ProductGroup, Products};
use crate::parts::{format, links, table};

const COLUMNS: [(&str, &str); 3] = [("", "File"), ("n", "Size"), ("", "Written")];

/// The files of a night's data quality.
#[component]
pub fn ProductsPage() -> impl IntoView {
    let asked = parameter::<NightDate>("date").and_then(|date| Ok((backend()?, date)));
    Suspend::new(async move {
        let products = match asked {
            Ok((backend, date)) => backend.products(date).await,
            Err(error) => Err(error),
        };
        match products {
            Ok(products) => page(&products).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

fn page(products: &Products) -> impl IntoView + use<> {
    let date = products.date;
    let groups = ProductGroup::ALL.map(|group| section(products, group));
    view! {
        <Title text=format!("Datacheck files of {date}")/>
        {crumbs(vec![night_step(date)], "Datacheck files".to_owned())}
        <article class="products">
            <div class="title"><h1>{format!("Datacheck files of night {date}")}</h1></div>
            <p class="hint">
                "As lstchain wrote them. The same figures, live, are in the "
                <a href=links::datacheck(date, None)>"datacheck of the night"</a>
                " and of each run."
            </p>
            {groups.into_iter().collect::<Vec<_>>()}
        </article>
    }
}

fn section(all: &Products, group: ProductGroup) -> impl IntoView + use<> {
    let rows = all.products.iter().filter(|own| own.group == group).map(row).collect::<Vec<_>>();
    let missing = all.missing.iter().filter(|own| own.group == group).map(lacking);
    let missing = missing.collect::<Vec<_>>();
    let there = match rows.is_empty() {
        true => view! { <h2>{group.title()}</h2> }.into_any(),
        false => table::table("products", group.title(), &COLUMNS, rows).into_any(),
    };
    let missing = (!missing.is_empty()).then(|| {
        view! {
            <p>"Missing:"</p>
            <ul class="notes missing">{missing}</ul>
        }
    });
    view! { <div class="part">{there}{missing}</div> }
}

fn row(product: &Product) -> impl IntoView + use<> {
    let (href, name) = (product.href.clone(), product.name.clone());
    // Its scripts come from elsewhere, which is not to be a surprise.
    let page = product.name.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "html");
    let hint = page.then(|| {
        view! { <span class="hint">" (needs the network: its scripts are those of cdn.bokeh.org)"</span> }
    });
    view! {
        <tr>
            <th scope="row"><a href=href rel="external">{name}</a>{hint}</th>
            <td class="n">{format::bytes(product.bytes)}</td>
            <td>{format::utc(product.modified)}</td>
        </tr>
    }
}

fn lacking(missing: &Missing) -> impl IntoView + use<> {
    let text = format!("{}: {}", missing.product.what, missing.product.reason);
    view! { <li>{text}</li> }
}
