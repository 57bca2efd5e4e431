// Two chosen runs: the paired difference, over all questions and by topic.

const pairOf = (report, a, b) => report.pairs.find((p) => (p.a === a && p.b === b) || (p.a === b && p.b === a));

function orient(pair, a) {
  if (pair.a === a) return { all: pair.all, topics: pair.topics, bits: pair.bits };
  const flip = (c) => ({
    ...c,
    mean: c.mean === null ? null : -c.mean,
    t: flipInterval(c.t),
    bootstrap: c.bootstrap && flipInterval(c.bootstrap),
    d: c.d === null ? null : -c.d,
    won: c.lost,
    lost: c.won,
  });
  return { all: flip(pair.all), topics: pair.topics.map(flip), bits: pair.bits.map(flip) };
}

const flipInterval = ([low, high]) => [high === null ? null : -high, low === null ? null : -low];

function verdict(report, a, b, all) {
  const [low, high] = all.bootstrap ?? all.t;
  const { apart, not_settled } = pairOf(report, a, b);
  const better = all.mean > 0 ? report.runs[a].label : report.runs[b].label;
  const undecided = not_settled
    ? 'The two are not interchangeable, but these questions do not settle which is better. '
    : 'These questions cannot tell the two apart at 5 %. ';
  return make(
    'p',
    { class: 'verdict', id: 'verdict' },
    apart ? [make('strong', {}, safeText(better)), report.log ? ' is better. ' : ' ranks answers more as people do. '] : undecided,
    'Difference of ',
    safeText(report.value),
    ', ',
    safeText(report.runs[a].label),
    ' minus ',
    safeText(report.runs[b].label),
    `: ${signed(all.mean, decimalsOf(low, high))} ${interval(low, high)} over ${all.n} questions; p ${pValue(all.p)}`,
    report.pairs.length > 1 ? `, ${pValue(all.p_holm)} adjusted for ${report.pairs.length} pairs (Holm)` : '',
    `. Better on ${all.won} questions, worse on ${all.lost}, equal on ${all.tied}.`,
  );
}

// The same difference with an interval for other topics, sites, ...
function clusteredText({ clustered }, sign) {
  if (clustered === null) return null;
  const [mean, , low, high] = clustered.estimate;
  const ends = sign < 0 ? flipInterval([low, high]) : [low, high];
  return make(
    'p',
    { id: 'clustered' },
    `For ${clustered.others} (${clustered.clusters} clusters by ${clustered.by}, ${clustered.effective} effective): ${signed(sign * mean)} ${interval(...ends)}.`,
  );
}

function ticks(low, high) {
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2].find((size) => (high - low) / size <= 7) ?? 2;
  const all = [];
  for (let i = Math.ceil(low / step); i * step <= high + 1e-9; i++) all.push(i * step);
  return all;
}

// Means and intervals, one line each, around 0.
function forestPlot(lines) {
  const [width, left, right, height] = [720, 190, 20, 24];
  const reach =
    Math.min(2, Math.max(0.01, ...lines.flatMap((line) => [Math.abs(line.low ?? line.mean), Math.abs(line.high ?? line.mean)]))) * 1.05;
  const x = (value) => left + ((Math.max(-reach, Math.min(reach, value)) + reach) / (2 * reach)) * (width - left - right);
  const bottom = lines.length * height + 6;
  return make(
    'div',
    { class: 'scroll' },
    draw(
      'svg',
      {
        viewBox: `0 0 ${width} ${bottom + 24}`,
        width,
        role: 'img',
        'aria-label': 'Differences by topic with 95 % intervals; the table below has the numbers',
      },
      ticks(-reach, reach).map((tick) => [
        draw('line', { class: Math.abs(tick) < 1e-9 ? 'zero' : 'grid', x1: x(tick), x2: x(tick), y1: 0, y2: bottom }),
        draw('text', { x: x(tick), y: bottom + 16, 'text-anchor': 'middle' }, number(tick, 2)),
      ]),
      lines.map((line, i) => {
        const y = i * height + height / 2;
        return [
          draw(
            'text',
            { x: left - 10, y: y + 4, 'text-anchor': 'end', 'font-weight': line.strong ? 700 : 400 },
            plainText(line.name).slice(0, 26),
          ),
          line.low === null ? null : draw('line', { class: 'bar', x1: x(line.low), x2: x(line.high), y1: y, y2: y }),
          line.strong
            ? draw('rect', { class: 'dot', x: x(line.mean) - 5, y: y - 5, width: 10, height: 10 })
            : draw('circle', { class: 'dot', cx: x(line.mean), cy: y, r: 4 }),
        ];
      }),
    ),
  );
}

