// The table of runs, sortable by any column, and the heat map of topics by models.

function parameters(n) {
  if (!n) return '–';
  const units = { B: 1e9, M: 1e6, K: 1e3 };
  const [unit, size] = Object.entries(units).find(([, size]) => n >= size) ?? ['K', 1e3];
  return `${Number((n / size).toPrecision(3))} ${unit}`;
}

function estimateCell(estimate) {
  const [mean, , low, high, , , chance] = estimate;
  return make(
    'td',
    {},
    number(mean, decimalsOf(low, high)),
    make('span', { class: 'interval' }, interval(low, high)),
    chance ? make('span', { class: 'interval' }, `chance ${number(chance, 3)}`) : null,
  );
}

function lengthCell({ through, beyond }) {
  const line = ([mean, , low, high], name) =>
    make(
      'div',
      { title: `${name} length: ${interval(low, high)}` },
      number(mean, decimalsOf(low, high)),
      make('span', { class: 'interval' }, name),
    );
  return make('td', {}, line(through, 'through'), line(beyond, 'beyond'));
}

function clusteredColumn(report, field, mean) {
  const known = report.runs.find((run) => run[field] !== null);
  if (known === undefined) return [];
  const { by, others } = known[field];
  return [
    {
      title: `${mean}, for ${others}`,
      tip: `${mean} with an interval that says how far it would move with ${others}: questions of one ${by} count as one draw`,
      value: (run) => run[field] && run[field].estimate[0],
      cell: (run) => (run[field] === null ? make('td', {}, '–') : estimateCell(run[field].estimate)),
    },
  ];
}

// Values in nats or bits, which have no chance and no votes' scale: a table of their own.
function isOnAScale({ name }) {
  return name === 'margin' || name.startsWith('bits_');
}

const metricColumn = ({ name, title }) => ({
  title,
  tip: `${title}: mean over all questions`,
  value: (run) => run.micro[name][0],
  cell: (run) => estimateCell(run.micro[name]),
});
const modelColumn = {
  title: 'Model',
  value: (run) => run.label,
  cell: (run) => make('th', { scope: 'row', class: 'name' }, safeText(run.label)),
};

function summaryColumns(report) {
  const short = report.log ? report.value : 'Pearson';
  const columns = [
    modelColumn,
    ...report.metrics.filter((metric) => !isOnAScale(metric)).map(metricColumn),
    ...clusteredColumn(report, 'clustered', short),
    report.log
      ? null
      : {
          title: 'Through length, beyond',
          tip: 'Pearson’s r as a sum of two parts: the part that follows from votes and scores each going with length, and the part beyond length. Sorts by the part beyond length; point at a number for its interval',
          value: (run) => run.length.beyond[0],
          cell: (run) => lengthCell(run.length),
        },
    {
      title: `${short}, macro`,
      tip: `${short}: mean of the topics’ means`,
      value: (run) => run.macro[report.main][0],
      cell: (run) => estimateCell(run.macro[report.main]),
    },
    ...clusteredColumn(report, 'clustered_macro', `${short}, macro`),
    report.log
      ? null
      : {
          title: 'Size',
          tip: 'number of the model’s parameters, and the type of its weights',
          value: (run) => run.parameters || null,
          cell: (run) =>
            make('td', {}, parameters(run.parameters), run.file_type ? make('span', { class: 'interval' }, safeText(run.file_type)) : null),
        },
    {
      title: 'Questions',
      tip: `number of questions, and how many of them have no value of ${report.log ? report.value : 'Pearson’s r'}`,
      value: (run) => run.questions,
      cell: (run) =>
        make('td', {}, run.questions, run.undefined ? make('span', { class: 'interval' }, `${run.undefined} without a value`) : null),
    },
    report.log
      ? null
      : {
          title: 'Tokens/s',
          tip: 'tokens per second',
          value: (run) => run.tokens_per_second,
          cell: (run) => make('td', {}, run.tokens_per_second === null ? '–' : Math.round(run.tokens_per_second)),
        },
  ];
  return columns.filter((column) => column !== null);
}

// Missing values stand last, whatever the direction.
function byValue(value, direction) {
  return (a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return direction * (typeof x === 'string' ? x.localeCompare(y) : x - y);
  };
}

function summaryTable(report, id, columns, caption) {
  const body = make('tbody');
  const heads = columns.map((column) =>
    make(
      'th',
      { scope: 'col' },
      make(
        'button',
        { type: 'button', title: column.tip, class: column.title.length < 9 ? 'short' : null, onclick: () => sort(column) },
        column.title,
      ),
    ),
  );
  let [sorted, direction] = [null, 1];
  function show(runs) {
    body.replaceChildren(
      ...runs.map((run) =>
        make(
          'tr',
          {},
          columns.map((column) => column.cell(run)),
        ),
      ),
    );
  }
  function sort(column) {
    const first = column.title === 'Model' ? 1 : -1;
    direction = sorted === column ? -direction : first;
    sorted = column;
    const said = direction > 0 ? 'ascending' : 'descending';
    heads.forEach((head, i) => head.setAttribute('aria-sort', columns[i] === column ? said : 'none'));
    show([...report.runs].sort(byValue(column.value, direction)));
  }
  show(report.runs);
  return make('table', { id }, make('caption', {}, caption), make('thead', {}, make('tr', {}, heads)), body);
}

