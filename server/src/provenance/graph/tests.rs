use proptest::prelude::*;

use super::super::document::{Document, ElementKind, Name, Relation, RelationKind};
use super::*;

fn document(relations: &[(u8, usize, usize)]) -> Document {
    let mut document = Document::default();
    for &(kind, activity, entity) in relations {
        let activity = Name::plain(format!("a{activity}"));
        let entity = Name::plain(format!("e{entity}"));
        document.element(ElementKind::Activity, &activity);
        document.element(ElementKind::Entity, &entity);
        document.relations.push(match kind {
            0 => Relation::new(RelationKind::Used, activity, entity),
            1 => Relation::new(RelationKind::WasGeneratedBy, entity, activity),
            2 => Relation::new(RelationKind::HadMember, entity, Name::plain("e0")),
            _ => Relation::new(RelationKind::WasDerivedFrom, Name::plain("e0"), entity),
        });
    }
    document
}

#[test]
fn what_is_changed_in_place_is_drawn_before_and_after() {
    let graph = Graph::of(&document(&[(1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 2, 0)]), "t");
    let ends: Vec<_> = graph.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    let labels: Vec<_> = graph.nodes.iter().map(|node| node.label.as_str()).collect();
    assert_eq!(labels, ["a0", "e0", "a1", "e0", "a2"]);
    assert_eq!(ends, [(0, 1), (1, 2), (2, 3), (3, 4)]);
}

#[test]
fn many_files_in_one_role_are_one_node() {
    let used: Vec<_> = (0..150).map(|entity| (0, 0, entity)).collect();
    let graph = Graph::of(&document(&used), "t");
    assert_eq!(graph.nodes.len(), 2);
    assert_eq!(graph.nodes[1].label, "e0 × 150");
    assert_eq!(graph.nodes[1].elements.len(), 150);
}

#[test]
fn a_part_is_what_something_was_made_from_or_what_was_made_from_it() {
    let graph = Graph::of(&document(&[(1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 2, 0), (0, 3, 5)]), "t");
    assert_eq!(graph.keys(), ["a0", "e0", "a1", "e0~2", "a2", "a3", "e5"]);
    let part = |key: &str, direction| {
        let node = graph.keys().iter().position(|other| other == key).unwrap();
        let part = graph.part(node, direction);
        let ends: Vec<_> = part.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        (part.nodes.iter().map(|node| node.label.clone()).collect::<Vec<_>>().join(" "), ends)
    };
    assert_eq!(part("a1", Direction::Back), ("a0 e0 a1".to_owned(), vec![(0, 1), (1, 2)]));
    assert_eq!(part("e0~2", Direction::Forward), ("e0 a2".to_owned(), vec![(0, 1)]));
    assert_eq!(part("a3", Direction::Back), ("a3 e5".to_owned(), vec![(1, 0)]));
}

#[test]
fn in_a_page_every_node_is_a_link() {
    let graph = Graph::of(&document(&[(1, 0, 0)]), "t");
    let addresses = ["x?a=1&b=2".to_owned(), "y".to_owned()];
    let page = svg::Page { addresses: &addresses, chosen: Some(1), marked: &[true, false] };
    let drawn = svg::write_in_page(&layout(&graph), &page);
    assert!(drawn.contains(r#"<a class="activity marked" href="x?a=1&amp;b=2""#), "{drawn}");
    assert!(drawn.contains(r#"<a class="entity chosen" href="y""#), "{drawn}");
    assert_eq!(drawn.matches("aria-current").count(), 1);
}

#[test]
fn nothing_can_be_drawn_too() {
    let drawing = layout(&Graph::of(&Document::default(), "nothing"));
    assert!(svg::write(&drawing).contains("nothing"));
    assert!(pdf::write(&drawing).starts_with(b"%PDF-1.4"));
}

fn overlap(a: &Placed, b: &Placed) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

proptest! {
    #[test]
    fn arrows_point_right_and_nothing_overlaps(
        relations in proptest::collection::vec((0u8..4, 0usize..5, 0usize..8), 0..40),
    ) {
        let document = document(&relations);
        let graph = Graph::of(&document, "any");
        let drawing = layout(&graph);
        prop_assert_eq!(&drawing, &layout(&graph));
        prop_assert_eq!(drawing.edges.len(), graph.edges.len());
        for edge in &drawing.edges {
            let (from, to) = (&drawing.nodes[edge.from], &drawing.nodes[edge.to]);
            prop_assert!(from.x + from.width < to.x);
            prop_assert!(edge.points.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        }
        for (index, a) in drawing.nodes.iter().enumerate() {
            prop_assert!(a.x >= 0.0 && a.x + a.width <= drawing.width);
            prop_assert!(a.y >= 0.0 && a.y + a.height <= drawing.height);
            for b in &drawing.nodes[..index] {
                prop_assert!(!overlap(a, b), "{:?} {:?}", a, b);
            }
        }
        svg::write(&drawing);
        pdf::write(&drawing);
    }
}
