//! Tables: a row is a line in a pipe or a file; on a terminal it takes the terminal's width.

use super::print::clean;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use std::io::IsTerminal;
use unicode_width::UnicodeWidthStr;

/// Spaces between two columns.
const GAP: usize = 2;
/// No column is made narrower than this, since words cut into shorter pieces are hard to read. Where the terminal is
/// too narrow for that, each row becomes a block of lines.
const NARROWEST: usize = 10;
/// Rows that are laid out at once, so that the table of a model of a trillion parameters is never held as a whole.
const CHUNK: usize = 1024;
/// comfy-table counts columns in 16 bits.
const WIDEST: usize = 60_000;

type Row = Vec<String>;

/// The lines of a table: `<` before a heading aligns its column to the left, `>` to the right.
pub fn table(headings: &[&str], rows: &[Row]) -> Vec<String> {
    stream(headings, rows.iter().cloned()).collect()
}

/// The lines of a table one by one, of rows that are made twice instead of being kept: the first time for the widths.
pub fn stream<'a>(
    headings: &'a [&'a str],
    rows: impl Iterator<Item = Row> + Clone + 'a,
) -> Box<dyn Iterator<Item = String> + 'a> {
    layout(headings, rows, terminal_width())
}

/// The width of the terminal that stdout is; none where stdout is something else.
fn terminal_width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)).filter(|&width| width > 0)
}

fn layout<'a>(
    headings: &'a [&'a str],
    rows: impl Iterator<Item = Row> + Clone + 'a,
    width: Option<usize>,
) -> Box<dyn Iterator<Item = String> + 'a> {
    let rows = rows.map(|row| row.iter().map(|cell| clean(cell)).collect::<Row>());
    let mut natural: Vec<usize> = headings.iter().map(|heading| heading[1..].width()).collect();
    for row in rows.clone() {
        for (most, cell) in natural.iter_mut().zip(&row) {
            *most = cell.width().max(*most);
        }
    }
    let gaps = GAP * headings.len().saturating_sub(1);
    let total = gaps + natural.iter().sum::<usize>();
    let least = gaps + natural.iter().map(|&n| n.min(NARROWEST)).sum::<usize>();
    match width {
        Some(width) if least > width => Box::new(rows.flat_map(move |row| block(headings, &row, width))),
        Some(width) if total > width => Box::new(chunks(headings, rows, true, move |table| {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(u16::try_from(width).unwrap_or(u16::MAX));
        })),
        // Wider than comfy-table can lay out: joined by spaces.
        Some(_) | None if total > WIDEST => {
            let head = headings.iter().map(|heading| heading[1..].to_owned()).collect();
            Box::new(std::iter::once(head).chain(rows).map(|row: Row| row.join(&" ".repeat(GAP))))
        }
        Some(_) | None => {
            let last = natural.len().saturating_sub(1);
            Box::new(chunks(headings, rows, false, move |table| {
                let fixed = natural.iter().enumerate().map(|(i, n)| n + if i < last { GAP } else { 0 });
                table.set_constraints(
                    fixed.map(|n| ColumnConstraint::Absolute(Width::Fixed(u16::try_from(n).unwrap_or(u16::MAX)))),
                );
            }))
        }
    }
}

/// Lays the rows out by so many at a time. `headed`: the chunks differ in their columns' widths, and each has the
/// headings.
fn chunks<'a>(
    headings: &'a [&'a str],
    mut rows: impl Iterator<Item = Row> + 'a,
    headed: bool,
    arrange: impl Fn(&mut Table) + 'a,
) -> impl Iterator<Item = String> + 'a {
    let mut first = true;
    std::iter::from_fn(move || {
        let chunk: Vec<Row> = rows.by_ref().take(CHUNK).collect();
        if chunk.is_empty() && !first {
            return None;
        }
        let mut table = Table::new();
        if first || headed {
            table.set_header(headings.iter().map(|heading| &heading[1..]));
        }
        first = false;
        table.add_rows(chunk);
        align(&mut table, headings.iter().map(|heading| heading.starts_with('>')));
        arrange(&mut table);
        Some(lines(&table))
    })
    .flatten()
}

