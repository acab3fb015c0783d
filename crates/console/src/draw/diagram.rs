//! The diagram: applications, gateways, Kafka, providers and sources from left to right, and the links between them.

use std::collections::HashMap;

use super::coordinate;

/// Something that is drawn as a box.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// The id of its link.
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) name: String,
    /// A class of states, and its word.
    pub(crate) state: &'static str,
    pub(crate) word: String,
    /// Rate and latency, as far as they are known.
    pub(crate) figures: Vec<String>,
    /// Whether something goes over its link now.
    pub(crate) flows: bool,
    /// What a source belongs to: the id of its provider's link.
    pub(crate) of: String,
}

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nodes {
    pub(crate) applications: Vec<Node>,
    pub(crate) gateway: Node,
    pub(crate) broker: Node,
    pub(crate) providers: Vec<Node>,
    pub(crate) sources: Vec<Node>,
}

/// A node in its place.
#[derive(Clone, Debug)]
pub(crate) struct Box {
    pub(crate) node: Node,
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Where its texts begin, and on which lines they stand.
    pub(crate) text_x: u32,
    pub(crate) mark_y: u32,
    pub(crate) name_y: u32,
    pub(crate) short: String,
    /// What stands below the name, each on its line: the first begins with the state's word.
    pub(crate) lines: Vec<(u32, String)>,
}

/// A curve.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) path: String,
    pub(crate) state: &'static str,
    pub(crate) flows: bool,
}

/// The diagram, `WIDTH` wide.
#[derive(Clone, Debug)]
pub(crate) struct Diagram {
    pub(crate) height: u32,
    pub(crate) boxes: Vec<Box>,
    pub(crate) edges: Vec<Edge>,
}

/// A column: where it begins, how wide it is, and how many letters of a name fit.
#[derive(Clone, Copy)]
struct Column {
    x: u32,
    width: u32,
    letters: usize,
}

const APPLICATIONS: Column = Column { x: 0, width: 352, letters: 38 };
const GATEWAY: Column = Column { x: 422, width: 148, letters: 16 };
const BROKER: Column = Column { x: 626, width: 140, letters: 14 };
const PROVIDERS: Column = Column { x: 836, width: 272, letters: 28 };
const SOURCES: Column = Column { x: 1_156, width: 284, letters: 30 };
/// Height of a box, and room between two.
const BOX: u32 = 44;
const GAP: u32 = 8;
/// The two in the middle are high: all goes through them.
const HIGH: u32 = 160;
const LEAST_ROWS: u32 = 6;

/// Lays everything out.
pub(crate) fn diagram(nodes: Nodes) -> Diagram {
    let rows = [nodes.applications.len(), nodes.providers.len(), nodes.sources.len()];
    let rows = (rows.into_iter().max().unwrap_or(0) as u32).max(LEAST_ROWS);
    let height = rows * (BOX + GAP) - GAP;
    let mut boxes = Vec::new();
    let mut edges = Vec::new();

    let gateway = tall(GATEWAY, height, nodes.gateway);
    let broker = tall(BROKER, height, nodes.broker);
    let applications = column(APPLICATIONS, height, nodes.applications);
    let count = applications.len();
    for (place, application) in applications.iter().enumerate() {
        let to = port(&gateway, place, count);
        edges.push(edge(right(application), (gateway.x, to), &application.node));
    }
    edges.push(edge(right(&gateway), (broker.x, broker.y + broker.height / 2), &broker.node));
    let providers = column(PROVIDERS, height, nodes.providers);
    let count = providers.len();
    for (place, provider) in providers.iter().enumerate() {
        let from = (broker.x + broker.width, port(&broker, place, count));
        edges.push(edge(from, left(provider), &provider.node));
    }
    let by_id: HashMap<&str, &Box> = providers.iter().map(|it| (it.node.id.as_str(), it)).collect();
    // Each beside its provider, as far as there is room.
    let mut sources = nodes.sources;
    sources.sort_by_key(|source| by_id.get(source.of.as_str()).map_or(u32::MAX, |provider| provider.y));
    let wanted = |source: &Node| by_id.get(source.of.as_str()).map(|provider| provider.y);
    let sources = beside(SOURCES, height, sources, wanted);
    for source in &sources {
        if let Some(provider) = by_id.get(source.node.of.as_str()) {
            edges.push(edge(right(provider), left(source), &source.node));
        }
    }
    // What does not work lies above.
    edges.sort_by_key(|edge| matches!(edge.state, "down" | "degraded" | "maintenance"));
    boxes.extend(applications);
    boxes.extend([gateway, broker]);
    boxes.extend(providers);
    boxes.extend(sources);
    Diagram { height, boxes, edges }
}

