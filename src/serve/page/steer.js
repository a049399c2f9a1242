// The panel to steer with: for whom, in words, categories, shares, columns, titles.

import { get, post } from './api.js';
import { chip, readingsOf, understoodChips } from './chips.js';
import { combobox } from './combobox.js';
import { debounced, el, fill, say } from './dom.js';
import { addShare } from './session.js';

/** Categories that are shown before "all". */
const SHOWN_CATEGORIES = 14;

const search = (what) => (query, signal) => get(`/v1/${what}?limit=12&query=${encodeURIComponent(query)}`, signal);

/** Builds the panel. Sections draw themselves anew when the session changes. */
export function startSteering(panel, session, catalogue) {
  const sections = [whom, words, categories, shares, columns, titles].map((section) => section(session, catalogue));
  const [first, second, ...others] = sections.map(({ element }) => element);
  // On a narrow screen the list comes first, and the rest of the panel is unfolded on demand.
  const more = el('details', { className: 'more' }, el('summary', {}, 'More ways to steer'), others);
  const isWide = window.matchMedia('(min-width: 941px)');
  const unfold = () => { more.open = isWide.matches; };
  isWide.addEventListener('change', unfold);
  unfold();
  fill(panel, first, second, more);
  const draw = (state) => sections.forEach(({ draw }) => draw(state));
  session.watch(draw);
  draw(session.now);
}

function section(title, hint, ...children) {
  return el('section', { className: 'card' }, el('h2', {}, title, hint && el('small', {}, hint)), ...children);
}

function titleView(item) {
  return el('span', { className: 'option' }, el('span', {}, item.title), el('small', {}, item.categories.slice(0, 3).join(' · ')));
}

/** A user of the data set, or somebody new with titles of their own. */
function whom(session) {
  const chosen = el('div', { className: 'chips' });
  const users = combobox({
    label: 'Choose a user', placeholder: 'a user of the data set', find: search('users'),
    view: (user) => el('span', { className: 'option' }, el('span', {}, user.user), el('small', {}, `${user.interactions} interactions`)),
    take: (user) => session.change((state) => { state.user = user; }),
  });
  const taken = combobox({
    label: 'Add a title to the history', placeholder: 'or titles you know', find: search('items'), view: titleView,
    take: ({ title }) => session.change((state) => { if (!state.taken.includes(title)) state.taken.push(title); }),
  });
  const draw = ({ user, taken }) => {
    const newest = user?.history ?? [];
    fill(chosen,
      user && chip('user', `user ${user.user}`, () => session.change((state) => { state.user = null; })),
      newest.map((title) => chip('past', title)),
      taken.map((title) => chip('past', title, () => session.change((state) => {
        state.taken = state.taken.filter((other) => other !== title);
      }))));
  };
  return { element: section('For whom', null, el('div', { className: 'pair' }, users, taken), chosen), draw };
}

/** The request in words: understood while typing, added by Enter. */
function words(session) {
  const input = el('input', {
    type: 'text', id: 'words', placeholder: 'ten films, at least half Drama, no Horror', autocomplete: 'off', 'aria-label': 'Say it in words',
    'aria-describedby': 'understood',
  });
  const understood = el('div', { id: 'understood', className: 'understood', hidden: true, 'aria-live': 'polite' });
  let running;
  let isTaking = false;
  const read = async () => {
    running?.abort();
    running = new AbortController();
    const text = input.value.trim();
    understood.hidden = !text;
    if (!text) return null;
    const read = await post('/v1/understand', { text, k: session.now.k }, running.signal);
    const { chips, notes } = understoodChips(read);
    fill(understood,
      el('div', { className: 'chips' }, chips.length ? chips : el('em', {}, 'nothing understood yet')),
      choice(read, notes),
      notes.length > 0 && el('ul', { className: 'notes' }, notes));
    return { read, chips, notes };
  };
  const take = (reading, notes) => {
    session.add(reading);
    input.value = '';
    // What was not understood stays to be read.
    fill(understood, notes.length > 0 && el('ul', { className: 'notes' }, notes));
    understood.hidden = notes.length === 0;
    say(`understood: ${reading.text ?? reading.flags}`);
  };
  // Two readings are two buttons; Enter takes the likelier one.
  const choice = (read, notes) => {
    const button = (reading, at) => el('button', { type: 'button', className: at === 0 ? 'reading primary' : 'reading', onclick: () => take(reading, notes) }, reading.text);
    const readings = readingsOf(read);
    return readings.length > 0 && el('div', { className: 'row', role: 'group', 'aria-label': 'Two readings' }, el('span', {}, 'It could mean:'), readings.map(button));
  };
  const quietly = (error) => { if (error.name !== 'AbortError') say(error.message); };
  // Reading for the chips must not abort the reading that Enter takes.
  input.oninput = debounced(() => { if (!isTaking) read().catch(quietly); }, 180);
  const form = el('form', {
    className: 'words',
    onsubmit: (event) => {
      event.preventDefault();
      isTaking = true;
      read().then((found) => {
        if (found?.chips.length) take(found.read, found.notes);
      }).catch(quietly).finally(() => { isTaking = false; });
    },
  }, input, el('button', { type: 'submit', className: 'primary' }, 'Add'));
  return { element: section('In words', 'press / to write', form, understood), draw: () => {} };
}

