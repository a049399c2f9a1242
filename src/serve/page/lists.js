// The lists: written live, side by side on demand, each item with its reasons.

import { ApiError, post, stream } from './api.js';
import { requestChips } from './chips.js';
import { debounced, el, fill, percent, say } from './dom.js';
import { interactionsOf, requestOf, shareInWords, shareOf } from './session.js';
import { teachingBar } from './teach.js';

/** The ways to write a list, as far as the server has them. */
const WRITERS = [
  { id: 'strict', title: 'Model', hint: 'strict: every rule holds', ask: { by: 'model', decode: 'strict', guide: 'none' }, needs: ['model'] },
  { id: 'guided', title: 'Guided', hint: 'strict, chosen by model and teacher together', ask: { by: 'model', decode: 'strict', guide: 'teacher' }, needs: ['model', 'teacher'] },
  { id: 'catalogue', title: 'Model, catalogue', hint: 'real, new titles; the rules are up to the model', ask: { by: 'model', decode: 'catalogue', guide: 'none' }, needs: ['model'] },
  { id: 'free', title: 'Model, free', hint: 'whatever it writes', ask: { by: 'model', decode: 'free' }, needs: ['model'] },
  { id: 'teacher', title: 'Teacher', hint: 'SASRec under the same rules', ask: { by: 'teacher', decode: 'strict' }, needs: ['teacher'] },
  { id: 'plain', title: 'Teacher, plain', hint: 'SASRec without the rules', ask: { by: 'teacher', decode: 'catalogue' }, needs: ['teacher'] },
];

/** The model's part in guided lists, where no weight was found best for the model. */
const USUAL_WEIGHT = 0.3;

export function startLists(results, session, health) {
  const there = WRITERS.filter(({ needs }) => needs.every((part) => health[part]));
  const shown = new Set([health.guide.usual === null ? there[0].id : 'guided']);
  let weight = health.guide.auto ?? USUAL_WEIGHT;
  const bar = el('div', { className: 'bar' });
  const columns = el('div', { className: 'lists' });
  const ids = new Map();
  fill(results, bar, columns);

  const teaching = teachingBar(health, () => { drawBar(); ask(); });
  const drawBar = () => {
    const writer = ({ id, title, hint }) => el('label', { className: 'writer', title: hint },
      el('input', {
        type: 'checkbox', checked: shown.has(id),
        onchange: (event) => {
          if (event.target.checked) shown.add(id);
          else if (shown.size > 1) shown.delete(id);
          drawBar();
          ask();
        },
      }), title);
    const chips = requestChips(session);
    fill(bar,
      el('div', { className: 'chips', id: 'asked', role: 'group', 'aria-label': 'Asked for' },
        el('strong', {}, `${session.now.k} items`), chips.length ? chips : el('em', {}, 'nothing asked for beyond the history')),
      el('div', { className: 'row' },
        el('fieldset', { className: 'writers' }, el('legend', {}, 'Side by side'), there.map(writer)),
        shown.has('guided') && weightSlider(weight, (part) => { weight = part; ask(); }),
        el('span', { className: 'count' }, words(session.now)),
        el('button', { type: 'button', id: 'undo', disabled: !session.canUndo, onclick: () => session.undo(), title: 'Ctrl+Z' }, 'Undo'),
        health.can_learn && teaching.view(session.now),
        el('button', { type: 'button', id: 'over', disabled: chips.length === 0, onclick: () => session.startOver() }, 'Start over'),
        el('button', { type: 'button', id: 'export', disabled: session.now.liked.length === 0, onclick: () => exportLikes(session.now, ids) }, 'Export likes')));
  };
  const words = ({ liked, refused }) => [liked.length && `${liked.length} liked`, refused.length && `${refused.length} refused`].filter(Boolean).join(', ');

  let running;
  const ask = () => {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    const wanted = there.filter(({ id }) => shown.has(id));
    const views = wanted.map((writer) => listView(writer, session, health, ids));
    columns.style.setProperty('--columns', wanted.length);
    fill(columns, views.map(({ element }) => element));
    const request = requestOf(session.now);
    const parts = ({ id, ask }) => (id === 'guided' ? { ...ask, guide_weight: weight } : ask);
    wanted.forEach((writer, at) => write(views[at], { ...request, ...parts(writer) }, signal));
  };
  const soon = debounced(ask, 120);
  session.watch((now, undone) => {
    drawBar();
    soon();
    if (undone && health.feedback) takeBack(undone, now);
  });
  drawBar();
  ask();
}

