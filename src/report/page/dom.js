// Elements from values. Texts come from the web: they enter the page as text nodes alone.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(
    ...children
      .flat(Infinity)
      .filter((child) => child !== null && child !== undefined)
      .map((child) => (child instanceof Node ? child : String(child))),
  );
  return element;
}

const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// What would reorder or hide the text around it: bidirectional controls, other invisible signs, and control characters.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

// A text's nodes, with such signs shown by their number.
function safeText(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match[0] === '\r') continue;
    nodes.push(text.slice(from, match.index));
    const code = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    nodes.push(make('span', { class: 'sign', title: 'a control character' }, `U+${code}`));
    from = match.index + match[0].length;
  }
  nodes.push(text.slice(from));
  return nodes;
}

// For attributes and options, where no nodes can stand.
const plainText = (text) => text.replace(HIDDEN, (sign) => `U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`);

const MINUS = '\u2212';
const withoutNegativeZero = (text) => text.replace(/^-(?=[0.]*$)/, '');
const number = (value, digits = 4) =>
  value === null || value === undefined ? '–' : withoutNegativeZero(value.toFixed(digits)).replace('-', MINUS);
const signed = (value, digits = 4) => (value > 0 ? '+' : '') + number(value, digits);
// Decimals that show two significant digits of an error; of an interval, half of it is the error.
const decimalsFor = (error) => (error > 0 ? Math.min(8, Math.max(0, 1 - Math.floor(Math.log10(error)))) : 3);
const decimalsOf = (low, high) => decimalsFor(low === null || high === null ? 0 : (high - low) / 2);
const interval = (low, high) =>
  low === null || high === null ? '' : `[${number(low, decimalsOf(low, high))}, ${number(high, decimalsOf(low, high))}]`;
function pValue(p) {
  if (p === null) return '–';
  return p < 0.0001 ? '< 0.0001' : p.toFixed(decimalsFor(p));
}

function option(value, text, selected) {
  return make('option', { value, selected }, plainText(text));
}

function select(label, options, value, onchange) {
  const list = make(
    'select',
    { onchange: () => onchange(list.value) },
    options.map(([key, text]) => option(key, text, String(key) === String(value))),
  );
  return make('label', {}, label, list);
}

const metricChoices = (report) => report.metrics.map((metric) => [metric.name, metric.title]);
const metricOf = (report, name) => report.metrics.find((metric) => metric.name === name);
