// The daemon renders the page. This script fetches it repeatedly, replaces what has
// changed, shows a banner when the daemon stops answering, and draws the charts.
'use strict';

const every = 1500; // ms
const patience = 5000;
const main = document.getElementById('main');
const gone = document.getElementById('gone');
let answered = new Date();

async function ask(path) {
  const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(patience) });
  if (!answer.ok) throw new Error(path + ': ' + answer.status);
  return answer;
}

async function refresh() {
  if (document.hidden) return;
  try {
    const text = await (await ask('./' + location.search)).text();
    const fresh = new DOMParser().parseFromString(text, 'text/html');
    const part = fresh.getElementById('main');
    if (!part) throw new Error('this is not the page');
    const build = (page) => page.querySelector('.who').textContent;
    if (build(part) !== build(main)) {
      location.reload(); // a new build has a new page
      return;
    }
    update(main, part);
    document.title = fresh.title;
    answered = new Date();
    sayGone(false);
  } catch {
    sayGone(true);
  }
}

function sayGone(isGone) {
  gone.hidden = !isGone;
  main.classList.toggle('stale', isGone);
  if (!isGone) return;
  const since = answered.toISOString().slice(11, 19);
  const text = `poller has not answered since ${since} UTC. This page shows the state at that time and keeps trying.`;
  if (gone.textContent !== text) gone.textContent = text;
  document.title = 'No answer · poller';
}

// keptFor returns what a node keeps: the charts of a queue, or the form; else undefined.
function keptFor(node) {
  if (!node.hasAttribute?.('data-keep')) return undefined;
  return node.id || node.querySelector('[data-queue]').dataset.queue;
}

// update makes old like fresh and leaves equal parts alone, so that the selection, the
// focus and the scroll position survive. If nodes were added or removed before them, old
// and fresh may belong to different queues: charts are kept only for the same queue.
function update(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || keptFor(old) !== keptFor(fresh)) {
    old.replaceWith(fresh.cloneNode(true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.hasAttribute('data-keep')) return;
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(old.nodeName === 'DETAILS' && name === 'open')) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const news = [...fresh.childNodes];
  const olds = [...old.childNodes];
  news.forEach((child, i) => (i < olds.length ? update(olds[i], child) : old.append(child.cloneNode(true))));
  olds.slice(news.length).forEach((child) => child.remove());
}

const dark = matchMedia('(prefers-color-scheme: dark)');
let charts = new Map(); // by figure
let marks = []; // what changed, and when; the page lists it too

// drawMarks draws a line for each of the marks.
function drawMarks(plot, colours) {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  for (const { at, kind } of marks) {
    const x = Math.round(plot.valToPos(at, 'x', true));
    if (x < left || x > left + width) continue;
    ctx.strokeStyle = colours[kind] ?? colours.start;
    ctx.setLineDash(kind === 'gate' ? [] : [4, 3]);
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
  }
  ctx.restore();
}

// What each chart shows: the history's columns, each with its color and what a value means.
const kinds = {
  backlog: [['visible', '--accent', '']],
  lag: [['lag_seconds', '--accent', ' s']],
  deliveries: [['delivered_per_second', '--accent', '/s'], ['failed_per_second', '--bad', '/s']],
  latency: [['median_seconds', '--accent', ' s'], ['p99_seconds', '--second', ' s']],
  limit: [['concurrency_found', '--accent', '']],
  waits: [['token_wait_seconds', '--accent', ' s'], ['quota_wait_seconds', '--good', ' s'], ['slot_wait_seconds', '--second', ' s'], ['gate_wait_seconds', '--bad', ' s']],
};

// draw draws the charts of the queue that is shown. The page of several has none.
async function draw() {
  const figures = [...document.querySelectorAll('figure[data-queue]')];
  if (document.hidden || figures.length === 0) return;
  let history;
  try {
    history = await (await ask('./history.json?queue=' + encodeURIComponent(figures[0].dataset.queue))).json();
  } catch {
    return; // refresh reports it
  }
  if (history.at.length < 2) return;
  document.documentElement.classList.add('drawn');
  marks = history.marks;
  const [queue] = history.queues;
  for (const figure of figures) {
    const data = [history.at, ...kinds[figure.dataset.chart].map(([column]) => queue[column])];
    const why = figure.dataset.chart === 'limit' ? queue.concurrency_reason : undefined;
    if (charts.has(figure)) {
      charts.get(figure).why = why;
      charts.get(figure).setData(data);
    } else charts.set(figure, chart(figure, data, why));
  }
}

const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 16);
const short = (n) => (n == null ? '–' : n >= 100 || Number.isInteger(n) ? Math.round(n).toLocaleString('en') : String(+n.toPrecision(2)));

