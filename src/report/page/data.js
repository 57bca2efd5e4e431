// The data inside the page: blocks of deflated JSON or text in base64, unpacked when they are looked at.

const unpacked = new Map();

async function inflate(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).text();
}

// The text of a block, or null where the page has none of that name.
async function blockText(name) {
  const block = document.getElementById(`data-${name}`);
  return block === null ? null : inflate(block.textContent);
}

// A block's JSON; kept, since questions of one part are looked at together.
function blockJson(name) {
  if (!unpacked.has(name))
    unpacked.set(
      name,
      blockText(name).then((text) => (text === null ? null : JSON.parse(text))),
    );
  return unpacked.get(name);
}

async function questionAt(report, index) {
  const part = Math.floor(index / report.part);
  const [questions, tokens] = await Promise.all([blockJson(`questions-${part}`), blockJson(`tokens-${part}`)]);
  return { ...questions[index % report.part], tokens: tokens === null ? null : tokens[index % report.part] };
}
