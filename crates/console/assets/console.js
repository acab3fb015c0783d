// Puts the parts of a page in their places again when they change, and says so when nothing comes any more.
const SILENT_AFTER = 12_000;
const AGAIN_AFTER = [2_000, 5_000, 15_000, 30_000];

const address = document.documentElement.dataset.live;
const stale = document.getElementById('stale');
const staleAt = document.getElementById('stale-at');
const said = document.getElementById('said');

let heard = Date.now();
let shownAt = '';
let failures = 0;
let source = null;

const clock = () => new Date().toLocaleTimeString('vi-VN', { hour12: false });

function alive() {
  heard = Date.now();
  failures = 0;
  stale.hidden = true;
}

// A part takes the place of the former one. Who was at a link in it stays there.
function put({ name, html }) {
  const place = document.getElementById(`part-${name}`);
  if (!place) return;
  const key = place.contains(document.activeElement) ? document.activeElement.closest('[data-key]')?.dataset.key : null;
  place.innerHTML = html;
  if (key) place.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  const summary = place.querySelector('[data-said]');
  if (summary && said.textContent !== summary.dataset.said) said.textContent = summary.dataset.said;
}

function open() {
  source = new EventSource(address);
  source.addEventListener('part', (event) => {
    alive();
    shownAt = clock();
    put(JSON.parse(event.data));
  });
  source.addEventListener('pulse', (event) => {
    alive();
    shownAt = JSON.parse(event.data).at;
  });
  source.addEventListener('over', () => {
    source.close();
    source = null;
    stale.hidden = true;
    document.getElementById('over').hidden = false;
  });
  source.addEventListener('error', () => {
    // A browser comes back by itself, but not after an answer that is none.
    if (source?.readyState !== EventSource.CLOSED) return;
    source = null;
    setTimeout(open, AGAIN_AFTER[Math.min(failures, AGAIN_AFTER.length - 1)]);
    failures += 1;
  });
}

if (address) {
  shownAt = clock();
  open();
  setInterval(() => {
    if (!document.getElementById('over').hidden || Date.now() - heard < SILENT_AFTER) return;
    staleAt.textContent = shownAt;
    stale.hidden = false;
  }, 1_000);
  // A phone that slept has missed what came meanwhile.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible' || !source || Date.now() - heard < SILENT_AFTER) return;
    source.close();
    open();
  });
}
