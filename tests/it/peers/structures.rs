//! Which elements the peers write which values to, and whether the schemes write the same.

use super::{Row, of_kind};
use seedbed::plan::{Plan, TensorSpec};
use seedbed::shape::Layout;
use seedbed::{StreamVersion, cpu};

fn values(row: &Row) -> Vec<f32> {
    let mut plan = Plan::new(StreamVersion::V1, 17);
    let scheme = row.seedbed.parse().unwrap_or_else(|e| panic!("{e}: {}", row.line));
    let spec = TensorSpec::new("w", row.shape.dims(), scheme).unwrap().layout(row.layout.clone());
    let fill = plan.push(&spec).unwrap_or_else(|e| panic!("{e}: {}", row.line)).fill();
    let mut bytes = vec![0; fill.bytes() as usize];
    cpu::fill(&fill, &mut bytes).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// `1.0 at 0, 5`: that number there, zeros elsewhere.
fn numbers_at(pattern: &str, values: &[f32]) -> bool {
    let (value, at) = pattern.split_once(" at ").unwrap();
    let value: f32 = value.parse().unwrap();
    let at: Vec<usize> = at.split(", ").map(|i| i.parse().unwrap()).collect();
    values.iter().enumerate().all(|(i, &x)| x == if at.contains(&i) { value } else { 0.0 })
}

/// `5 zeros of 10 in each column`.
fn zeros(pattern: &str, values: &[f32]) -> bool {
    let words: Vec<&str> = pattern.split(' ').collect();
    let (zeros, rows): (usize, usize) = (words[0].parse().unwrap(), words[3].parse().unwrap());
    let columns = values.len() / rows;
    (0..columns).all(|c| (0..rows).filter(|r| values[r * columns + c] == 0.0).count() == zeros)
}

/// `gain 1.5, gram of 36x8, at 4`: the matrix, in the kernel's element 4 alone, times its transpose, on the shorter
/// side.
fn gram(row: &Row, values: &[f32]) -> bool {
    let mut words = row.pattern.split(", ");
    let gain: f64 = words.next().unwrap().strip_prefix("gain ").unwrap().parse().unwrap();
    let sides = words.next().unwrap().strip_prefix("gram of ").unwrap();
    let (a, b) = sides.split_once('x').unwrap();
    let (a, b): (usize, usize) = (a.parse().unwrap(), b.parse().unwrap());
    let matrix = match words.next() {
        None => values,
        Some(at) => {
            let at = a * b * at.strip_prefix("at ").unwrap().parse::<usize>().unwrap();
            assert!(values[..at].iter().chain(&values[at + a * b..]).all(|&x| x == 0.0), "{}", row.line);
            &values[at..at + a * b]
        }
    };
    // Where rows are the first axis, a peer's matrix may be the transpose of ours.
    let columns = match (&row.layout, row.pattern.contains(" at ")) {
        (Layout::OutIn, false) => values.len() / row.shape.dims()[0] as usize,
        _ => *row.shape.dims().last().unwrap() as usize,
    };
    assert!(matrix.len() == a * b && (columns == a || columns == b), "{}", row.line);
    let rows = matrix.len() / columns;
    let (short, long) = (rows.min(columns), rows.max(columns));
    let at =
        |s: usize, l: usize| f64::from(if rows >= columns { matrix[l * columns + s] } else { matrix[s * columns + l] });
    (0..short).all(|i| {
        (0..short).all(|j| {
            let product: f64 = (0..long).map(|l| at(i, l) * at(j, l)).sum();
            let wanted = if i == j { gain * gain } else { 0.0 };
            (product - wanted).abs() < 2e-6 * gain * gain
        })
    })
}

fn holds(row: &Row, values: &[f32]) -> bool {
    match row.pattern {
        pattern if pattern.starts_with("gain ") => gram(row, values),
        pattern if pattern.contains(" zeros of ") => zeros(pattern, values),
        pattern => numbers_at(pattern, values),
    }
}

#[test]
fn the_schemes_write_what_the_peers_write_where() {
    let rows = of_kind("structure");
    assert!(rows.len() > 60);
    for row in rows {
        let values = values(&row);
        assert!(holds(&row, &values), "{}", row.line);
        // The negative control: one element changed.
        let mut wrong = values.clone();
        let at = wrong.iter().position(|&x| x != 0.0).unwrap_or(0);
        wrong[at] = if wrong[at] == 0.0 { 3.0 } else { 0.0 };
        let seen = std::panic::catch_unwind(|| !holds(&row, &wrong)).unwrap_or(true);
        assert!(seen, "a changed element is not seen: {}", row.line);
    }
}
