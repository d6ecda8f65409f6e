// A form inside a Streamlit page, mounted once and kept through later runs of the page. The script
// that follows defines `show(mount, form)`, which draws, and `follow(mount)`, called at every run.
const mounts = new WeakMap();
const RETRY_FORM = 3000;
const DARK_BELOW = 128;

function isDark(element) {
  const colour = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(colour);
  if (!hex) return false;
  const parts = hex.slice(1).map(function (part) { return parseInt(part, 16); });
  return parts[0] * 0.3 + parts[1] * 0.59 + parts[2] * 0.11 < DARK_BELOW;
}

// Language of the questionnaire -> words of ours closest to it.
function textsFor(data) {
  const texts = {};
  Object.keys(data.screen_languages).forEach(function (code) {
    texts[code] = SCREEN_TEXTS[data.screen_languages[code]];
  });
  return texts;
}

function fetchForm(mount) {
  // A form that is not stored comes with the page.
  if (mount.component.data.form) {
    show(mount, mount.component.data.form);
    return;
  }
  fetch(mount.component.data.form_url).then(function (response) {
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  }).then(function (form) {
    if (!mount.closed) show(mount, form);
  }).catch(function () {
    if (!mount.closed) mount.timer = setTimeout(function () { fetchForm(mount); }, RETRY_FORM);
  });
}

// Without its server Streamlit lays a message over the page, and the form could not be used under
// it; the form works on and says itself what is not sent yet.
function uncover(mount) {
  const host = mount.component.parentElement.getRootNode().host || mount.component.parentElement;
  const app = document.querySelector("[data-test-connection-state]");
  if (!host.closest("[inert]") || !app) return;
  if (app.getAttribute("data-test-connection-state") === "CONNECTED") return;
  /** @type {HTMLElement} */
  const close = document.querySelector("[role=dialog] button");
  if (close) close.click();
}

function start(component) {
  /** @type {Record<string, any>} */
  const mount = { component, waiting: {}, closed: false, root: SurveyDom.h("div", {}) };
  component.parentElement.appendChild(mount.root);
  mounts.set(component.parentElement, mount);
  mount.observer = new MutationObserver(function () { uncover(mount); });
  mount.observer.observe(document.documentElement, {
    attributes: true, attributeFilter: ["inert"], subtree: true
  });
  fetchForm(mount);
  return mount;
}

export function stop(parent) {
  const mount = mounts.get(parent);
  if (!mount) return;
  mount.closed = true;
  clearTimeout(mount.timer);
  mount.observer.disconnect();
  if (mount.handle) mount.handle.unmount();
  if (mount.root.parentNode) mount.root.parentNode.removeChild(mount.root);
  mounts.delete(parent);
}

// Another interview or another look is a new mount; anything else only brings news.
function isSame(mount, data) {
  const before = mount.component.data;
  return ["form_url", "draft_key", "language", "elder"].every(function (name) {
    return before[name] === data[name];
  });
}

export function run(component) {
  let mount = mounts.get(component.parentElement);
  if (mount && !isSame(mount, component.data)) {
    stop(component.parentElement);
    mount = null;
  }
  if (!mount) mount = start(component);
  mount.component = component;
  follow(mount);
}