/// Takes the lines from a table that has its rows, and aligns the columns to the right where `right` says so.
fn align(table: &mut Table, right: impl Iterator<Item = bool>) {
    table.load_style(presets::NOTHING);
    let last = table.column_count().saturating_sub(1);
    for (i, (column, right)) in table.column_iter_mut().zip(right).enumerate() {
        column.set_padding((0, if i < last { GAP as u16 } else { 0 }));
        column.set_cell_alignment(if right { CellAlignment::Right } else { CellAlignment::Left });
    }
}

fn lines(table: &Table) -> Vec<String> {
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// A row as a block: a line for each heading, then an empty line.
fn block(headings: &[&str], row: &Row, width: usize) -> Vec<String> {
    let mut table = Table::new();
    let cells = headings.iter().zip(row).map(|(heading, cell)| [heading[1..].to_owned(), cell.clone()]);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.add_rows(cells);
    align(&mut table, [false; 2].into_iter());
    let mut lines = lines(&table);
    lines.push(String::new());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: [&str; 3] = ["<name", "<law", ">n"];

    fn laid_out(rows: &[[&str; 3]], width: Option<usize>) -> Vec<String> {
        let rows: Vec<Row> = rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
        layout(&HEADS, rows.iter().cloned(), width).collect()
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "N(0, 1)", "1"], ["long", "", "12,345"]];
        let expected = ["name  law           n", "a     N(0, 1)       1", "long           12,345"];
        assert_eq!(laid_out(&rows, None), expected);
        assert_eq!(laid_out(&rows, Some(21)), expected);
        assert_eq!(laid_out(&[], None), ["name  law  n"]);
    }

    #[test]
    fn in_a_pipe_a_row_is_a_line_however_long() {
        let name = "a".repeat(70_000);
        let lines = laid_out(&[[&name, "b", "1"], ["c", "d", "2"]], None);
        assert_eq!(lines, ["name  law  n".to_owned(), format!("{name}  b  1"), "c  d  2".to_owned()]);
        let name = "a b".repeat(10_000);
        assert_eq!(laid_out(&[[&name, "b", "1"]], None)[1], format!("{name}  b    1"));
        // A control character of a name does not break the line.
        assert_eq!(laid_out(&[["a\nb", "c", "1"]], None).len(), 2);
    }

    #[test]
    fn rows_of_several_chunks_keep_their_columns() {
        let rows: Vec<[&str; 3]> =
            std::iter::repeat_n(["a", "b", "1"], 2 * CHUNK).chain([["long", "c", "2"]]).collect();
        let lines = laid_out(&rows, None);
        assert_eq!(lines.len(), 2 * CHUNK + 2);
        assert!(lines[1..].iter().all(|line| line.len() == lines[0].len()));
    }

    #[test]
    fn a_narrow_terminal_wraps_cells_and_a_very_narrow_one_gets_blocks() {
        let rows = [["model.layers.{0..21}.self_attn.q_proj.weight", "truncated normal on two sigma", "1,234"]];
        for width in [29, 40, 60] {
            let lines = laid_out(&rows, Some(width));
            assert!(lines.len() > 2 && lines.iter().all(|line| line.width() <= width), "{width}: {lines:#?}");
            assert!(lines[0].starts_with("name") && lines[0].ends_with('n'), "{lines:#?}");
            // Nothing is cut.
            let text = |lines: &[String]| lines.concat().chars().filter(|c| c.is_ascii_digit()).count();
            assert_eq!(text(&lines[1..]), 7);
        }
        let block = laid_out(&[["short", "zeros", "1,234"]; 2], Some(12));
        assert_eq!(
            block,
            ["name  short", "law   zeros", "n     1,234", "", "name  short", "law   zeros", "n     1,234", ""]
        );
    }
}