// value is where a line's key says its value.
function value(key) {
  return key.querySelector('.value') ?? key.appendChild(Object.assign(document.createElement('span'), { className: 'value' }));
}

// sayValues says, at the key of each line, its value at the cursor, else the last one.
function sayValues(plot) {
  const at = plot.cursor.idx ?? plot.data[0].length - 1;
  plot.series.slice(1).forEach((line, i) => {
    const v = plot.data[i + 1][at];
    const why = plot.why?.[at];
    line.said.textContent = v == null ? '' : ` ${short(v)}${line.unit}${why ? ': ' + why : ''}`;
  });
}

// alone returns the places of values that have no neighbor: they are no line, and are drawn
// as points.
function alone(values) {
  return values.flatMap((v, at) => (v != null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
}

function chart(figure, data, why) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const lines = kinds[figure.dataset.chart].map(([, stroke, unit], i) => ({
    stroke: colour(stroke), width: 1.75, spanGaps: false,
    points: { show: false, filter: (plot, at) => alone(plot.data[at]), size: 4 },
    said: value(figure.querySelectorAll('.key')[i]), unit,
  }));
  const axis = { stroke: colour('--dim'), font: '11px system-ui, sans-serif', grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  const colours = { start: colour('--dim'), reload: colour('--dim'), override: colour('--notice'), gate: colour('--bad') };
  return new uPlot({
    hooks: { init: [(plot) => { plot.why = why; }], draw: [(plot) => drawMarks(plot, colours)], setCursor: [sayValues], setData: [sayValues] },
    width: figure.clientWidth, height: 140,
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'poller' } },
    legend: { show: false },
    scales: {
      // At least five minutes wide, so that a short history is readable.
      x: { time: false, range: (_, from, to) => [Math.min(from, to - 300), to] },
      y: { range: (_, _from, to) => [0, to > 0 ? Math.max(to * 1.15, 1e-3) : 1] },
    },
    axes: [
      { ...axis, size: 24, space: 55, incrs: [60, 120, 180, 300, 600], values: (_, at) => at.map(clock) },
      { ...axis, size: 52, values: (_, at) => at.map(short) },
    ],
    series: [{}, ...lines],
  }, data, figure);
}

new ResizeObserver(() => {
  for (const [figure, drawn] of charts) {
    if (figure.clientWidth && figure.clientWidth !== drawn.width) drawn.setSize({ width: figure.clientWidth, height: 140 });
  }
}).observe(main);

dark.addEventListener('change', () => {
  for (const drawn of charts.values()) drawn.destroy();
  charts = new Map();
  draw();
});

document.addEventListener('visibilitychange', () => { refresh(); draw(); });

// One at a time: the next request starts when the last has ended.
async function loop(work, pause) {
  for (;;) {
    await work();
    await new Promise((done) => setTimeout(done, pause));
  }
}
loop(draw, 5000);
// A page of hundreds of queues is asked for less often.
const pause = document.querySelectorAll('.overview tbody tr').length > 20 ? 5000 : every;
setTimeout(() => loop(refresh, pause), pause);

// The buttons of the control API. The token is known to this variable alone.
let token = '';
const operated = document.getElementById('operated');

async function operate(action, change) {
  const answer = await fetch('-/' + action, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + token },
    body: JSON.stringify(change),
    signal: AbortSignal.timeout(patience),
  });
  return { status: answer.status, text: (await answer.text()).trim() };
}

function submitted(id, work) {
  document.getElementById(id)?.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      operated.textContent = await work(event);
    } catch {
      operated.textContent = 'poller did not answer: nothing is known to have changed.';
    }
  });
}

// A pace without rate and concurrency changes nothing: its answer tells whether the token
// is right.
submitted('unlock', async () => {
  const field = document.getElementById('token');
  token = field.value;
  field.value = '';
  if ((await operate('pace', {})).status !== 400) {
    token = '';
    return 'This is not the token.';
  }
  document.getElementById('unlock').hidden = true;
  document.getElementById('operate').hidden = false;
  document.getElementById('target').focus();
  return '';
});

submitted('operate', async (event) => {
  const action = event.submitter.value;
  const value = (id) => document.getElementById(id).value.trim();
  const change = { target: value('target'), by: value('by') };
  if (action !== 'resume') change.for = value('for');
  if (document.getElementById('fleet')?.checked) change.fleet = true;
  if (action === 'pace') {
    change.rate = value('rate');
    if (value('concurrency')) change.concurrency = Number(value('concurrency'));
  }
  const { status, text } = await operate(action, change);
  refresh();
  return status === 200 ? JSON.parse(text).changed.join('; ') + '.' : text;
});
