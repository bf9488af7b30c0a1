// Smoothing: the mean over neighbouring points, which lie evenly on the axis that was measured.

// Neighbours on either side, by the position of the slider.
const SPANS = [0, 1, 2, 4, 8, 16];

// The mean of each value and up to `span` neighbours on either side; a missing value stays missing.
function averaged(values, span) {
  return values.map((value, i) => {
    if (value === null) return null;
    const near = values.slice(Math.max(0, i - span), i + span + 1).filter((other) => other !== null);
    return near.reduce((sum, other) => sum + other, 0) / near.length;
  });
}
