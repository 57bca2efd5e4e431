// Starts the page: unpacks the index, and draws one section after another.

const THEMES = ['auto', 'light', 'dark'];

function startTheme() {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const button = document.getElementById('theme');
  let theme = 'auto';
  try {
    theme = THEMES.find((name) => name === localStorage.getItem('hre-theme')) ?? 'auto';
  } catch {
    /* storage may be closed to local files */
  }
  function apply() {
    const ofSystem = system.matches ? 'dark' : 'light';
    document.documentElement.setAttribute('data-theme', theme === 'auto' ? ofSystem : theme);
    button.textContent = `Theme: ${theme}`;
  }
  button.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem('hre-theme', theme);
    } catch {
      /* the same */
    }
    apply();
  });
  system.addEventListener('change', apply);
  apply();
}

async function figuresSection() {
  const figures = await blockJson('figures');
  const place = make(
    'div',
    { class: 'figures' },
    figures.map((figure, i) =>
      make(
        'figure',
        {},
        make('img', { id: `figure-${i}`, alt: plainText(figure.caption) }),
        make('figcaption', {}, make('strong', {}, figure.name), ' ', safeText(figure.caption)),
      ),
    ),
  );
  for (const [i] of figures.entries()) {
    blockText(`figure-${i}`).then((svg) => {
      place.querySelector(`#figure-${i}`).src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    });
  }
  return figures.length > 0 ? [place] : [];
}

// What the page carries, as text in the file.
function dataSize() {
  return [...document.querySelectorAll('script[type="application/octet-stream"]')].reduce(
    (sum, block) => sum + block.textContent.length,
    0,
  );
}

function madeSection(report) {
  const size = make(
    'p',
    { class: 'soft' },
    `The page holds ${report.questions.id.length} questions of ${report.runs.length} ${report.runs.length === 1 ? 'run' : 'runs'} in ${(dataSize() / 1e6).toFixed(1)} MB of packed data. It loads nothing from elsewhere.`,
  );
  return [
    size,
    ...report.runs
      .map((run) => [
        make('h3', {}, safeText(run.label)),
        make(
          'dl',
          {},
          [
            ...(report.log
              ? [['log', run.source]]
              : [
                  ['model', run.source],
                  ['fingerprint', run.fingerprint || 'none: no weights'],
                  ['architecture', run.architecture],
                ]),
            ...(run.created ? [['evaluated', run.created]] : []),
            ...run.settings,
          ].map(([name, value]) => [make('dt', {}, safeText(name)), make('dd', {}, safeText(value))]),
        ),
      ])
      .flat(),
  ];
}

async function start() {
  startTheme();
  const main = document.getElementById('main');
  if (typeof DecompressionStream === 'undefined') {
    main.replaceChildren(
      make(
        'p',
        { class: 'caveat' },
        'This browser cannot unpack the page’s data: it needs DecompressionStream (Chrome 80, Firefox 113, Safari 16.4 or later).',
      ),
    );
    return;
  }
  const report = await blockJson('index');
  const ofTokens = report.tokens.includes(true) ? 'a' : 'none';
  const state = {
    a: 0,
    b: report.runs.length > 1 ? 1 : 0,
    metric: report.main,
    topic: '',
    low: null,
    high: null,
    show: 'all',
    sort: 'order',
    selected: null,
    order: 'people',
    shade: report.references[0] ? 'reference' : ofTokens,
    onpair: [],
  };
  document.getElementById('title').append(...safeText(report.title));
  const figures = await figuresSection(); // before the others, which may draw as soon as they are made
  const sections = [
    ['Summary', summarySection(report)],
    ['Topics', topicsSection(report)],
    ['Comparison', compareSection(report, state)],
    ['Questions', explorerSection(report, state)],
    ['Figures', figures],
    ['How it was made', madeSection(report)],
  ].filter(([, parts]) => parts.length > 0);
  const idOf = (title) => title.toLowerCase().replaceAll(' ', '-');
  document.getElementById('nav').append(...sections.map(([title]) => make('a', { href: `#${idOf(title)}` }, title)));
  main.replaceChildren(
    ...sections.map(([title, parts]) => make('section', { id: idOf(title), 'aria-label': title }, make('h2', {}, title), parts)),
  );
  document.documentElement.setAttribute('data-ready', '');
}

start().catch((problem) => {
  document
    .getElementById('main')
    .replaceChildren(make('p', { class: 'caveat', role: 'alert' }, `The page could not be drawn: ${problem.message}`));
  throw problem;
});