fn place(column: Column, y: u32, height: u32, node: Node) -> Box {
    let middle = y + height / 2;
    Box {
        x: column.x,
        y,
        width: column.width,
        height,
        text_x: column.x + 32,
        mark_y: middle - 8,
        name_y: middle - 4,
        lines: vec![(middle + 13, node.figures.join(" · "))],
        short: shortened(&node.name, column.letters),
        node,
    }
}

/// A high box has room for a line for each.
fn tall(column: Column, height: u32, node: Node) -> Box {
    let own = HIGH.min(height);
    let it = place(column, (height - own) / 2, own, node);
    let (name_y, first) = (it.name_y - 20, it.name_y);
    let below = it.node.figures.iter().enumerate();
    let mut lines = vec![(first, String::new())];
    lines.extend(below.map(|(row, figure)| (first + 20 * (row as u32 + 1), figure.clone())));
    Box { mark_y: name_y - 12, name_y, lines, ..it }
}

fn column(column: Column, height: u32, nodes: Vec<Node>) -> Vec<Box> {
    let count = nodes.len() as u32;
    let free = height.saturating_sub(count * BOX);
    let put = |(row, node): (usize, Node)| {
        let above = free * (2 * row as u32 + 1) / (2 * count.max(1));
        place(column, row as u32 * BOX + above, BOX, node)
    };
    nodes.into_iter().enumerate().map(put).collect()
}

/// Nodes at the height that they want, none over another.
fn beside(column: Column, height: u32, nodes: Vec<Node>, wanted: impl Fn(&Node) -> Option<u32>) -> Vec<Box> {
    let (mut next, mut left) = (0, nodes.len() as u32);
    let put = |node: Node| {
        let last = height.saturating_sub(left * (BOX + GAP) - GAP);
        let y = wanted(&node).unwrap_or(next).max(next).min(last.max(next));
        (next, left) = (y + BOX + GAP, left - 1);
        place(column, y, BOX, node)
    };
    nodes.into_iter().map(put).collect()
}

fn left(it: &Box) -> (u32, u32) {
    (it.x, it.y + it.height / 2)
}

fn right(it: &Box) -> (u32, u32) {
    (it.x + it.width, it.y + it.height / 2)
}

/// Where the link of so many of so many meets a high box.
fn port(it: &Box, place: usize, of: usize) -> u32 {
    let inner = it.height - 32;
    it.y + 16 + inner * (2 * place as u32 + 1) / (2 * of.max(1) as u32)
}

fn edge((x1, y1): (u32, u32), (x2, y2): (u32, u32), node: &Node) -> Edge {
    let middle = coordinate(f64::from(x1 + x2) / 2.0);
    Edge {
        path: format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"),
        state: node.state,
        flows: node.flows && matches!(node.state, "working" | "degraded"),
    }
}

/// A name as far as it fits.
fn shortened(name: &str, letters: usize) -> String {
    if name.chars().count() <= letters {
        return name.to_owned();
    }
    let cut: String = name.chars().take(letters - 1).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: usize, of: impl Fn(usize) -> String) -> Vec<Node> {
        let node = |number| Node {
            id: format!("provider/{number}"),
            of: of(number),
            state: "working",
            ..Node::default()
        };
        (0..count).map(node).collect()
    }

    fn laid_out(applications: usize, providers: usize, sources: usize) -> Diagram {
        diagram(Nodes {
            applications: nodes(applications, |_| String::new()),
            providers: nodes(providers, |_| String::new()),
            sources: nodes(sources, |number| format!("provider/{}", number / 2)),
            ..Nodes::default()
        })
    }

    #[test]
    fn no_box_lies_over_another_or_outside() {
        for (applications, providers, sources) in [(11, 8, 8), (0, 0, 0), (40, 8, 9), (3, 20, 30), (1, 8, 16)]
        {
            let Diagram { height, boxes, .. } = laid_out(applications, providers, sources);
            for (place, one) in boxes.iter().enumerate() {
                assert!(one.y + one.height <= height, "{} + {} > {height}", one.y, one.height);
                for other in &boxes[place + 1..] {
                    let apart = one.x + one.width <= other.x
                        || other.x + other.width <= one.x
                        || one.y + one.height <= other.y
                        || other.y + other.height <= one.y;
                    assert!(apart, "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn every_link_is_an_edge_and_long_names_are_cut() {
        assert_eq!(laid_out(11, 8, 8).edges.len(), 11 + 1 + 8 + 8);
        assert_eq!(shortened("Hệ thống thông tin", 18), "Hệ thống thông tin");
        assert_eq!(shortened("Hệ thống thông tin", 10), "Hệ thống…");
    }
}