function scaleTable(report) {
  const known = report.metrics.filter((metric) => isOnAScale(metric) && report.runs.some((run) => run.micro[metric.name][0] !== null));
  if (known.length === 0) return null;
  return make(
    'div',
    { class: 'scroll' },
    summaryTable(
      report,
      'scale-table',
      [modelColumn, ...known.map(metricColumn)],
      'Margin: by how many nats the score of a better answer is above that of a worse one. Bits per byte: how well the model predicts the text of all answers, of the best and of the worst by votes; lower is better, but the last column’s difference is better the higher it is.',
    ),
  );
}

// The value by every score that follows from one pass.
function scoresTable(report) {
  if (report.runs.every((run) => run.scores.length === 0)) return null;
  const row = (run, [name, ...estimates], first) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row', class: 'name' }, first ? safeText(run.label) : ''),
      make('td', {}, name),
      estimates.map(estimateCell),
    );
  return make(
    'div',
    { class: 'scroll' },
    make(
      'table',
      { id: 'scores-table' },
      make(
        'caption',
        {},
        'Pearson’s r by what an answer’s log-likelihood is divided by: its characters (the published rule), its tokens, its bytes, or nothing. Without a division, longer answers get lower scores whatever they say, so length’s part grows.',
      ),
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          ['Model', 'Score', 'Pearson', 'Through length', 'Beyond length', 'Pairs in people’s order'].map((title) =>
            make('th', { scope: 'col' }, title),
          ),
        ),
      ),
      make(
        'tbody',
        {},
        report.runs.flatMap((run) => run.scores.map((score, i) => row(run, score, i === 0))),
      ),
    ),
  );
}

function summarySection(report) {
  return [
    make(
      'p',
      { class: 'soft' },
      report.log
        ? ['The mean of ', ...safeText(report.value), ', as another harness measured it. Data: ']
        : 'How well each model’s log-likelihoods rank people’s answers: the correlation of scores and votes within each question, averaged. 1 is people’s order, 0 chance. Data: ',
      safeText(report.dataset.name),
      `, ${report.questions.id.length} questions in ${report.topics.length} ${report.topics.length === 1 ? 'topic' : 'topics'}.`,
    ),
    report.caveats.map((caveat) => make('p', { class: 'caveat' }, safeText(caveat))),
    make(
      'div',
      { class: 'scroll' },
      summaryTable(
        report,
        'summary-table',
        summaryColumns(report),
        `Means over all questions (micro averages) with 95 % intervals: how far they would move with other questions of these topics, unless a column’s title names others.${report.log ? '' : ' Chance is 0 unless stated.'} Click a column’s title to sort by that column.`,
      ),
    ),
    report.training.map((sentence) => make('p', { class: 'training' }, safeText(sentence))),
    scaleTable(report),
    scoresTable(report),
  ];
}

// Blue above the middle, orange below it: told apart by all kinds of eyes.
function heatColour(share) {
  const strength = Math.min(1, Math.abs(share));
  const [r, g, b] = share >= 0 ? [0, 82, 147] : [176, 72, 0];
  const mix = (channel) => Math.round(246 + (channel - 246) * strength);
  return { back: `rgb(${mix(r)}, ${mix(g)}, ${mix(b)})`, text: strength > 0.55 ? '#ffffff' : '#16191d' };
}

function heatCell(estimate, reach) {
  if (estimate === undefined || estimate[0] === null) return make('td', {}, '–');
  const chance = estimate[6];
  const cell = make(
    'td',
    { title: `${interval(estimate[2], estimate[3])}${chance === null ? '' : `, chance ${number(chance, 3)}`}` },
    number(estimate[0], 3),
  );
  if (chance === null) return cell;
  const { back, text } = heatColour((estimate[0] - chance) / reach);
  cell.style.setProperty('--cell', back);
  cell.style.setProperty('--cell-text', text);
  return cell;
}

function heatTable(report, metric) {
  const { title } = metricOf(report, metric);
  const cells = report.runs
    .flatMap((run) => Object.values(run.topics).map((topic) => topic[metric]))
    .filter((cell) => cell[0] !== null && cell[6] !== null);
  const reach = Math.max(1e-9, ...cells.map((cell) => Math.abs(cell[0] - cell[6])));
  const row = (title, of) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, title),
      report.runs.map((run) => heatCell(of(run), reach)),
    );
  const chances = report.runs.map((run) => run.micro[metric][6]).filter((chance) => chance !== null);
  const colours =
    chances.length > 0
      ? `; blue is above what a random order of the answers would get (${number(Math.min(...chances), 3)} over all questions), orange below`
      : '';
  const shown =
    chances.length > 0 ? 'interval (for other questions of that topic) and chance' : 'interval (for other questions of that topic)';
  return make(
    'table',
    { class: 'heat', id: 'heat-table' },
    make('caption', {}, `${title} by topic${colours}. Point at a cell for its ${shown}.`),
    make(
      'thead',
      {},
      make(
        'tr',
        {},
        make('th', { scope: 'col' }, 'Topic'),
        report.runs.map((run) => make('th', { scope: 'col' }, safeText(run.label))),
      ),
    ),
    make(
      'tbody',
      {},
      report.topics.map((topic) =>
        row(safeText(topic), (run) => (run.topics[topic]?.[metric] === undefined ? undefined : run.topics[topic][metric])),
      ),
      row('all questions', (run) => run.micro[metric]),
    ),
  );
}

function topicsSection(report) {
  const place = make('div', { class: 'scroll' }, heatTable(report, report.main));
  return [
    make(
      'div',
      { class: 'controls' },
      select('Statistic', metricChoices(report), report.main, (metric) => place.replaceChildren(heatTable(report, metric))),
    ),
    place,
  ];
}
