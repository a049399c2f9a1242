// The state of the page: what is asked for, what was liked, and the way back.

const EMPTY = {
  user: null, // a user of the data set: { user, interactions, history }
  taken: [], // titles that a new user took
  k: 10,
  more: [],
  less: [],
  share: [], // { of, relation: '<=' | '>=' | '~' | '=', amount: '30%' }
  where: {}, // conditions by column
  conditions: [], // further conditions, as text
  must: [],
  exclude: [],
  liked: [], // { title, at }
  refused: [], // { title, at }
};

/** A session: the current state, those before it, and who wants to know of changes. */
export class Session {
  constructor() {
    this.now = structuredClone(EMPTY);
    this.before = [];
    this.watchers = [];
  }

  watch(watcher) {
    this.watchers.push(watcher);
  }

  /** Changes the state by `change`, which gets a copy. Returns the new state. */
  change(change) {
    this.before.push(this.now);
    const next = structuredClone(this.now);
    change(next);
    this.now = next;
    this.tell();
    return next;
  }

  get canUndo() {
    return this.before.length > 0;
  }

  undo() {
    if (!this.canUndo) return;
    const undone = this.now;
    this.now = this.before.pop();
    this.tell(undone);
  }

  startOver() {
    this.change((state) => Object.assign(state, structuredClone(EMPTY), { user: state.user, taken: state.taken }));
  }

  /** Tells the watchers the state, and after an undo the one that was taken back. */
  tell(undone = null) {
    this.watchers.forEach((watcher) => watcher(this.now, undone));
  }

  /** Adds what was understood of a text. A length that the text states replaces the one before. */
  add({ understood, says_length: saysLength }) {
    this.change((state) => {
      const join = (field, values) => (state[field] = [...new Set([...state[field], ...values])]);
      if (saysLength) state.k = understood.k;
      join('more', understood.more);
      join('less', understood.less);
      state.more = state.more.filter((name) => !understood.less.includes(name));
      state.less = state.less.filter((name) => !understood.more.includes(name));
      join('must', understood.must);
      join('exclude', understood.exclude);
      join('conditions', understood.where);
      understood.history.forEach((title) => state.liked.push({ title, at: Date.now() }));
      for (const text of understood.share) addShare(state, shareOf(text));
    });
  }

  /** Takes a request over as it is: one that the server found to be the nearest possible. */
  adopt(request) {
    this.change((state) => {
      state.k = request.k;
      state.share = request.share.map(shareOf);
    });
  }
}

/** A share of the same kind and relation is replaced. */
export function addShare(state, share) {
  state.share = state.share.filter((other) => other.of !== share.of || other.relation !== share.relation);
  state.share.push(share);
}

const RELATIONS = { 'at most': '<=', 'at least': '>=', about: '~', exactly: '=' };

/** "at most 30% Comedy" and "exactly 3 of Comedy" as a share. */
export function shareOf(text) {
  const words = Object.keys(RELATIONS).find((words) => text.startsWith(`${words} `));
  const [amount, ...of] = text.slice(words.length + 1).split(' ');
  return { relation: RELATIONS[words], amount, of: amount.endsWith('%') ? of.join(' ') : of.slice(1).join(' ') };
}

export function shareInWords({ of, relation, amount }) {
  const words = Object.keys(RELATIONS).find((words) => RELATIONS[words] === relation);
  return `${words} ${amount}${amount.endsWith('%') ? '' : ' of'} ${of}`;
}

/** The request of a state, as the API takes it. */
export function requestOf(state) {
  const titles = (words) => words.map(({ title }) => title);
  return {
    user: state.user?.user,
    history: [...state.taken, ...titles(state.liked)],
    k: state.k,
    more: state.more,
    less: state.less,
    share: state.share.map(({ of, relation, amount }) => `${of}${relation}${amount}`),
    where: [...Object.values(state.where), ...state.conditions],
    must: state.must,
    exclude: [...state.exclude, ...titles(state.refused)],
  };
}

/** Likes as a data set has them: user, item, timestamp. */
export function interactionsOf(state, idOf) {
  const cell = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const user = state.user?.user ?? 'me';
  const taken = state.taken.map((title, at) => ({ title, at: 1000 * (at + 1) }));
  const lines = [...taken, ...state.liked].map(({ title, at }) => [user, idOf(title), Math.floor(at / 1000)]);
  return ['user,item,timestamp', ...lines.map((line) => line.map(String).map(cell).join(','))].join('\n') + '\n';
}
