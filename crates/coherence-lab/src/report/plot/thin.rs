//! Lines with too many points for the page are thinned evenly.

use super::Panel;

/// Points a line keeps; more are thinned evenly and the page says so.
const MOST_POINTS: usize = 400;

/// Keeps every n-th point and the last one of lines that have too many; returns how many are skipped.
pub(super) fn thin(panels: &mut [Panel]) -> usize {
    let lines = panels.iter().flat_map(|panel| &panel.lines);
    let longest = lines.map(|line| line.x.len()).max().unwrap_or(0);
    let stride = longest.div_ceil(MOST_POINTS).max(1);
    if stride > 1 {
        for line in panels.iter_mut().flat_map(|panel| &mut panel.lines) {
            let n = line.x.len();
            for values in [&mut line.x, &mut line.y, &mut line.low, &mut line.high] {
                keep(values, stride, n);
            }
            keep(&mut line.steps, stride, n);
            line.seeds.iter_mut().for_each(|seed| keep(seed, stride, n));
            if 1 < line.cells.len() {
                keep(&mut line.cells, stride, n);
            }
        }
    }
    stride - 1
}

fn keep<T>(values: &mut Vec<T>, stride: usize, n: usize) {
    let mut i = 0;
    values.retain(|_| {
        i += 1;
        (i - 1) % stride == 0 || i == n
    });
}
