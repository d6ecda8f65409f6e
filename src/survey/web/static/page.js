// Starts the bare page: reads what the server wrote into it and mounts the form, or signs out.
(function () {
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
  function remember(at, forward) {
    if (forward) window.history.pushState({ at: at }, "");
    else window.history.replaceState({ at: at }, "");
  }

  function followHistory(handle) {
    window.addEventListener("popstate", function (event) {
      const at = event.state ? event.state.at : null;
      if (!handle.jump(at) && at) window.history.back();
    });
  }

  function startForm(boot, root) {
    loadForm(boot, root, 0).then(function (form) {
      SurveyDom.clear(root);
      followHistory(SurveyForm.mount(root, {
        form: form, texts: boot.texts, meta: boot.meta, draftKey: boot.draft_key,
        language: boot.language, send: SurveySender.post(boot.submit_url), wholePage: true,
        onMove: remember, onDraw: follow
      }));
    });
  }

  function signOut() {
    SurveyDrafts.forgetAll();
    document.getElementById("sign-out").submit();
  }

  // Nothing unsent: leave at once. Otherwise try to send, show how many remain, and let people choose.
  function startSignOut(boot, root) {
    const line = root.querySelector("[data-pending]");
    const sender = SurveySender.create(SurveySender.post(boot.submit_url), function () {}, show);
    function show() {
      const count = sender.pending();
      line.textContent = count ? boot.pending.replace("{count}", count) : "";
      if (!count) signOut();
    }
    root.querySelector("form").addEventListener("submit", function () {
      SurveyDrafts.forgetAll();
    });
    show();
    sender.flush();
  }

  // A finished interview whose receipt was lost is asked for again before its draft is let go.
  function startNotice(boot, root) {
    const sender = SurveySender.create(SurveySender.post(boot.submit_url), function () {}, show);
    function show() {
      const old = root.querySelector("[data-pending]");
      const count = sender.pending();
      old.textContent = count ? boot.pending.replace("{count}", count) : "";
    }
    show();
    sender.flush();
  }

  const starts = { form: startForm, sign_out: startSignOut, notice: startNotice };
  const boot = bootData();
  const root = document.getElementById("survey");
  if (root && starts[boot.kind]) starts[boot.kind](boot, root);
})();
