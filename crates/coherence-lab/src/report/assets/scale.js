// Scales: from a value to a position on an axis ("u", in which zoom and pan are plain arithmetic).

const linear = {
  log: false,
  to: (value) => value,
  from: (u) => u,
  ticks: (low, high, count) => linearTicks(low, high, count),
};

// Logarithms of positive values; what is less than zero has no place.
const logarithmic = {
  log: true,
  to: (value) => (value > 0 ? Math.log10(value) : NaN),
  from: (u) => 10 ** u,
  ticks: (low, high, count) => logTicks(10 ** low, 10 ** high, count),
};

// Where zero occurs it has a place of its own, half a decade under the least positive value.
function withZero(least) {
  const zero = Math.log10(least) - 0.5;
  return {
    log: true,
    to: (value) => (value > 0 ? Math.max(Math.log10(value), zero) : value === 0 ? zero : NaN),
    from: (u) => (u <= zero ? 0 : 10 ** u),
    ticks(low, high, count) {
      const positive = logTicks(10 ** Math.max(low, zero + 0.25), 10 ** high, count);
      return low <= zero + 1e-9 ? [0, ...positive] : positive;
    },
  };
}

// A list of words at 0, 1, 2, …
const words = (list) => ({
  ...linear,
  ticks: (low, high) => list.map((_, i) => i).filter((i) => i >= low && i <= high),
});

function scaleOf(axis, log, values) {
  if (axis.ticks?.length) return words(axis.ticks);
  const positive = values.filter((value) => value > 0);
  if (!log || !positive.length) return linear;
  return values.includes(0) ? withZero(extent(positive)[0]) : logarithmic;
}

const label = (axis, tick) => axis.ticks?.[tick] ?? show(tick, 3);

// The least and the greatest of finite numbers; [0, 1] for none.
function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [0, 1];
}

// A range with some air at both ends, never empty.
function padded([low, high], air) {
  const width = high - low || Math.abs(high) * 0.1 || 1;
  return [low - width * air, high + width * air];
}
