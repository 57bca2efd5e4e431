// All questions: a list that draws only what is in sight, its filters, and the chosen question beside it.

const ROW_HEIGHT = 62;

const SHOWN = [
  ['all', 'all questions'],
  ['disagree', 'models disagree on the best answer'],
  ['wrong', 'A and people disagree on the best answer'],
  ['moved', 'moved most from A to B (100)'],
  ['undefined', 'without a value in A'],
];
const OF_ANSWERS = ['disagree', 'wrong']; // what logs without answers can't tell
const SORTED = [
  ['order', 'the dataset’s order'],
  ['low', 'value in A, lowest first'],
  ['high', 'value in A, highest first'],
  ['moved', 'moved most from A to B'],
  ['spread', 'widest range across models'],
];

function moved(report, state, i) {
  const values = report.values[state.metric];
  const [x, y] = [values[state.a][i], values[state.b][i]];
  return x === null || y === null ? null : Math.abs(x - y);
}

function spread(report, state, i) {
  const values = report.values[state.metric].map((run) => run[i]).filter((value) => value !== null);
  return values.length < 2 ? null : Math.max(...values) - Math.min(...values);
}

// Sets of best answers as bits; more than 31 answers are beyond bitwise operators.
const share = (x, y) => (BigInt(x) & BigInt(y)) !== 0n;

function disagrees(report, i) {
  const best = report.best.map((run) => run[i]).filter((bits) => bits !== 0);
  return best.some((bits) => !share(bits, best[0]));
}

function keeps(report, state, i) {
  if (state.topic !== '' && report.questions.topic[i] !== Number(state.topic)) return false;
  const value = report.values[state.metric][state.a][i];
  if (state.low !== null && !(value !== null && value >= state.low)) return false;
  if (state.high !== null && !(value !== null && value <= state.high)) return false;
  if (state.show === 'disagree') return disagrees(report, i);
  if (state.show === 'wrong') return report.best[state.a][i] !== 0 && !share(report.best[state.a][i], report.people[i]);
  if (state.show === 'moved') return (moved(report, state, i) ?? 0) > 0;
  if (state.show === 'undefined') return value === null;
  return true;
}

function sortKey(report, state) {
  const value = (i) => report.values[state.metric][state.a][i];
  return { low: [value, 1], high: [value, -1], moved: [(i) => moved(report, state, i), -1], spread: [(i) => spread(report, state, i), -1] }[
    state.show === 'moved' ? 'moved' : state.sort
  ];
}

// The questions that filters and search leave, in order. `found`: those whose texts hold what is searched for, or null.
function chosen(report, state, found) {
  const indices = report.questions.id.map((_, i) => i).filter((i) => (found === null || found.has(i)) && keeps(report, state, i));
  const key = sortKey(report, state);
  if (key) indices.sort(byValue(...key));
  return state.show === 'moved' ? indices.slice(0, 100) : indices;
}

// Looks through all texts, part by part, and tells what it has found after each. A newer search ends it.
async function searchTexts(report, query, isCurrent, tell) {
  const found = new Set();
  const wanted = query.toLowerCase();
  report.questions.id.forEach((id, i) => {
    if (id.toLowerCase().includes(wanted) || report.questions.text[i].toLowerCase().includes(wanted)) found.add(i);
  });
  const parts = Math.ceil(report.questions.id.length / report.part);
  let shown = performance.now();
  for (let part = 0; part < parts; part++) {
    const questions = await blockJson(`questions-${part}`);
    if (!isCurrent()) return;
    questions.forEach((question, k) => {
      if ([question.q, ...question.a].some((text) => text && text.toLowerCase().includes(wanted))) found.add(part * report.part + k);
    });
    if (part === parts - 1 || performance.now() - shown > 250) {
      tell(found, (part + 1) / parts);
      shown = performance.now();
    }
  }
}

function rowElement(report, state, index, place, count) {
  const values = report.values[state.metric];
  const shown =
    state.a === state.b
      ? number(values[state.a][index], 2)
      : `A ${number(values[state.a][index], 2)}  B ${number(values[state.b][index], 2)}`;
  const row = make(
    'div',
    {
      class: 'row',
      role: 'option',
      id: `row-${index}`,
      'aria-selected': String(index === state.selected),
      'aria-posinset': place + 1,
      'aria-setsize': count,
    },
    make('div', { class: 'top' }, make('span', {}, safeText(questionName(report, index))), make('span', { class: 'values' }, shown)),
    report.log ? null : make('div', { class: 'text' }, report.questions.text[index] === '' ? '–' : safeText(report.questions.text[index])),
  );
  row.style.top = `${place * ROW_HEIGHT}px`;
  return row;
}

