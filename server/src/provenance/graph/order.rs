//! Who stands above whom: layers of nodes, ordered so that few edges cross.

/// How often the layers are gone through in each direction.
const SWEEPS: usize = 24;

/// Edges between neighbouring layers, as pairs of positions in `layers[index]` and the next.
type Links = Vec<(usize, usize)>;

/// Orders each layer; `links[n]` connects nodes of layer `n` with nodes of layer `n + 1`, by node
/// number. Deterministic.
pub(super) fn reduce_crossings(layers: &mut [Vec<usize>], links: &[Links]) {
    let mut best = layers.to_vec();
    let mut fewest = crossings(layers, links);
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let count = layers.len();
        for step in 1..count {
            let (fixed, moved) =
                if down { (step - 1, step) } else { (count - step, count - step - 1) };
            let links = &links[fixed.min(moved)];
            let around = |node: usize| {
                links.iter().filter_map(move |&(a, b)| match down {
                    true => (b == node).then_some(a),
                    false => (a == node).then_some(b),
                })
            };
            let place = |node| layers[fixed].iter().position(|other| *other == node).unwrap_or(0);
            let mut keyed: Vec<_> = layers[moved]
                .iter()
                .enumerate()
                .map(|(index, node)| {
                    let places: Vec<_> = around(*node).map(place).collect();
                    (barycentre(&places).unwrap_or(to_float(index)), *node)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[moved] = keyed.into_iter().map(|(_, node)| node).collect();
        }
        switch_neighbours(layers, links);
        let now = crossings(layers, links);
        if now < fewest {
            fewest = now;
            best = layers.to_vec();
        }
        if fewest == 0 {
            break;
        }
    }
    layers.clone_from_slice(&best);
}

/// Swaps neighbours in a layer wherever that saves a crossing.
fn switch_neighbours(layers: &mut [Vec<usize>], links: &[Links]) {
    for index in 0..layers.len() {
        for place in 1..layers[index].len() {
            let before = crossings_around(layers, links, index);
            layers[index].swap(place - 1, place);
            if crossings_around(layers, links, index) >= before {
                layers[index].swap(place - 1, place);
            }
        }
    }
}

fn crossings_around(layers: &[Vec<usize>], links: &[Links], index: usize) -> usize {
    let left = index.checked_sub(1);
    let between = left.into_iter().chain((index + 1 < layers.len()).then_some(index));
    between.map(|gap| crossings_between(&layers[gap], &layers[gap + 1], &links[gap])).sum()
}

/// How many pairs of edges cross.
pub(super) fn crossings(layers: &[Vec<usize>], links: &[Links]) -> usize {
    let gaps = 0..layers.len().saturating_sub(1);
    gaps.map(|gap| crossings_between(&layers[gap], &layers[gap + 1], &links[gap])).sum()
}

fn crossings_between(left: &[usize], right: &[usize], links: &Links) -> usize {
    let place = |layer: &[usize], node| layer.iter().position(|other| *other == node).unwrap_or(0);
    let ends: Vec<_> = links.iter().map(|&(a, b)| (place(left, a), place(right, b))).collect();
    let crosses = |a: &(usize, usize), b: &(usize, usize)| {
        (a.0 < b.0 && a.1 > b.1) || (a.0 > b.0 && a.1 < b.1)
    };
    let pairs = ends.iter().enumerate();
    pairs.map(|(index, a)| ends[..index].iter().filter(|b| crosses(a, b)).count()).sum()
}

fn barycentre(places: &[usize]) -> Option<f64> {
    (!places.is_empty())
        .then(|| places.iter().copied().map(to_float).sum::<f64>() / to_float(places.len()))
}

#[allow(clippy::cast_precision_loss)] // counts of nodes on a page
pub(super) fn to_float(count: usize) -> f64 {
    count as f64
}