/** The model's part in guided lists, from the teacher alone to the model alone. */
function weightSlider(weight, choose) {
  const words = (part) => `${Math.round(100 * part)} % model`;
  const told = el('output', {}, words(weight));
  const slider = el('input', {
    type: 'range', id: 'weight', min: 0, max: 1, step: 0.05, value: weight, 'aria-label': 'The model’s part in guided lists',
    oninput: (event) => { told.textContent = words(event.target.value); },
    onchange: (event) => choose(Number(event.target.value)),
  });
  return el('label', { className: 'weight' }, slider, told);
}

/** Writes into the feedback file that words about items were taken back. */
function takeBack(undone, now) {
  const words = ({ liked, refused }) => [...liked, ...refused];
  const kept = new Set(words(now).map(({ title }) => title));
  const gone = words(undone).filter(({ title }) => !kept.has(title));
  gone.forEach(({ title }) => post('/v1/feedback', { user: now.user?.user, title, feedback: 'undo' }).catch((error) => say(error.message)));
}

async function write(view, request, signal) {
  const start = performance.now();
  try {
    await stream('/v1/recommend', request, (name, data) => (name === 'item' ? view.item(data) : view.list(data, performance.now() - start)), signal);
  } catch (error) {
    if (error.name !== 'AbortError') view.fail(error);
  }
}

/** One list: its head, its items, its rates. */
function listView({ title, hint }, session, health, ids) {
  const items = el('ol', { className: 'items', 'aria-label': `${title}: items` });
  const rates = el('p', { className: 'rates' }, 'writing…');
  const element = el('article', { className: 'list card writing' },
    el('header', {}, el('h2', {}, title), el('small', {}, hint)), items, rates);
  const add = (data) => {
    if (data.id) ids.set(data.title, data.id);
    items.append(itemView(data, items.children.length, session, health));
  };
  return {
    element,
    item: add,
    list(answer, milliseconds) {
      const focused = [...items.children].indexOf(document.activeElement);
      fill(items);
      answer.items.forEach(add);
      items.children[focused]?.focus();
      fill(rates, ratesOf(answer, milliseconds, health));
      element.classList.remove('writing');
      say(`${title}: ${answer.items.length} items`);
    },
    fail(error) {
      element.classList.remove('writing');
      fill(items);
      fill(rates);
      element.append(refusal(error, session));
      say(error.message);
    },
  };
}

const WRONG = { surplus: 'more than asked for', 'not-exist': 'not in the catalogue', repeat: 'repeated', 'in-history': 'already taken' };

function itemView({ title, status, breaks, categories, attributes, why }, at, session, health) {
  const wrong = WRONG[status] ?? (breaks ? `breaks: ${breaks}` : null);
  const react = (kind) => (event) => {
    event?.stopPropagation();
    session.change((state) => { (kind === 'like' ? state.liked : state.refused).push({ title, at: Date.now() }); });
    if (health.feedback) post('/v1/feedback', { user: session.now.user?.user, title, feedback: kind }).catch((error) => say(error.message));
    say(kind === 'like' ? `${title} liked` : `${title} refused`);
  };
  const can = status !== 'not-exist';
  const button = (kind, sign, words) => el('button', { type: 'button', className: `react ${kind}`, 'aria-label': `${words}: ${title}`, title: words, onclick: react(kind) }, sign);
  return el('li', {
    className: `item ${wrong ? 'wrong' : ''} ${why?.wanted ? 'changed' : ''}`, tabIndex: 0, style: { '--at': at },
    onkeydown: (event) => {
      const items = [...event.currentTarget.parentElement.children];
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
      if (to !== undefined) { event.preventDefault(); items[to]?.focus(); }
      if (event.target === event.currentTarget && can && event.key === 'l') react('like')();
      if (event.target === event.currentTarget && can && event.key === 'x') react('not')();
    },
  },
  el('span', { className: 'rank', 'aria-hidden': 'true' }, String(at + 1)),
  el('div', { className: 'what' },
    el('p', { className: 'title' }, title),
    el('p', { className: 'tags' },
      categories.map((name) => el('span', { className: 'tag' }, name)),
      Object.entries(attributes).slice(0, 3).map(([name, value]) => el('span', { className: 'tag plain' }, `${name} ${value}`))),
    wrong && el('p', { className: 'mark' }, wrong),
    why && reasons(why)),
  can && el('div', { className: 'reactions' }, button('like', '♥', 'Like'), button('not', '✕', 'Not this')));
}