// The list itself: `indices` in order, drawn where they are in sight.
function questionList(report, state, open) {
  const space = make('div', { class: 'space', role: 'presentation' });
  const list = make(
    'div',
    { class: 'list', id: 'list', role: 'listbox', tabindex: 0, 'aria-label': 'Questions; arrow keys choose' },
    space,
  );
  let indices = [];
  function paint() {
    const from = Math.max(0, Math.floor(list.scrollTop / ROW_HEIGHT) - 5);
    const to = Math.min(indices.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW_HEIGHT) + 5);
    const rows = [];
    for (let place = from; place < to; place++) rows.push(rowElement(report, state, indices[place], place, indices.length));
    space.replaceChildren(...rows);
    if (document.getElementById(`row-${state.selected}`)) list.setAttribute('aria-activedescendant', `row-${state.selected}`);
    else list.removeAttribute('aria-activedescendant');
  }
  function reveal(place) {
    const top = place * ROW_HEIGHT;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW_HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_HEIGHT - list.clientHeight;
  }
  function choose(place) {
    if (place < 0 || place >= indices.length) return;
    reveal(place);
    open(indices[place]);
    paint();
  }
  list.addEventListener('scroll', paint, { passive: true });
  list.addEventListener('click', (event) => {
    const row = event.target.closest('.row');
    if (row) choose(Number(row.getAttribute('aria-posinset')) - 1);
  });
  list.addEventListener('keydown', (event) => {
    const at = indices.indexOf(state.selected);
    const page = Math.max(1, Math.floor(list.clientHeight / ROW_HEIGHT) - 1);
    const place = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: indices.length - 1,
      Enter: at,
      ' ': at,
    }[event.key];
    if (place === undefined) return;
    event.preventDefault();
    choose(Math.max(0, Math.min(indices.length - 1, place)));
  });
  return {
    element: list,
    paint,
    show(next, keepsPlace) {
      indices = next;
      space.style.height = `${indices.length * ROW_HEIGHT}px`;
      list.scrollTop = 0;
      const at = indices.indexOf(state.selected);
      if (keepsPlace && at > 0) reveal(at);
      paint();
    },
  };
}

function explorerControls(report, state, refresh, redraw, search) {
  const bound = (label, side) => {
    const input = make('input', {
      type: 'number',
      step: report.log ? 'any' : 0.1,
      min: report.log ? null : -1,
      max: report.log ? null : 1,
      oninput: () => {
        state[side] = input.value === '' ? null : Number(input.value);
        refresh();
      },
    });
    return make('label', {}, label, input);
  };
  const choice = (label, options, name) =>
    select(label, options, state[name], (value) => {
      state[name] = value;
      refresh();
    });
  const query = make('input', {
    type: 'search',
    id: 'search',
    placeholder: report.log ? 'an id' : 'words in texts',
    oninput: () => search(query.value.trim()),
  });
  return make(
    'div',
    { class: 'controls', id: 'filters' },
    make('label', {}, 'Search', query),
    choice('Topic', [['', 'all topics'], ...report.topics.map((topic, i) => [i, topic])], 'topic'),
    choice(
      'Show',
      SHOWN.filter(([name]) => !(report.log && OF_ANSWERS.includes(name))),
      'show',
    ),
    choice('Sort by', SORTED, 'sort'),
    select('Value', metricChoices(report), state.metric, (value) => {
      state.metric = value;
      redraw();
    }),
    bound('A from', 'low'),
    bound('to', 'high'),
    pairControls(report, state),
  );
}

// Ids are unique within a topic only.
function questionAddress(report, index) {
  const topic = report.topics[report.questions.topic[index]];
  return `#topic=${encodeURIComponent(topic)}&question=${encodeURIComponent(report.questions.id[index])}`;
}

// Without a topic, the first question of the id; -1 where the address names none.
function questionOfAddress(report, address) {
  const [, topic, id] = address.match(/^#(?:topic=([^&]*)&)?question=(.*)$/) ?? [];
  if (id === undefined) return -1;
  try {
    const [wantedTopic, wantedId] = [topic === undefined ? null : decodeURIComponent(topic), decodeURIComponent(id)];
    return report.questions.id.findIndex(
      (own, i) => own === wantedId && (wantedTopic === null || report.topics[report.questions.topic[i]] === wantedTopic),
    );
  } catch {
    // an address that is no encoding of anything
    return -1;
  }
}

function openDetail(report, state, place) {
  let wanted = null;
  return async (index) => {
    state.selected = wanted = index;
    const question = await questionAt(report, index);
    if (wanted !== index) return;
    place.replaceChildren(...questionDetail(report, state, index, question));
    try {
      history.replaceState(null, '', questionAddress(report, index));
    } catch {
      /* a page in a frame may not */
    }
  };
}

function explorerSection(report, state) {
  if (report.questions.id.length === 0)
    return [make('p', {}, 'These runs were written without their questions and answers, so there is nothing to look at.')];
  const detail = make(
    'div',
    { class: 'detail', id: 'detail', role: 'region', 'aria-label': 'The chosen question' },
    make('p', { class: 'soft' }, 'Choose a question.'),
  );
  const count = make('p', { class: 'soft', role: 'status', id: 'count' });
  const open = openDetail(report, state, detail);
  const list = questionList(report, state, open);
  let [found, searching, progress] = [null, '', 1];
  function refresh(keepsPlace = false) {
    const indices = chosen(report, state, found);
    list.show(indices, keepsPlace);
    count.textContent = `${indices.length} of ${report.questions.id.length} questions${progress < 1 ? `; searching, ${Math.round(100 * progress)} % done` : ''}`;
  }
  function search(query) {
    searching = query;
    [found, progress] = query === '' ? [null, 1] : [new Set(), 0];
    if (query === '') refresh();
    else
      searchTexts(
        report,
        query,
        () => searching === query,
        (hits, done) => {
          [found, progress] = [hits, done];
          refresh();
        },
      );
  }
  function redraw() {
    refresh(true);
    if (state.selected !== null) open(state.selected);
  }
  state.onpair.push(redraw);
  const named = () => questionOfAddress(report, location.hash);
  const go = (index) => {
    open(Math.max(0, index)).then(() => refresh(true));
    if (index >= 0) document.getElementById('questions').scrollIntoView();
  };
  addEventListener('hashchange', () => {
    if (named() >= 0) go(named());
  });
  requestAnimationFrame(() => {
    refresh();
    go(named());
  });
  return [explorerControls(report, state, refresh, redraw, search), count, make('div', { class: 'explorer' }, list.element, detail)];
}
