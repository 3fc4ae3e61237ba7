//! Moving in a matrix: the cell beside, above or below, or at an end; at an edge it stays.

use crate::tui::keys::Action;

/// Where a cell is left for, as row and column, in a matrix of so many rows and columns. `None`: the action moves
/// nothing, or there is nowhere to go.
pub(super) fn moved(
    (row, column): (usize, usize),
    (rows, columns): (usize, usize),
    action: Action,
) -> Option<(usize, usize)> {
    let (row, column) = match action {
        Action::Up => (row.saturating_sub(1), column),
        Action::Down => (row + 1, column),
        Action::Left => (row, column.saturating_sub(1)),
        Action::Right => (row, column + 1),
        Action::First => (0, 0),
        Action::Last => (usize::MAX, usize::MAX),
        _ => return None,
    };
    Some((row.min(rows.checked_sub(1)?), column.min(columns.checked_sub(1)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_an_edge_the_cell_stays_and_an_empty_matrix_has_none() {
        assert_eq!(moved((0, 0), (2, 3), Action::Up), Some((0, 0)));
        assert_eq!(moved((1, 2), (2, 3), Action::Right), Some((1, 2)));
        assert_eq!(moved((0, 1), (2, 3), Action::Last), Some((1, 2)));
        assert_eq!(moved((0, 0), (0, 3), Action::Down), None);
        assert_eq!(moved((0, 0), (2, 3), Action::Help), None);
    }
}
