//! Plans by the two ends between which a value must be.

use super::Node;
use crate::pattern::Point;

/// Rows by their lower ends, in order. Each half of them is a tree, whose root is the row in its middle, and so on.
#[derive(Debug, Clone)]
pub(super) struct Spans {
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    low: Point,
    high: Point,
    /// The highest upper end in the tree of which this row is the root.
    highest: Point,
    node: Node,
}

impl Spans {
    pub(super) fn of(mut rows: Vec<(Point, Point, Node)>) -> Self {
        rows.sort_unstable_by_key(|(low, high, _)| (*low, *high));
        let row = |(low, high, node)| Row { low, high, highest: high, node };
        let mut rows: Vec<Row> = rows.into_iter().map(row).collect();
        find_highest(&mut rows);
        Self { rows }
    }

    /// What is kept for rows that have one of the points, which come in their order; each once.
    pub(super) fn nodes<'t>(&'t self, points: &[Point]) -> Vec<&'t Node> {
        let mut found = Vec::new();
        collect(&self.rows, points, &mut found);
        found
    }
}

fn find_highest(rows: &mut [Row]) -> Option<Point> {
    let (before, rest) = rows.split_at_mut(rows.len() / 2);
    let (row, behind) = rest.split_first_mut()?;
    row.highest = row.high.max(find_highest(before).unwrap_or(row.high)).max(find_highest(behind).unwrap_or(row.high));
    Some(row.highest)
}

/// A row is looked at once, however many points there are.
fn collect<'t>(rows: &'t [Row], points: &[Point], found: &mut Vec<&'t Node>) {
    let (before, rest) = rows.split_at(rows.len() / 2);
    let Some((row, behind)) = rest.split_first() else { return };
    let points = &points[..points.partition_point(|point| *point <= row.highest)];
    if points.is_empty() {
        return;
    }
    collect(before, points, found);
    let points = &points[points.partition_point(|point| *point < row.low)..];
    if points.first().is_some_and(|point| *point <= row.high) {
        found.push(&row.node);
    }
    collect(behind, points, found);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point() -> impl Strategy<Value = Point> {
        let address = |n: u32| Point::Address(std::net::Ipv4Addr::from(n).into());
        prop_oneof![Just(Point::Null), any::<bool>().prop_map(Point::Bool), (0_u32..9).prop_map(address)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn finds_what_trying_each_finds(mut ends in prop::collection::vec((point(), point()), 0..12), mut points in prop::collection::vec(point(), 0..5)) {
            ends.sort_unstable();
            points.sort_unstable();
            let rows = ends.iter().enumerate().map(|(n, (low, high))| (*low, *high, Node { rest: vec![n], splits: Vec::new() }));
            let spans = Spans::of(rows.collect());
            let found: Vec<usize> = spans.nodes(&points).into_iter().flat_map(|node| node.rest.clone()).collect();
            let has = |n: &usize| points.iter().any(|point| ends[*n].0 <= *point && *point <= ends[*n].1);
            let tried: Vec<usize> = (0..ends.len()).filter(has).collect();
            prop_assert_eq!(found, tried);
        }
    }
}
