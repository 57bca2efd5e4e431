// An answer's tokens, shaded by their log-probability or by the difference between two models.

const SHADES = [
  ['none', 'nothing'],
  ['a', 'log-probability in A'],
  ['b', 'log-probability in B'],
  ['difference', 'A minus B'],
  ['reference', 'A minus its reference'],
];

// Those that some run has values for.
const shadesOf = (report) => SHADES.filter(([name]) => name !== 'reference' || report.references.some((name) => name !== null));

// [{from, to, nats}] over the text that was scored; null where this run kept none of this answer.
function tokensOf(question, run, answer) {
  const tokens = question.tokens?.[run]?.[answer];
  if (!tokens) return null;
  let at = 0;
  const list = tokens.n.map((units, i) => ({ from: at, to: (at += units), nats: tokens.p[i] === null ? null : -tokens.p[i] / 1000 }));
  return { list, text: tokens.t ?? ` ${question.a[answer]}` };
}

// The same without the space before the answer, which some vocabularies count to the prompt.
function withoutSpace({ list, text }) {
  if (!text.startsWith(' ')) return { list, text };
  return { text: text.slice(1), list: list.map(({ from, to, nats }) => ({ from: Math.max(0, from - 1), to: to - 1, nats })) };
}

// The pieces between places where a token ends in both tokenisations: the sums over them can be compared.
function commonPieces(a, b) {
  const pieces = [];
  let [i, j, from] = [0, 0, 0];
  let piece = { nats: [0, 0], tokens: [0, 0] };
  const take = (side, token) => {
    piece.nats[side] = piece.nats[side] === null || token.nats === null ? null : piece.nats[side] + token.nats;
    piece.tokens[side]++;
  };
  let [endA, endB] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && (endA <= endB || j === b.length)) endA = (take(0, a[i]), a[i++].to);
    else endB = (take(1, b[j]), b[j++].to);
    if (endA === endB && endA > from) {
      pieces.push({ from, to: endA, ...piece });
      from = endA;
      piece = { nats: [0, 0], tokens: [0, 0] };
    }
  }
  return pieces;
}

function shadeOf(nats, difference) {
  if (nats === null) return 'rgba(128, 128, 128, .5)';
  const strength = difference ? Math.min(1, Math.abs(nats) / 4) : Math.min(1, -nats / 8);
  return `rgba(var(--shade-${difference && nats > 0 ? 'high' : 'low'}), ${(0.75 * Math.max(0, strength)).toFixed(3)})`;
}

const percent = (nats) => `${(100 * Math.exp(nats)).toPrecision(2)} %`;
const quoted = (text) => `“${plainText(text).replaceAll('\n', '⏎').replaceAll('\t', '⇥')}”`;

function readToken(text, token) {
  return `${quoted(text.slice(token.from, token.to))}: ${token.nats === null ? 'not finite' : `${number(token.nats, 3)} nats, probability ${percent(token.nats)}`}`;
}

function readPiece(text, piece) {
  const [a, b] = piece.nats;
  const of = (side) => `${number(piece.nats[side], 3)} (${piece.tokens[side]} ${piece.tokens[side] === 1 ? 'token' : 'tokens'})`;
  return `${quoted(text.slice(piece.from, piece.to))}: A ${of(0)}, B ${of(1)}, A minus B ${a === null || b === null ? 'not finite' : `${signed(a - b, 3)} nats`}`;
}

// What moved from the reference to the run: [{from, to, nats}] over the text; null where it can't be told.
function movedOf(question, run, answer) {
  const moved = question.tokens?.[run]?.[answer]?.d;
  if (!moved) return null;
  const { text } = tokensOf(question, run, answer);
  let at = text.length - moved.n.reduce((sum, units) => sum + units, 0); // past a space that only one of them has
  return { text, list: moved.n.map((units, i) => ({ from: at, to: (at += units), nats: moved.p[i] === null ? null : moved.p[i] / 1000 })) };
}

function readMoved(text, piece) {
  return `${quoted(text.slice(piece.from, piece.to))}: ${piece.nats === null ? 'not finite' : `${signed(piece.nats, 3)} nats against the reference`}`;
}

