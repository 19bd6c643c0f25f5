// Words of quotations: finding them among placed or spoken words, and finding citations in an answer.

export function normal(word) {
  return word.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
}

function tokens(text) {
  return text.split(/\s+/).map(normal).filter(Boolean);
}

/**
 * Indices of the words (strings, in reading order) that a quotation names: for each of its parts
 * the run that holds most of its words in order. Empty where less than half is there.
 */
export function locate(quote, words) {
  const at = words.map((word, index) => [normal(word), index]).filter(([word]) => word);
  const marked = new Set();
  for (const part of quote.split(/\s*(?:\[?…\]?|\[?\.{3,}\]?)\s*/)) {
    for (const index of run(tokens(part), at)) marked.add(index);
  }
  return marked;
}

function run(wanted, at) {
  if (!wanted.length || !at.length) return [];
  let best = [];
  const slack = wanted.length + 2 + Math.floor(wanted.length / 4);
  for (let start = 0; start < at.length; start++) {
    if (at[start][0] !== wanted[0] && at[start][0] !== wanted[1]) continue;
    const hit = inOrder(wanted, at.slice(start, start + slack));
    if (hit.length > best.length) best = hit;
    if (best.length === wanted.length) break;
  }
  return best.length * 2 >= wanted.length ? best : [];
}

/** The longest common subsequence: indices of `window` that carry words of `wanted`, in order. */
function inOrder(wanted, window) {
  const rows = wanted.length;
  const columns = window.length;
  const length = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1));
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      length[i][j] = wanted[i] === window[j][0]
        ? length[i + 1][j + 1] + 1
        : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const found = [];
  for (let i = 0, j = 0; i < rows && j < columns; ) {
    if (wanted[i] === window[j][0]) {
      found.push(window[j][1]);
      i++;
      j++;
    } else if (length[i + 1][j] >= length[i][j + 1]) i++;
    else j++;
  }
  return found;
}

const COMMON = new Set(
  ("a an and are as at be but by did do does for from had has have how i in is it its not of on or our so " +
    "that the their there they this to was we were what when where which who why with you your").split(" "),
);

/** Indices of the words that a question asks for, common ones left out. */
export function asked(question, words) {
  const stems = tokens(question).filter((word) => !COMMON.has(word)).map(stem);
  const marked = new Set();
  words.forEach((word, index) => {
    const plain = normal(word);
    if (plain && stems.includes(stem(plain))) marked.add(index);
  });
  return marked;
}

function stem(word) {
  return word.length > 4 ? word.replace(/(?:ing|ed|es|s)$/, "") : word;
}

const CITATION = /\[([^[\]\n]{2,300})\](?!\()|\b(seg_[a-z2-7]{26}|src_[a-z2-7]{16}(?:@[\d.:-]+|#p\d+)?)/g;
const QUOTE = /“([^”]{2,2000})”|„([^“”]{2,2000})[“”]|«([^»]{2,2000})»|"([^"\n]{2,2000})"/g;

/** The citations of an answer in order, each with the quotations that belong to it. */
export function citations(answer) {
  const found = [];
  let after = 0;
  for (const match of answer.matchAll(CITATION)) {
    const inner = match[1] ?? "";
    if (match[1] !== undefined && !/\p{L}{2}|(?:@|p\.?) ?\d/u.test(inner)) continue; // [1], [ ], [x]
    const paragraph = answer.lastIndexOf("\n\n", match.index);
    const before = answer.slice(Math.max(after, paragraph), match.index);
    after = match.index + match[0].length;
    let quotes = quotations(before);
    if (!quotes.length) {
      const follows = /^\s*(?::|says|reads)?\s*(?=[“„«"])/.exec(answer.slice(after));
      if (follows) {
        const [next] = answer.slice(after).matchAll(QUOTE);
        quotes = next ? quotations(next[0]) : [];
        after += next ? next.index + next[0].length : 0;
      }
    }
    const claim = before.split(/(?<=[.!?])\s+/).at(-1).replace(/^[\s\]).,;:]+/, "").trim();
    found.push({ ref: match[0], quotes, claim });
  }
  return found;
}

function quotations(text) {
  return [...text.matchAll(QUOTE)]
    .map((match) => (match[1] ?? match[2] ?? match[3] ?? match[4]).trim())
    .filter((quote) => tokens(quote).length);
}