/** Categories: a press is "with", another "without", a third neither. */
function categories(session, catalogue) {
  const sorted = [...catalogue.categories].sort((a, b) => b.items - a.items);
  const chips = el('div', { className: 'chips toggles' });
  let shows = SHOWN_CATEGORIES;
  const turn = (name) => session.change((state) => {
    const [wasWith, wasWithout] = [state.more.includes(name), state.less.includes(name)];
    state.more = state.more.filter((other) => other !== name);
    state.less = state.less.filter((other) => other !== name);
    if (!wasWith && !wasWithout) state.more.push(name);
    if (wasWith) state.less.push(name);
  });
  const draw = ({ more, less }) => {
    const focused = document.activeElement?.dataset?.category;
    const toggle = ({ name, items }) => {
      const state = more.includes(name) ? 'with' : less.includes(name) ? 'without' : '';
      const button = el('button', {
        type: 'button', className: `toggle ${state}`, onclick: () => turn(name),
        'aria-label': `${name}, ${items} items: ${state || 'no matter'}`, 'data-category': name,
      }, el('span', {}, name), el('small', {}, String(items)));
      return button;
    };
    const isShown = ({ name }, at) => at < shows || more.includes(name) || less.includes(name);
    const shown = sorted.filter(isShown);
    const rest = sorted.length - shown.length;
    fill(chips, shown.map(toggle),
      rest > 0 && el('button', { type: 'button', className: 'link', onclick: () => { shows = sorted.length; draw(session.now); } }, `${rest} more`));
    if (focused) [...chips.children].find((child) => child.dataset.category === focused)?.focus();
  };
  const element = section('Categories', 'with · without', chips);
  return { element: sorted.length ? element : el('span', { hidden: true }), draw };
}

const RELATIONS = [['<=', 'at most'], ['>=', 'at least'], ['~', 'about']];

