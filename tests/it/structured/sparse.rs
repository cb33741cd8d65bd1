//! Sparse matrices: exactly so many zeros in each column, any rows as likely as any others.

use super::values;
use crate::reference::Cases;
use crate::support::{Check, chi_square};
use seedbed::Scheme;

const ALPHA: f64 = 1e-4;

/// The rows of the zeros of each column.
fn zeros(rows: u64, cols: u64, sparsity: f64) -> Vec<Vec<usize>> {
    let all = values(&[rows, cols], Scheme::sparse(sparsity, 1.0));
    (0..cols as usize)
        .map(|c| (0..rows as usize).filter(|r| all[r * cols as usize + c].to_bits() == 0).collect())
        .collect()
}

#[test]
fn every_column_has_exactly_its_zeros() {
    for (rows, cols, sparsity, expected) in [
        (1, 50, 0.0, 0),
        (1, 50, 0.01, 1),
        (1, 50, 1.0, 1),
        (2, 50, 0.5, 1),
        (3, 50, 0.1, 1),
        (7, 33, 0.3, 3),
        // The nearest f64 of 0.1 is above it, but the product rounds to 3.
        (30, 33, 0.1, 3),
        // 0.07 * 100 rounds to 7.000000000000001: 8 zeros, torch's own.
        (100, 33, 0.07, 8),
        (16, 40, 0.5, 8),
        (17, 40, 0.5, 9),
        (1000, 21, 0.9, 900),
        (4097, 5, 0.333, 1365),
        (65, 300, 1.0, 65),
        (65, 300, 0.0, 0),
        (100_000, 3, 0.25, 25_000),
    ] {
        for (column, found) in zeros(rows, cols, sparsity).iter().enumerate() {
            assert_eq!(found.len(), expected, "{rows} x {cols}, sparsity {sparsity}, column {column}");
        }
    }
}

/// How often each set of `k` rows is a column's zeros, or is among them.
fn counts(columns: &[Vec<usize>], rows: usize, pairs: bool) -> Vec<u64> {
    let mut counts = vec![0u64; if pairs { rows * (rows - 1) / 2 } else { rows }];
    for zeros in columns {
        for (i, &a) in zeros.iter().enumerate() {
            if pairs {
                for &b in &zeros[i + 1..] {
                    counts[b * (b - 1) / 2 + a] += 1;
                }
            } else {
                counts[a] += 1;
            }
        }
    }
    counts
}

fn uniform(counts: &[u64]) -> Check {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    chi_square(counts, &vec![expected; counts.len()], 0, ALPHA)
}

/// One zero a column: the columns are independent draws of a row, so that a chi-square of the rows is exact. Two zeros
/// a column: so are the pairs of rows.
#[test]
fn zero_rows_and_pairs_of_them_are_uniform() {
    let cols = 60_000;
    for rows in [2u64, 3, 5, 7, 16, 17, 33, 100] {
        let check = uniform(&counts(&zeros(rows, cols, 1e-9), rows as usize, false));
        assert!(check.passed(), "{rows} rows: {check:?}");
    }
    for rows in [3u64, 4, 6, 11, 16, 20, 65] {
        let columns = zeros(rows, cols, 1.5 / rows as f64);
        assert!(columns.iter().all(|c| c.len() == 2));
        let check = uniform(&counts(&columns, rows as usize, true));
        assert!(check.passed(), "pairs of {rows} rows: {check:?}");
    }
    // Every set of three of six rows.
    let columns = zeros(6, cols, 0.5);
    let mut sets = std::collections::BTreeMap::new();
    for c in &columns {
        *sets.entry(c.clone()).or_insert(0u64) += 1;
    }
    assert_eq!(sets.len(), 20);
    let check = uniform(&sets.into_values().collect::<Vec<_>>());
    assert!(check.passed(), "sets of three: {check:?}");
}

/// The columns do not follow one another: what two neighbors' zero rows are is uniform over pairs.
#[test]
fn neighboring_columns_are_independent() {
    let rows = 16usize;
    let columns = zeros(rows as u64, 60_000, 1e-9);
    let mut table = vec![0u64; rows * rows];
    for pair in columns.chunks_exact(2) {
        table[pair[0][0] * rows + pair[1][0]] += 1;
    }
    let check = uniform(&table);
    assert!(check.passed(), "{check:?}");
}

/// The control: a shift for a permutation is uniform in its rows and is caught by its pairs; a row favored by a
/// twentieth is caught by the rows.
#[test]
fn a_shift_and_a_favored_row_are_seen() {
    let mut cases = Cases(5);
    let (rows, cols) = (11usize, 60_000);
    let shifted: Vec<Vec<usize>> = (0..cols)
        .map(|_| {
            let s = cases.below(rows as u64) as usize;
            let mut pair = vec![s, (s + 1) % rows];
            pair.sort_unstable();
            pair
        })
        .collect();
    assert!(uniform(&counts(&shifted, rows, false)).passed());
    assert!(!uniform(&counts(&shifted, rows, true)).passed());
    let favored: Vec<Vec<usize>> = (0..cols)
        .map(|_| vec![if cases.below(20 * rows as u64) == 0 { 0 } else { cases.below(rows as u64) as usize }])
        .collect();
    assert!(uniform(&counts(&zeros(11, cols, 1e-9), rows, false)).passed());
    assert!(!uniform(&counts(&[favored.clone(), favored.clone(), favored].concat(), rows, false)).passed());
}
