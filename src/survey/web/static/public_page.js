// Starts the bare page: reads what the server wrote into it and mounts the form.
const SurveyPublicPage = (function () {
  "use strict";

  const FIRST_WAIT = 1500;
  const LONGEST_WAIT = 20000;

  function bootData() {
    const node = document.getElementById("boot");
    return node ? JSON.parse(node.textContent) : {};
  }

  function fetchForm(url) {
    return fetch(url).then(function (response) {
      if (!response.ok) throw new Error(String(response.status));
      return response.json();
    });
  }

  // A dead network at the very start is waited out, with words and a button.
  function loadForm(boot, root, attempt) {
    return fetchForm(boot.form_url).catch(function () {
      const words = root.querySelector("[data-loading]");
      if (words) words.textContent = boot.waiting;
      return new Promise(function (resolve) {
        const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * Math.pow(2, attempt));
        setTimeout(resolve, wait * (0.5 + Math.random() / 2));
        window.addEventListener("online", resolve, { once: true });
      }).then(function () { return loadForm(boot, root, attempt + 1); });
    });
  }

  function follow(app) {
    document.documentElement.lang = app.htmlLanguage(app.state.language);
    document.title = app.text(app.form.title);
  }

  // The phone's own back button leads to the screen before, as people expect.
  function remember(device, at, forward) {
    const state = { at, device };
    if (forward) window.history.pushState(state, "");
    else window.history.replaceState(state, "");
  }

  function followHistory(handle) {
    window.addEventListener("popstate", function (event) {
      const at = event.state ? event.state.at : null;
      if (!handle.jump(at) && at) window.history.back();
    });
  }

  function tellDevice(device, page) {
    const body = JSON.stringify({ device, page });
    return fetch(window.location.pathname, { method: "POST", body });
  }

  // The link is this device's from now on; the page of another one is asked for again and refused.
  function bindDevice(boot) {
    remember(boot.device, (window.history.state || {}).at, false);
    SurveyBrowserStorage.keepPage(boot.draft_key, { path: window.location.pathname, boot });
    tellDevice(boot.device, false).then(function (answer) {
      if (answer.status === 409) window.location.reload();
    }).catch(function () {});
  }

  // So that a reload without a network finds the form; browsers without it keep the page open.
  function keepOffline(boot, form) {
    const pictures = JSON.stringify(form).match(/\/form\/\w+\.jpg/g) || [];
    const worker = window.navigator.serviceWorker;
    if (!worker || !window.caches) return;
    worker.register("/q/worker.js").then(function () {
      return window.caches.open("survey-questionnaires");
    }).then(function (cache) {
      return cache.add(boot.form_url).then(function () {
        return cache.addAll(Array.from(new Set(pictures)));
      });
    }).catch(function () {});
  }

  function startForm(boot, root) {
    bindDevice(boot);
    loadForm(boot, root, 0).then(function (form) {
      SurveyDom.clear(root);
      followHistory(SurveyForm.mount(root, {
        form, texts: boot.texts, meta: boot.meta, draftKey: boot.draft_key,
        language: boot.language, send: SurveyOutbox.post(boot.submit_url), wholePage: true,
        onMove: function (at, forward) { remember(boot.device, at, forward); }, onDraw: follow
      }));
      keepOffline(boot, form);
    });
  }

  // Begins what the server asked for, if it is among `starts`.
  function run(starts) {
    const boot = bootData();
    const root = document.getElementById("survey");
    if (root && starts[boot.kind]) starts[boot.kind](boot, root);
  }

  run({ form: startForm });

  return { run, startForm, tellDevice };
})();