/** Shares of a list: one slider each. */
function shares(session, catalogue) {
  const rows = el('div', { className: 'shares' });
  const kinds = [...catalogue.categories].sort((a, b) => b.items - a.items).map(({ name }) => name);
  const options = (values, chosen) => values.map(([value, text]) => el('option', { value, selected: value === chosen }, text));
  const add = () => session.change((state) => {
    const of = kinds.find((kind) => !state.share.some((share) => share.of === kind)) ?? kinds[0];
    addShare(state, { of, relation: '<=', amount: '50%' });
  });
  const row = (share, at, k) => {
    const set = (change) => session.change((state) => { Object.assign(state.share[at], change); });
    const value = share.amount.endsWith('%') ? parseFloat(share.amount) : (100 * share.amount) / k;
    const count = (part) => `${Math.round((part * k) / 100)} of ${k}`;
    const told = el('output', {}, count(value));
    const slider = el('input', {
      type: 'range', min: 0, max: 100, step: 5, value, 'aria-label': `Share of ${share.of}`, 'aria-valuetext': count(value),
      oninput: (event) => { told.textContent = count(event.target.value); },
      onchange: (event) => set({ amount: `${event.target.value}%` }),
    });
    const listed = kinds.includes(share.of) ? kinds : [share.of, ...kinds];
    return el('div', { className: 'share-row' },
      el('select', { 'aria-label': 'Relation', onchange: (event) => set({ relation: event.target.value }) },
        options([...RELATIONS, ['=', 'exactly']], share.relation)),
      slider, told,
      el('select', { 'aria-label': 'Category', onchange: (event) => set({ of: event.target.value }) },
        options(listed.map((kind) => [kind, kind]), share.of)),
      el('button', { type: 'button', className: 'icon small', 'aria-label': `Remove the share of ${share.of}`,
        onclick: () => session.change((state) => { state.share.splice(at, 1); }) }, '×'));
  };
  const draw = ({ share, k }) => fill(rows, share.map((one, at) => row(one, at, k)));
  const button = el('button', { type: 'button', className: 'link', onclick: add }, '+ a share of the list');
  const element = section('Shares', 'at most · at least · about', rows, button);
  return { element: kinds.length ? element : el('span', { hidden: true }), draw };
}

/** Ranges of numbers and values of texts, one row for each further column. */
function columns(session, catalogue) {
  const rows = el('div', { className: 'columns' });
  const usable = catalogue.attributes.filter(({ range, values }) => (range ? range[0] < range[1] : values.length > 1));
  const set = (name, text) => session.change((state) => {
    if (text) state.where[name] = text;
    else delete state.where[name];
  });
  const number = ({ name, range: [low, high] }, text) => {
    const bound = (operator, usual) => text?.match(new RegExp(`${operator}([-0-9.e]+)`))?.[1] ?? usual;
    const step = Number.isInteger(low) && Number.isInteger(high) ? 1 : 'any';
    const field = (value, label) => el('input', { type: 'number', min: low, max: high, step, value, 'aria-label': label });
    const [from, to] = [field(bound('>=', low), `${name} from`), field(bound('<=', high), `${name} to`)];
    const apply = () => {
      const parts = [Number(from.value) > low && `${name}>=${from.value}`, Number(to.value) < high && `${name}<=${to.value}`];
      set(name, parts.filter(Boolean).join(' and '));
    };
    from.onchange = apply;
    to.onchange = apply;
    return el('div', { className: 'column-row' }, el('span', {}, name), from, el('span', { className: 'dash' }, '–'), to);
  };
  const values = ({ name, values }, text) => {
    const chosen = text?.slice(name.length + 1) ?? '';
    const options = ['', ...values].map((value) => el('option', { value, selected: value === chosen }, value || 'any'));
    const select = el('select', { 'aria-label': name, onchange: (event) => set(name, event.target.value && `${name}=${event.target.value}`) }, options);
    return el('div', { className: 'column-row' }, el('span', {}, name), select);
  };
  const draw = ({ where }) => fill(rows, usable.map((column) => (column.range ? number : values)(column, where[column.name])));
  const element = section('Columns', null, rows);
  return { element: usable.length ? element : el('span', { hidden: true }), draw };
}

/** Titles to have and not to have, and the length of the list. */
function titles(session) {
  const take = (field) => ({ title }) => session.change((state) => { if (!state[field].includes(title)) state[field].push(title); });
  const field = (label, placeholder, name) => combobox({ label, placeholder, find: search('items'), view: titleView, take: take(name) });
  const length = el('input', {
    type: 'range', min: 1, max: 30, step: 1, id: 'length', 'aria-label': 'Length of the list',
    oninput: (event) => { told.textContent = `${event.target.value} items`; },
    onchange: (event) => session.change((state) => { state.k = Number(event.target.value); }),
  });
  const told = el('output', { for: 'length' });
  const draw = ({ k }) => {
    length.value = k;
    told.textContent = `${k} items`;
  };
  const element = section('Titles and length', null,
    el('div', { className: 'pair' }, field('A title to have', 'must have…', 'must'), field('A title not to have', 'never…', 'exclude')),
    el('div', { className: 'length' }, length, told));
  return { element, draw };
}
