//! Makes a piece of the page like another, changing only what is different: what somebody has
//! selected, focused or scrolled to stays as it is.

use wasm_bindgen::JsCast;
use web_sys::{Element, Node};

/// Makes the children of `old` like those of `new`, taking nodes out of `new` for it. Elements with
/// an id are kept together with their namesakes wherever they have moved.
pub fn morph(old: &Node, new: &Node) {
    let mut place = old.first_child();
    let mut next = new.first_child();
    while let Some(wanted) = next {
        next = wanted.next_sibling();
        let found = place.as_ref().filter(|node| alike(node, &wanted)).cloned();
        if let Some(node) = found {
            place = node.next_sibling();
            update(&node, &wanted);
        } else if let Some(node) = namesake(place.as_ref(), &wanted) {
            let _ = old.insert_before(&node, place.as_ref());
            update(&node, &wanted);
        } else {
            let _ = old.insert_before(&wanted, place.as_ref());
        }
    }
    while let Some(node) = place {
        place = node.next_sibling();
        let _ = old.remove_child(&node);
    }
}

/// Whether one can be made into the other.
fn alike(old: &Node, new: &Node) -> bool {
    old.node_type() == new.node_type() && old.node_name() == new.node_name() && id(old) == id(new)
}

/// An element with the id of `wanted` after `place`.
fn namesake(place: Option<&Node>, wanted: &Node) -> Option<Node> {
    let name = id(wanted).filter(|id| !id.is_empty())?;
    let mut place = place?.next_sibling();
    while let Some(node) = place {
        if id(&node).as_ref() == Some(&name) && alike(&node, wanted) {
            return Some(node);
        }
        place = node.next_sibling();
    }
    None
}

fn id(node: &Node) -> Option<String> {
    node.dyn_ref::<Element>().map(Element::id)
}

fn update(old: &Node, new: &Node) {
    let (Some(element), Some(wanted)) = (old.dyn_ref::<Element>(), new.dyn_ref::<Element>()) else {
        let text = new.node_value();
        if old.node_value() != text {
            old.set_node_value(text.as_deref());
        }
        return;
    };
    // An island looks after itself.
    if element.tag_name() == "LEPTOS-ISLAND" {
        return;
    }
    for name in element.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        if !wanted.has_attribute(&name) {
            let _ = element.remove_attribute(&name);
        }
    }
    for name in wanted.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        let value = wanted.get_attribute(&name);
        if element.get_attribute(&name) != value {
            let _ = element.set_attribute(&name, &value.unwrap_or_default());
        }
    }
    morph(old, new);
}