function comparisonRow(name, c, [low, high]) {
  return make(
    'tr',
    {},
    make('th', { scope: 'row', class: 'name' }, name),
    make('td', {}, c.n),
    make('td', {}, c.mean === null ? '–' : signed(c.mean, decimalsOf(low, high))),
    make('td', {}, interval(low, high)),
    make('td', {}, pValue(c.p)),
    make('td', {}, pValue(c.p_holm)),
    make('td', {}, c.won),
    make('td', {}, c.tied),
    make('td', {}, c.lost),
  );
}

const comparisonHeads = (first) =>
  make(
    'thead',
    {},
    make(
      'tr',
      {},
      [first, 'Questions', 'Difference', '95 % interval', 'p', 'p (Holm)', 'Better', 'Equal', 'Worse'].map((title) =>
        make('th', { scope: 'col' }, title),
      ),
    ),
  );

// How well each of the two predicts the texts themselves: it tells models apart with fewer questions than ranks do.
function bitsTable(bits) {
  if (bits.length === 0) return null;
  return make(
    'div',
    { class: 'scroll' },
    make(
      'table',
      { id: 'bits-table' },
      make(
        'caption',
        {},
        'Paired differences of bits per byte: of all answers, of the best and of the worst by votes (lower is better), and of the gap between the worst and the best (higher is better).',
      ),
      comparisonHeads('Bits per byte'),
      make(
        'tbody',
        {},
        bits.map((c) => comparisonRow(c.title, c, c.bootstrap ?? c.t)),
      ),
    ),
  );
}

function comparisonOf(report, a, b) {
  const pair = pairOf(report, a, b);
  if (pair === undefined) return [make('p', {}, 'One of these runs has no questions on this page, so the two are not compared.')];
  const { all, topics, bits } = orient(pair, a);
  const line = (name, c, [low, high], strong) => ({ name, mean: c.mean, low, high, strong });
  const lines = topics.map((c, i) => line(report.topics[i], c, c.bootstrap ?? c.t, false)).filter((l) => l.mean !== null);
  return [
    verdict(report, a, b, all),
    clusteredText(pair, pair.a === a ? 1 : -1),
    forestPlot([...lines, line('all questions', all, all.bootstrap ?? all.t, true)]),
    make(
      'div',
      { class: 'scroll' },
      make(
        'table',
        { id: 'comparison-table' },
        make(
          'caption',
          {},
          'Paired differences of ',
          safeText(report.value),
          ' with 95 % intervals: how far they would move with other questions of these topics, not with other topics, sites or prompts. p is adjusted (Holm) over the topics of this pair, and for all questions over the pairs of runs; among many pairs of topics, some differ by chance.',
        ),
        comparisonHeads('Topic'),
        make(
          'tbody',
          {},
          topics.map((c, i) => comparisonRow(safeText(report.topics[i]), c, c.bootstrap ?? c.t)),
          comparisonRow('all questions', all, all.bootstrap ?? all.t),
        ),
      ),
    ),
    bitsTable(bits),
  ];
}

function compareSection(report, state) {
  if (report.pairs.length === 0)
    return [
      make(
        'p',
        {},
        report.runs.length < 2
          ? 'There is only one run, so there is nothing to compare.'
          : 'These runs share no question that has a value in all of them.',
      ),
    ];
  const place = make('div', { id: 'comparison' });
  const show = () =>
    place.replaceChildren(
      ...(state.a === state.b
        ? [make('p', {}, 'Model A and model B are the same run: choose two different runs.')]
        : comparisonOf(report, state.a, state.b)
      )
        .flat()
        .filter((part) => part !== null),
    );
  state.onpair.push(show);
  show();
  return [make('div', { class: 'controls' }, pairControls(report, state)), place];
}

// Two lists of runs that the whole page shares.
function pairControls(report, state) {
  const runs = report.runs.map((run, i) => [i, run.label]);
  return ['a', 'b'].map((side) => {
    const label = select(side === 'a' ? 'Model A' : 'Model B', runs, state[side], (value) => {
      state[side] = Number(value);
      for (const update of state.onpair) update();
    });
    state.onpair.push(() => {
      label.querySelector('select').value = String(state[side]);
    });
    return label;
  });
}
