// Elements from code. Text only ever becomes text nodes and attributes, never markup: titles come from files that others wrote.

/**
 * Makes an element. `props` are properties (`className`, `hidden`), `on` handlers (`onclick`), and attributes where the name has a
 * dash or is `role`, `for` or `list`. Children that are null or false are left out.
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name.includes('-') || ['role', 'for', 'list'].includes(name)) element.setAttribute(name, value);
    else if (name === 'style') Object.entries(value).forEach(([key, text]) => element.style.setProperty(key, text));
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Replaces the children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

export const byId = (id) => document.getElementById(id);

/** Says something to screen readers. */
export function say(text) {
  byId('spoken').textContent = text;
}

/** Calls `work` once nothing has asked for it for `wait` milliseconds. */
export function debounced(work, wait) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), wait);
  };
}

/** A number for people: 0.034 as 3.4 %, small ones as "< 0.1 %". */
export function percent(part) {
  const value = 100 * part;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} %`;
}
