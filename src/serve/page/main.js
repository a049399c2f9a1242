// The page: loads what is served, ties the panel to the lists, and turns between steering and runs.

import { get } from './api.js';
import { byId, el, fill, say } from './dom.js';
import { startLists } from './lists.js';
import { showRuns } from './runs.js';
import { Session } from './session.js';
import { startSteering } from './steer.js';
import { startTheme } from './theme.js';

startTheme(byId('theme'));
const session = new Session();

const turn = () => {
  const isRuns = location.hash === '#runs';
  byId('steer-page').hidden = isRuns;
  byId('runs-page').hidden = !isRuns;
  byId('to-runs').toggleAttribute('aria-current', isRuns);
  byId('to-steer').toggleAttribute('aria-current', !isRuns);
  if (isRuns) showRuns(byId('runs')).catch((error) => fill(byId('runs'), el('p', { className: 'notice' }, error.message)));
};
window.addEventListener('hashchange', turn);
turn();

document.addEventListener('keydown', (event) => {
  const writes = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName);
  if (event.key === '/' && !writes) {
    event.preventDefault();
    byId('words')?.focus();
  }
  if (event.key.toLowerCase() === 'z' && (event.ctrlKey || event.metaKey) && !writes) {
    event.preventDefault();
    session.undo();
    say('undone');
  }
});

async function start() {
  const [health, catalogue] = await Promise.all([get('/health'), get('/v1/catalogue')]);
  document.title = `${catalogue.name} · tiller`;
  const number = (count) => count.toLocaleString('en');
  fill(byId('served'), el('strong', {}, catalogue.name), el('span', {}, `${number(catalogue.items)} items, ${number(catalogue.users)} users`),
    el('span', {}, health.model ?? 'teacher'));
  startSteering(byId('steer'), session, catalogue);
  startLists(byId('lists'), session, health);
}

start().catch((error) => fill(byId('lists'), el('p', { className: 'notice', role: 'alert' }, error.message)));
