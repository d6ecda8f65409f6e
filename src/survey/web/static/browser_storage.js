// What this browser keeps: open interviews with their pages, finished ones without a receipt, and
// two preferences.
const SurveyBrowserStorage = (function () {
  "use strict";

  const DRAFT = "survey:draft:";
  const OUTBOX = "survey:outbox:";
  const PAGE = "survey:page:";
  const PREFERENCE = "survey:preference:";
  const KEPT_DAYS = 30;
  const memory = {};

  function usable() {
    try {
      window.localStorage.setItem("survey:probe", "1");
      window.localStorage.removeItem("survey:probe");
      return true;
    } catch (refused) {
      return false;
    }
  }

  const persistent = usable();

  function read(key) {
    try {
      const text = memory[key] || (persistent && window.localStorage.getItem(key));
      return text ? JSON.parse(text) : null;
    } catch (broken) {
      return null;
    }
  }

  // False when the browser has no room: then only this page remembers, and the caller says so.
  function write(key, value) {
    const text = JSON.stringify(value);
    delete memory[key];
    try {
      if (persistent) window.localStorage.setItem(key, text);
    } catch (full) {
      memory[key] = text;
    }
    if (!persistent) memory[key] = text;
    return memory[key] === undefined;
  }

  function remove(key) {
    delete memory[key];
    if (persistent) window.localStorage.removeItem(key);
  }

  function keys(prefix) {
    const names = new Set(Object.keys(memory));
    if (persistent) Object.keys(window.localStorage).forEach(function (key) { names.add(key); });
    return Array.from(names).filter(function (name) { return name.indexOf(prefix) === 0; });
  }

  function outbox() {
    return keptFor(OUTBOX).sort(function (a, b) {
      return a.queued < b.queued ? -1 : 1;
    });
  }

  function keptFor(prefix) {
    return keys(prefix).map(read).filter(Boolean);
  }

  function everything() {
    return keys(DRAFT).concat(keys(OUTBOX), keys(PAGE));
  }

  function forgetOld() {
    const oldest = new Date(Date.now() - KEPT_DAYS * 86400000).toISOString();
    everything().forEach(function (key) {
      const entry = read(key);
      if (!entry || !(entry.touched > oldest)) remove(key);
    });
  }

  function stamped(value) {
    return Object.assign({}, value, { touched: new Date().toISOString() });
  }

  return {
    persistent,
    load: function (key) { return read(DRAFT + key); },
    save: function (key, draft) { return write(DRAFT + key, stamped(draft)); },
    drop: function (key) { remove(DRAFT + key); },
    outbox,
    queue: function (entry) { return write(OUTBOX + entry.payload.client_uuid, stamped(entry)); },
    unqueue: function (uuid) { remove(OUTBOX + uuid); },
    isOutbox: function (key) { return key && key.indexOf(OUTBOX) === 0; },
    preference: function (name) { return read(PREFERENCE + name); },
    prefer: function (name, value) { write(PREFERENCE + name, value); },
    forgetOld,
    forgetAll: function () { everything().forEach(remove); },
    keepPage: function (key, page) { write(PAGE + key, stamped(page)); },
    page: function (key) { return read(PAGE + key); },
    pageAt: function (path) {
      return keptFor(PAGE).filter(function (page) { return page.path === path; })[0];
    },
    dropPage: function (key) { remove(PAGE + key); }
  };
})();
