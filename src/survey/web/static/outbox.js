// Sends finished interviews until each has a receipt: back-off with jitter, at once when online.
const SurveyOutbox = (function () {
  "use strict";

  const FIRST_WAIT = 2000;
  const LONGEST_WAIT = 60000;
  const PATIENCE = 20000;
  // Browsers let at most 64 kB outlive the page; a character may take three bytes.
  const KEEPALIVE_LIMIT = 20000;

  function waitFor(attempt) {
    const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * Math.pow(2, attempt));
    return ceiling * (0.5 + Math.random() / 2);
  }

  function waiting(entry) {
    return !entry.problems && !entry.refused;
  }

  function retry(after) {
    return { outcome: "retry", after };
  }

  // What an HTTP status and its JSON mean for the interview that was sent.
  function outcomeOf(status, body) {
    if (status === 200) return { outcome: "receipt", receipt: body };
    if (body.problems) return { outcome: "problems", problems: body.problems };
    if (status >= 500 || status === 401 || status === 408) return retry();
    return { outcome: "refused", code: body.code, message: body.message };
  }

  function read(response) {
    if (response.status === 429) return retry(Number(response.headers.get("Retry-After")) * 1000);
    return response.json().then(function (body) { return outcomeOf(response.status, body); });
  }

  // The transport of the public page: a function from payload to the promise of an outcome.
  function post(url) {
    return function (payload) {
      const body = JSON.stringify(payload);
      const controller = window.AbortController ? new AbortController() : null;
      const timer = controller && setTimeout(function () { controller.abort(); }, PATIENCE);
      return fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        credentials: "same-origin",
        keepalive: body.length < KEEPALIVE_LIMIT,
        signal: controller ? controller.signal : undefined,
        body
      }).then(read).catch(function () { return retry(); }).then(function (outcome) {
        clearTimeout(timer);
        return outcome;
      });
    };
  }

  // What came of an entry is written before the entry goes: other open pages of this device share
  // the outbox, and hear of it by that.
  function settle(entry, result) {
    if (result.outcome === "retry") return false;
    SurveyBrowserStorage.queue(Object.assign({}, entry, {
      result,
      problems: result.problems,
      refused: result.outcome === "refused" && result
    }));
    if (result.outcome === "receipt") {
      SurveyBrowserStorage.unqueue(entry.payload.client_uuid);
      SurveyBrowserStorage.dropPage(entry.key);
    }
    return true;
  }

  // Calls `onOutcome(entry, result)` for every answer, `onChange()` at every change of state;
  // also for what another page of this device sent.
  function create(transport, onOutcome, onChange) {
    let attempt = 0;
    let timer = null;
    let busy = false;
    let closed = false;

    function pending() {
      return SurveyBrowserStorage.outbox().filter(waiting);
    }

    function later(after) {
      clearTimeout(timer);
      timer = setTimeout(flush, after > 0 ? after : waitFor(attempt));
      attempt += 1;
    }

    function finish(again, after) {
      busy = false;
      if (again) later(after);
      onChange();
    }

    function sendNext(entries) {
      if (closed) return;
      if (!entries.length) {
        attempt = 0;
        finish(false);
        return;
      }
      const entry = entries[0];
      transport(entry.payload).then(function (result) {
        const done = settle(entry, result);
        onOutcome(entry, result);
        if (done) sendNext(entries.slice(1));
        else finish(true, result.after);
      });
    }

    function flush() {
      if (busy || closed) return;
      const entries = pending();
      if (!entries.length) return;
      clearTimeout(timer);
      busy = true;
      onChange();
      sendNext(entries);
    }

    function wake() {
      if (document.visibilityState !== "hidden") flush();
    }

    // Another page of this device wrote an entry or removed one.
    function hear(event) {
      if (!SurveyBrowserStorage.isOutbox(event.key)) return;
      const entry = JSON.parse(event.newValue);
      if (entry && entry.result) onOutcome(entry, entry.result);
      onChange();
    }

    window.addEventListener("storage", hear);
    window.addEventListener("online", wake);
    document.addEventListener("visibilitychange", wake);

    return {
      flush,
      pending: function () { return pending().length; },
      busy: function () { return busy; },
      close: function () {
        closed = true;
        clearTimeout(timer);
        window.removeEventListener("storage", hear);
        window.removeEventListener("online", wake);
        document.removeEventListener("visibilitychange", wake);
      }
    };
  }

  return { create, post, outcomeOf };
})();
