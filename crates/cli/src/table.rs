//! Aligned columns.

use super::print::clean;

/// The lines of a table: `<` before a heading aligns its column to the left, `>` to the right.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    stream(headings, rows.iter().cloned()).collect()
}

/// The lines of a table one by one, of rows that are made twice instead of being kept: once for the widths.
pub fn stream<'a>(
    headings: &'a [&'a str],
    rows: impl Iterator<Item = Vec<String>> + Clone + 'a,
) -> impl Iterator<Item = String> + 'a {
    let head: Vec<String> = headings.iter().map(|h| h[1..].to_owned()).collect();
    let all = std::iter::once(head).chain(rows.map(|row| row.iter().map(|cell| clean(cell)).collect()));
    let mut widths = vec![0; headings.len()];
    for row in all.clone() {
        for (width, cell) in widths.iter_mut().zip(&row) {
            *width = cell.chars().count().max(*width);
        }
    }
    all.map(move |row: Vec<String>| {
        let cells = row.iter().zip(&widths).zip(headings).map(|((cell, &width), heading)| {
            // A name may be longer than the widths that formats take.
            let space = " ".repeat(width - cell.chars().count());
            if heading.starts_with('>') { space + cell } else { cell.clone() + &space }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_name_is_too_long() {
        let rows = [vec!["a".repeat(70_000), "1".to_owned()]];
        assert_eq!(super::table(&["<name", ">n"], &rows)[0].len(), 70_003);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), "12,345".to_owned()]];
        assert_eq!(super::table(&["<name", ">n"], &rows), ["name       n", "a          1", "long  12,345"]);
    }
}