/** Why an item is there: ranks and probabilities, what it counts for, and what its writer had wanted instead. */
function reasons({ rank, probability, wanted, counts_for: countsFor }) {
  const facts = [
    rank !== null && el('span', { title: 'rank among all new items, by the teacher' }, `teacher’s no. ${rank}`),
    probability !== null && el('span', { className: 'probability', style: { '--part': `${Math.max(2, 100 * probability)}%` }, title: 'probability that its writer gave it' }, percent(probability)),
    ...countsFor.map((rule) => el('span', { className: 'counts' }, rule)),
  ];
  const changed = wanted && el('p', { className: 'wanted' },
    'instead of ', el('q', {}, wanted.title), ` (${percent(wanted.probability)})`);
  return el('div', { className: 'why' }, el('p', { className: 'facts' }, facts.filter(Boolean)), changed);
}

function ratesOf({ tokens, prompt_tokens: prompt, guidance, seconds }, milliseconds, { device }) {
  const parts = tokens > 0 ? [
    `prefill ${prompt} tokens`,
    `${tokens} tokens${guidance ? ` in ${guidance.steps} steps` : ''}`,
    `${Math.round(tokens / seconds)} tokens/s`,
    guidance?.observed !== 0 && guidance?.heard ? `constraint changed ${guidance.changed} of ${guidance.choices} choices` : null,
  ] : [];
  return [...parts, `${milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`}`, device]
    .filter(Boolean).map((part) => el('span', {}, part));
}

/** An error in its four parts. Where no list satisfies the request, the nearest ones that can be met are buttons. */
function refusal(error, session) {
  const { place, expected, found, next, nearest = [] } = error instanceof ApiError ? error.parts : { found: error.message };
  const now = session.now;
  const difference = (request) => {
    const asked = now.share.map(shareInWords);
    const changed = request.share.filter((text) => !asked.includes(shareInWords(shareOf(text))));
    return [request.k !== now.k && `${request.k} items`, ...changed].filter(Boolean).join(', ') || 'this';
  };
  return el('div', { className: 'refusal', role: 'alert' },
    el('h3', {}, nearest.length || error.status === 422 ? 'No list satisfies this' : 'That did not work'),
    el('dl', {},
      place && [el('dt', {}, 'where'), el('dd', {}, place)],
      expected && [el('dt', {}, 'expected'), el('dd', {}, expected)],
      [el('dt', {}, 'found'), el('dd', {}, found)],
      next && [el('dt', {}, 'next'), el('dd', {}, next)]),
    nearest.length > 0 && el('div', { className: 'row' }, el('span', {}, 'Possible:'),
      nearest.map((request) => el('button', { type: 'button', className: 'primary nearest', onclick: () => session.adopt(request) }, difference(request)))));
}

/** Hands the likes over as a file in the format of interactions.csv. */
function exportLikes(state, ids) {
  const idOf = (title) => ids.get(title) ?? title;
  const url = URL.createObjectURL(new Blob([interactionsOf(state, idOf)], { type: 'text/csv' }));
  el('a', { href: url, download: 'interactions.csv' }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
