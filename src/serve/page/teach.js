// Teaching: the model learns from the likes and refusals of this session, and forgets them again.

import { remove, stream } from './api.js';
import { el, fill, say } from './dom.js';
import { requestOf } from './session.js';

/** The buttons that teach and forget. `done` is called once the model has changed. */
export function teachingBar(health, done) {
  let isTaught = health.taught;
  const progress = el('progress', { max: 1, value: 0, hidden: true, 'aria-label': 'Teaching' });
  const told = el('span', { className: 'count', role: 'status' });
  const teach = el('button', { type: 'button', id: 'teach', title: 'A few training steps on this history, in memory alone' }, 'Teach the model');
  const forget = el('button', { type: 'button', id: 'forget', title: 'The model as it was loaded' }, 'Forget');
  let state;

  const busy = async (work) => {
    teach.disabled = true;
    forget.disabled = true;
    try {
      await work();
      done();
    } catch (error) {
      fill(told, error.message);
      say(error.message);
    } finally {
      progress.hidden = true;
      show();
    }
  };
  const learn = () => busy(async () => {
    const { user, history } = requestOf(state);
    const refused = state.refused.map(({ title }) => title);
    progress.hidden = false;
    await stream('/v1/teach', { user, history, refused, stream: true }, (name, data) => {
      if (name === 'step') {
        progress.value = data.step / data.steps;
        fill(told, `loss ${data.loss.toFixed(2)}`);
      } else {
        isTaught = true;
        fill(told, `loss ${data.loss_before.toFixed(2)} → ${data.loss_after.toFixed(2)} in ${data.seconds.toFixed(1)} s`);
        say('the model has learnt');
      }
    });
  });
  const unlearn = () => busy(async () => {
    await remove('/v1/teach');
    isTaught = false;
    fill(told);
    say('the model is as it was');
  });
  const show = () => {
    teach.disabled = !(state.liked.length || state.refused.length) || !(state.user || state.taken.length || state.liked.length);
    forget.disabled = false;
    forget.hidden = !isTaught;
  };
  teach.onclick = learn;
  forget.onclick = unlearn;
  const bar = el('span', { className: 'teaching' }, teach, forget, progress, told);
  return {
    view(now) {
      state = now;
      if (progress.hidden) show();
      return bar;
    },
  };
}
