// One question: its answers as people and as each model rank them, with votes, scores and lengths.

// Ids are unique within a topic only: "python/000012", whose id has the topic, or "12 (topic python)".
function questionName(report, index) {
  const [topic, id] = [report.topics[report.questions.topic[index]], report.questions.id[index]];
  return topic === '' || id.startsWith(`${topic}/`) ? id : `${id} (topic ${topic})`;
}

const letter = (answer) => make('span', { class: `letter l${answer % 6}` }, answer < 26 ? String.fromCharCode(65 + answer) : answer + 1);

// Positions 0, 1, ... by falling value; equal values keep their order.
function ranking(values) {
  return values
    .map((value, i) => [value, i])
    .filter(([value]) => value !== null)
    .sort((x, y) => y[0] - x[0] || x[1] - y[1])
    .map(([, i]) => i);
}

function rankText(rank) {
  if (rank === undefined) return '–';
  return Number.isInteger(rank) ? `${rank}.` : `${rank} (tied)`;
}

function scoresOf(question, run) {
  return question.r[run]?.s ?? question.v.map(() => null);
}

// Columns of letters, best on top: people, then each model.
function ranksTable(report, state, index, question) {
  const columns = [
    { title: 'People', under: 'votes', values: question.v, digits: null },
    ...report.runs.map((run, i) => ({
      title: run.label,
      under: `${metricOf(report, state.metric).title} ${number(report.values[state.metric][i][index], 2)}`,
      values: scoresOf(question, i),
      digits: 3,
    })),
  ];
  const chance = question.chance[state.metric];
  const random =
    chance === undefined
      ? ''
      : ` A random order of the answers gets ${metricOf(report, state.metric).title} ${number(chance, 3)} on average.`;
  const orders = columns.map((column) => ranking(column.values));
  const cell = (column, answer) =>
    answer === undefined
      ? make('td', {}, '–')
      : make(
          'td',
          {},
          letter(answer),
          make('small', {}, column.digits === null ? column.values[answer] : number(column.values[answer], column.digits)),
        );
  return make(
    'div',
    { class: 'scroll' },
    make(
      'table',
      { class: 'ranks', id: 'ranks' },
      make('caption', {}, 'The answers by rank, best on top: by votes, and by each model’s score.', random),
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          make('th', { scope: 'col' }, 'Rank'),
          columns.map((column) => make('th', { scope: 'col' }, safeText(column.title), make('span', { class: 'interval' }, column.under))),
        ),
      ),
      make(
        'tbody',
        {},
        question.v.map((_, rank) =>
          make(
            'tr',
            {},
            make('th', { scope: 'row' }, rank + 1),
            columns.map((column, i) => cell(column, orders[i][rank])),
          ),
        ),
      ),
    ),
  );
}

function answerCard(report, state, question, answer, view) {
  const runs = state.a === state.b ? [state.a] : [state.a, state.b];
  const scores = runs.map((run) => {
    const result = question.r[run];
    const rank = result?.k?.[answer];
    return make(
      'span',
      {},
      safeText(report.runs[run].label),
      `: ${rankText(rank)}`,
      result?.s[answer] === undefined
        ? ''
        : ` score ${number(result.s[answer], 3)}, ${number(result.l[answer], 1)} nats over ${result.n[answer]} ${result.n[answer] === 1 ? 'token' : 'tokens'}`,
      result?.x[answer] ? `, ${result.x[answer]} of the prompt’s tokens cut off` : '',
    );
  });
  return make(
    'article',
    { class: 'answer' },
    make(
      'header',
      {},
      make('strong', {}, letter(answer), ` ${question.v[answer]} ${question.v[answer] === 1 ? 'vote' : 'votes'}`),
      make('span', {}, `people: ${rankText(question.k?.[answer])}`),
      scores,
      make('span', {}, `${question.c[answer]} characters`),
    ),
    make('div', { class: 'body' }, view.body(answer)),
  );
}

function problems(report, question) {
  return report.runs.map((run, i) =>
    question.r[i]?.p
      ? make('p', { class: 'caveat' }, safeText(run.label), ' could not score this question: ', safeText(question.r[i].p))
      : null,
  );
}

function orderedAnswers(state, question) {
  const all = question.v.map((_, i) => i);
  const order = {
    people: () => ranking(question.v),
    a: () => ranking(scoresOf(question, state.a)),
    b: () => ranking(scoresOf(question, state.b)),
  }[state.order]();
  return [...order, ...all.filter((i) => !order.includes(i))];
}

// Of logs: an item's value in each run, and how often it was measured.
function itemDetail(report, index, question) {
  const repeated = question.r.some((run) => run !== null && run.measurements > 1);
  const cell = (value) => make('td', {}, value);
  return [
    make('h3', {}, safeText(questionName(report, index))),
    make(
      'div',
      { class: 'scroll' },
      make(
        'table',
        { id: 'item' },
        make(
          'thead',
          {},
          make(
            'tr',
            {},
            ['Model', report.value, ...(repeated ? ['Measurements', 'Standard deviation'] : [])].map((title) =>
              make('th', { scope: 'col' }, safeText(title)),
            ),
          ),
        ),
        make(
          'tbody',
          {},
          report.runs.map((run, i) =>
            make(
              'tr',
              {},
              make('th', { scope: 'row', class: 'name' }, safeText(run.label)),
              cell(number(report.values[report.main][i][index], 4)),
              repeated
                ? [
                    cell(question.r[i]?.measurements ?? '–'),
                    cell(question.r[i]?.measurements > 1 ? number(question.r[i].deviation, 4) : '–'),
                  ]
                : null,
            ),
          ),
        ),
      ),
    ),
  ];
}

function questionDetail(report, state, index, question) {
  if (report.log) return itemDetail(report, index, question);
  const answers = make('div', { class: 'answers', id: 'answers' });
  const read = make('p', { class: 'read', id: 'read', role: 'status' }, 'Point at a token, or move between tokens with the arrow keys.');
  function show() {
    const view = tokenView(report, state, question, read);
    answers.replaceChildren(...orderedAnswers(state, question).map((answer) => answerCard(report, state, question, answer, view)));
    read.hidden = !view.shades;
    legend.replaceChildren(...view.legend);
  }
  const legend = make('span', {});
  const again = (name) => (value) => {
    state[name] = value;
    show();
  };
  const orders = [
    ['people', 'people'],
    ['a', 'model A'],
    ['b', 'model B'],
  ];
  const controls = make(
    'div',
    { class: 'controls' },
    select('Answers in the order of', orders, state.order, again('order')),
    question.tokens === null ? null : select('Shade tokens by', shadesOf(report), state.shade, again('shade')),
    legend,
  );
  show();
  return [
    make('h3', {}, safeText(questionName(report, index))),
    problems(report, question),
    make(
      'div',
      { class: 'question' },
      question.q === null
        ? make('p', { class: 'soft' }, 'The dataset was not available, so the texts are missing.')
        : make('p', { class: 'prose', tabindex: 0, 'aria-label': 'The question' }, safeText(question.q)),
    ),
    question.v.length > 0 ? ranksTable(report, state, index, question) : null,
    question.tokens === null
      ? make('p', { class: 'soft' }, 'These runs kept no tokens to shade: the same evaluation keeps them if it is told to.')
      : null,
    controls,
    answers,
    read,
  ]
    .flat()
    .filter((part) => part !== null);
}
