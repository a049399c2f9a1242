// A text field with completion, as WAI-ARIA describes it: arrow keys choose, Enter takes, Escape closes.

import { debounced, el, fill } from './dom.js';

let count = 0;

/**
 * Makes a combobox. `find(query, signal)` gives options, `view(option)` an element's content, `take(option)` is called with the choice.
 */
export function combobox({ label, placeholder, find, view, take }) {
  const id = `options-${(count += 1)}`;
  const input = el('input', {
    type: 'text', placeholder, autocomplete: 'off', spellcheck: false, role: 'combobox',
    'aria-label': label, 'aria-expanded': 'false', 'aria-controls': id, 'aria-autocomplete': 'list',
  });
  const list = el('ul', { id, className: 'options', role: 'listbox', hidden: true, 'aria-label': label });
  let options = [];
  let active = -1;
  let running;

  const close = () => {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
    active = -1;
  };
  const choose = (option) => {
    input.value = '';
    close();
    take(option);
  };
  const mark = (next) => {
    active = next;
    [...list.children].forEach((child, at) => child.setAttribute('aria-selected', String(at === active)));
    const child = list.children[active];
    if (child) {
      input.setAttribute('aria-activedescendant', child.id);
      child.scrollIntoView({ block: 'nearest' });
    }
  };
  const show = (found) => {
    options = found;
    const row = (option, at) => el('li', {
      id: `${id}-${at}`, role: 'option', 'aria-selected': 'false',
      onmousedown: (event) => { event.preventDefault(); choose(option); },
    }, view(option));
    fill(list, found.length ? found.map(row) : el('li', { className: 'none' }, 'nothing found'));
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
    mark(found.length ? 0 : -1);
  };
  const search = async () => {
    running?.abort();
    running = new AbortController();
    const query = input.value;
    try {
      const found = await find(query, running.signal);
      if (document.activeElement === input && query === input.value) show(found);
    } catch (error) {
      if (error.name !== 'AbortError') close();
    }
  };

  input.oninput = debounced(search, 120);
  input.onfocus = search;
  input.onblur = close;
  input.onkeydown = (event) => {
    const last = options.length - 1;
    if (event.key === 'ArrowDown' && list.hidden) search();
    else if (event.key === 'ArrowDown') mark(Math.min(active + 1, last));
    else if (event.key === 'ArrowUp') mark(Math.max(active - 1, 0));
    else if (event.key === 'Enter' && options[active] && !list.hidden) choose(options[active]);
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
  };
  return el('div', { className: 'combobox' }, input, list);
}
