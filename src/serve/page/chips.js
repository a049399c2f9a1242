// Chips: what is asked for, piece by piece, each of which can be taken back.

import { el } from './dom.js';
import { shareInWords } from './session.js';

/** A chip with a button that removes it. */
export function chip(kind, text, remove) {
  const close = remove && el('button', { type: 'button', onclick: remove, 'aria-label': `Remove: ${text}` }, '×');
  return el('span', { className: `chip ${kind}` }, el('span', {}, text), close);
}

const without = (list, value) => list.filter((other) => other !== value);

/** The chips of everything that the state asks for beyond its length. */
export function requestChips(session) {
  const state = session.now;
  const simple = (field, kind, words) =>
    state[field].map((value) => chip(kind, `${words} ${value}`, () => session.change((next) => { next[field] = without(next[field], value); })));
  const shares = state.share.map((share, at) =>
    chip('share', shareInWords(share), () => session.change((next) => { next.share.splice(at, 1); })));
  const columns = Object.entries(state.where).map(([column, text]) =>
    chip('condition', text, () => session.change((next) => { delete next.where[column]; })));
  return [
    ...simple('more', 'with', 'with'), ...simple('less', 'without', 'without'), ...shares, ...columns,
    ...simple('conditions', 'condition', ''), ...simple('must', 'with', 'must have'), ...simple('exclude', 'without', 'never'),
  ];
}

/** The parts of a request that was understood, as kind and text. */
function partsOf(understood, saysLength) {
  return [
    ...(saysLength ? [['length', `${understood.k} items`]] : []),
    ...understood.more.map((name) => ['with', `with ${name}`]),
    ...understood.less.map((name) => ['without', `without ${name}`]),
    ...understood.share.map((text) => ['share', text]),
    ...understood.where.map((text) => ['condition', text]),
    ...understood.must.map((title) => ['with', `must have ${title}`]),
    ...understood.exclude.map((title) => ['without', `never ${title}`]),
    ...understood.history.map((title) => ['with', `like ${title}`]),
  ];
}

/** The two readings of a text, each told by what the other one lacks; none where there is one reading. */
export function readingsOf({ understood, other, says_length: saysLength }) {
  if (!other) return [];
  const readings = [understood, other.understood];
  const texts = readings.map((reading) => partsOf(reading, saysLength).map(([, text]) => text));
  const own = (at) => texts[at].filter((text) => !texts[1 - at].includes(text)).join(', ') || 'without that';
  return readings.map((reading, at) => ({ understood: reading, says_length: saysLength, text: own(at) }));
}

/** The chips of a text that was understood, and what was not. */
export function understoodChips({ understood, says_length: saysLength, assumed, not_understood: gaps }) {
  const chips = partsOf(understood, saysLength).map(([kind, text]) => chip(kind, text));
  const notes = [
    ...assumed.map(({ text, taken_as: taken }) => el('li', {}, `“${text}” ${taken}`)),
    ...gaps.map(({ text, why }) => el('li', { className: 'gap' }, `not understood: “${text}”${why ? ` (${why})` : ''}`)),
  ];
  return { chips, notes };
}
