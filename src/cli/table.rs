//! Aligned columns.

use super::print::clean;

/// The lines of a table: `<` before a heading aligns its column to the left, `>` to the right.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let heads: Vec<String> = headings.iter().map(|h| h[1..].to_owned()).collect();
    let all: Vec<Vec<String>> =
        std::iter::once(heads).chain(rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect())).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).zip(headings).map(|((cell, &width), heading)| {
            if heading.starts_with('>') { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), "12,345".to_owned()]];
        assert_eq!(super::table(&["<name", ">n"], &rows), ["name       n", "a          1", "long  12,345"]);
    }
}
