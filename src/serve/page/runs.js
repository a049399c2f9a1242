// The runs of the served folder: a card for each, with the address of its report.

import { get } from './api.js';
import { el, fill } from './dom.js';

export async function showRuns(place) {
  const runs = await get('/v1/runs');
  if (!runs.length) {
    fill(place, el('p', {}, 'No runs in this folder yet. ', el('code', {}, 'tiller sft'), ' and ', el('code', {}, 'tiller eval'), ' leave some.'));
    return;
  }
  const card = ({ name, report }) => el('a', { className: 'card run', href: report, target: '_blank', rel: 'noopener' },
    el('h2', {}, name), el('small', {}, 'curves, tables and sample lists'));
  const all = runs.length > 1 ? card({ name: 'All runs together', report: '/runs/' }) : null;
  fill(place, el('div', { className: 'run-cards' }, all, runs.map(card)));
}
