// Calls of the server. An error of the API becomes an ApiError with its four parts.

export class ApiError extends Error {
  constructor(status, error) {
    super(error.found ? `${error.place}: expected ${error.expected}, found ${error.found}` : String(error));
    this.status = status;
    this.parts = error;
  }
}

/** Keeps the token of a server that asks for one, in a cookie of this session alone. */
function askForToken() {
  const token = window.prompt('This server asks for its token (the word in the file of --token-file):');
  if (!token) return false;
  document.cookie = `tiller_token=${encodeURIComponent(token.trim())}; path=/; samesite=strict`;
  return true;
}

async function call(path, options = {}) {
  let response = await fetch(path, options);
  if (response.status === 401 && askForToken()) response = await fetch(path, options);
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new ApiError(response.status, body.error ?? { place: path, expected: 'an answer', found: `status ${response.status}` });
}

export async function get(path, signal) {
  return (await call(path, { signal })).json();
}

export async function post(path, body, signal) {
  const headers = { 'content-type': 'application/json' };
  return (await call(path, { method: 'POST', headers, body: JSON.stringify(body), signal })).json();
}

export async function remove(path) {
  return (await call(path, { method: 'DELETE' })).json();
}

/** Posts to a path that streams, and hands each of its events to `on` as (name, data). */
export async function stream(path, body, on, signal) {
  const headers = { 'content-type': 'application/json' };
  const response = await call(path, { method: 'POST', headers, body: JSON.stringify({ ...body, stream: true }), signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split('\n\n');
    text = events.pop();
    for (const event of events) {
      const lines = event.split('\n');
      const field = (name) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = JSON.parse(field('data'));
      if (field('event') === 'error') throw new ApiError(500, data.error);
      on(field('event'), data);
    }
  }
}