// Marked pieces of a text: pointing at one, or moving to it by the arrow keys, reads it out.
function markedText(text, pieces, shade, tell, name) {
  const spans = pieces.map((piece, i) => {
    const span = make('span', { 'data-piece': i }, safeText(text.slice(piece.from, piece.to)));
    span.style.backgroundColor = shade(piece);
    return span;
  });
  let current = -1;
  const go = (next) => {
    if (spans.length === 0) return;
    if (current >= 0) spans[current].style.outline = '';
    current = Math.max(0, Math.min(spans.length - 1, next));
    spans[current].style.outline = '2px solid var(--focus)';
    tell(pieces[current]);
  };
  return make(
    'div',
    {
      class: 'prose tokens',
      tabindex: 0,
      role: 'group',
      'aria-label': `${name}; left and right arrow keys move from token to token`,
      onmouseover: (event) => {
        const span = event.target.closest('[data-piece]');
        if (span) tell(pieces[Number(span.getAttribute('data-piece'))]);
      },
      onfocus: () => go(Math.max(0, current)),
      onblur: () => {
        if (current >= 0) spans[current].style.outline = '';
      },
      onkeydown: (event) => {
        const next = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: spans.length - 1 }[event.key];
        if (next === undefined) return;
        event.preventDefault();
        go(next);
        spans[current].scrollIntoView({ block: 'nearest' });
      },
    },
    spans,
  );
}

function legendOf(shade) {
  const patches = (values, difference) =>
    make(
      'span',
      { class: 'scale', 'aria-hidden': 'true' },
      values.map((nats) => {
        const patch = make('i');
        patch.style.backgroundColor = shadeOf(nats, difference);
        return patch;
      }),
    );
  if (shade === 'reference')
    return [
      make('span', { class: 'soft' }, 'less likely than in the reference '),
      patches([-4, -2, -1, 0, 1, 2, 4], true),
      make('span', { class: 'soft' }, ' more likely, 4 nats or more'),
    ];
  if (shade === 'difference')
    return [
      make('span', { class: 'soft' }, 'B likelier '),
      patches([-4, -2, -1, 0, 1, 2, 4], true),
      make('span', { class: 'soft' }, ' A likelier, 4 nats or more'),
    ];
  return [
    make('span', { class: 'soft' }, 'likely '),
    patches([0, -1, -2, -4, -6, -8], false),
    make('span', { class: 'soft' }, ' unlikely, 8 nats or more'),
  ];
}

// How answers' texts are drawn: plain, or as tokens by the chosen shade.
function tokenView(report, state, question, read) {
  const plain = (answer) => make('div', { class: 'prose' }, question.a[answer] === undefined ? '–' : safeText(question.a[answer]));
  const shades = question.tokens !== null && state.shade !== 'none';
  if (!shades) return { shades, legend: [], body: plain };
  const missing = (run) =>
    make('p', { class: 'soft' }, safeText(report.runs[run].label), ' has no tokens here: the same evaluation keeps them if it is told to.');
  const one = (run, answer) => {
    const tokens = tokensOf(question, run, answer);
    if (tokens === null) return [missing(run), plain(answer)];
    return markedText(
      tokens.text,
      tokens.list,
      (token) => shadeOf(token.nats, false),
      (token) => {
        read.textContent = readToken(tokens.text, token);
      },
      `Answer ${answer + 1}, tokens`,
    );
  };
  const two = (answer) => {
    let [a, b] = [tokensOf(question, state.a, answer), tokensOf(question, state.b, answer)];
    if (a === null || b === null) return [missing(a === null ? state.a : state.b), plain(answer)];
    if (a.text !== b.text) [a, b] = [withoutSpace(a), withoutSpace(b)];
    if (a.text !== b.text) return [make('p', { class: 'soft' }, 'The two models did not score the same text.'), plain(answer)];
    const difference = (piece) => (piece.nats.includes(null) ? null : piece.nats[0] - piece.nats[1]);
    return markedText(
      a.text,
      commonPieces(a.list, b.list),
      (piece) => shadeOf(difference(piece), true),
      (piece) => {
        read.textContent = readPiece(a.text, piece);
      },
      `Answer ${answer + 1}, differences`,
    );
  };
  const moved = (answer) => {
    const pieces = movedOf(question, state.a, answer);
    if (pieces === null)
      return [
        make(
          'p',
          { class: 'soft' },
          'The tokens of ',
          safeText(report.runs[state.a].label),
          ' and of its reference are not known here: evaluations keep them if they are told to.',
        ),
        plain(answer),
      ];
    return markedText(
      pieces.text,
      pieces.list,
      (piece) => shadeOf(piece.nats, true),
      (piece) => {
        read.textContent = readMoved(pieces.text, piece);
      },
      `Answer ${answer + 1}, differences to the reference`,
    );
  };
  const body = { reference: moved, a: (answer) => one(state.a, answer), b: (answer) => one(state.b, answer), difference: two }[state.shade];
  return { shades, legend: legendOf(state.shade), body };
}
