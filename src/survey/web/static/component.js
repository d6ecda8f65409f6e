// The form inside the surveyor's Streamlit page. Streamlit calls this at every run of the page;
// the form is mounted once and told what has been received since.
const mounts = new WeakMap();
const RECEIPT_PATIENCE = 20000;
const DARK_BELOW = 128;

function isDark(element) {
  const colour = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(colour);
  if (!hex) return false;
  const parts = hex.slice(1).map(function (part) { return parseInt(part, 16); });
  return parts[0] * 0.3 + parts[1] * 0.59 + parts[2] * 0.11 < DARK_BELOW;
}

// Hands a payload to the page and resolves when the page names its UUID among the outcomes.
function transportOf(mount) {
  return function (payload) {
    const uuid = payload.client_uuid;
    return new Promise(function (resolve) {
      const timer = setTimeout(function () { answered({ outcome: "retry" }); }, RECEIPT_PATIENCE);
      function answered(outcome) {
        clearTimeout(timer);
        delete mount.waiting[uuid];
        resolve(outcome);
      }
      mount.waiting[uuid] = answered;
      mount.trigger("submitted", payload);
    });
  };
}

function tellOutcomes(mount, outcomes) {
  outcomes.forEach(function (each) {
    const answered = mount.waiting[each.client_uuid];
    if (answered) answered(SurveySender.outcomeOf(each.status, each.body));
  });
}

function fetchForm(mount, data) {
  fetch(data.form_url).then(function (response) {
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  }).then(function (form) {
    if (!mount.closed) show(mount, data, form);
  }).catch(function () {
    if (!mount.closed) mount.timer = setTimeout(function () { fetchForm(mount, data); }, 3000);
  });
}

function show(mount, data, form) {
  mount.handle = SurveyForm.mount(mount.root, {
    form: form, texts: data.texts, meta: data.meta, draftKey: data.draft_key,
    language: data.language, elder: data.elder, heading: "h2", send: transportOf(mount),
    scheme: isDark(mount.root) ? "dark" : "light"
  });
}

function start(component) {
  const mount = {
    key: component.data.mount_key, waiting: {}, closed: false,
    root: SurveyDom.h("div", {}), trigger: component.setTriggerValue
  };
  component.parentElement.appendChild(mount.root);
  fetchForm(mount, component.data);
  return mount;
}

function stop(parent) {
  const mount = mounts.get(parent);
  if (!mount) return;
  mount.closed = true;
  clearTimeout(mount.timer);
  if (mount.handle) mount.handle.unmount();
  parent.removeChild(mount.root);
  mounts.delete(parent);
}

export default function (component) {
  const parent = component.parentElement;
  const present = mounts.get(parent);
  if (!present || present.key !== component.data.mount_key) {
    stop(parent);
    mounts.set(parent, start(component));
  }
  const mount = mounts.get(parent);
  mount.trigger = component.setTriggerValue;
  tellOutcomes(mount, component.data.outcomes);
  return function () { stop(parent); };
}
