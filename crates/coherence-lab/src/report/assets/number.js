// Numbers as people read them.

const THIN_SPACE = "\u2009";

function grouped(text) {
  const [whole, rest] = text.split(".");
  const spaced = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE) : whole;
  return rest ? `${spaced}.${rest}` : spaced;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const superscript = (power) =>
  String(power).replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);

// Four significant digits (or as many as asked), a power of ten when very small or large.
function show(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size < 1e-3 || size >= 1e6) {
    const [mantissa, power] = size.toExponential(digits - 1).split("e");
    const text = Number(mantissa) === 1 ? "" : `${Number(mantissa)} × `;
    return `${sign}${text}10${superscript(Number(power))}`;
  }
  const rounded = size >= 1000 ? Math.round(size) : Number(size.toPrecision(digits));
  return sign + grouped(String(rounded));
}

// `mean ± half width`, both to the second digit of the half width.
function plusMinus(value, half) {
  if (!(half > 0) || value === null) return show(value);
  const digits = 1 - Math.floor(Math.log10(half));
  if (digits > 6 || Math.abs(value) >= 1e6) return `${show(value)} ± ${show(half, 2)}`;
  const round = (number) => (digits < 0 ? Math.round(number * 10 ** digits) * 10 ** -digits : number);
  const [mean, error] = [value, half].map((number) => round(number).toFixed(Math.max(0, digits)));
  const sign = Number(mean) < 0 ? "−" : "";
  return `${sign}${mean.replace("-", "")} ± ${error}`;
}

// Free of the noise of binary fractions.
const round = (value) => Number(value.toPrecision(12));

// About `count` round values between low and high.
function linearTicks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) ?? 10);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push(round(i * step));
  }
  return ticks;
}

// Powers of ten between low and high, with 2 and 5 between them where there is room.
function logTicks(low, high, count) {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high, count).filter((tick) => tick > 0);
  const stride = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const mantissas = count / decades >= 3 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = from; power <= to; power++) {
    if (power % stride) continue;
    for (const m of mantissas) ticks.push(round(m * 10 ** power));
  }
  return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}
