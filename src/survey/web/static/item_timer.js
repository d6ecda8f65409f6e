// Seconds that each question was in view before it was first answered.
const SurveyItemTimer = (function () {
  "use strict";

  // Only the middle of the screen counts as read.
  const MARGIN = "-12% 0px -12% 0px";

  function create(seconds) {
    const since = {};
    const names = new Map();

    function start(name) {
      if (since[name] === undefined && !document.hidden) since[name] = performance.now();
    }

    function stop(name) {
      if (since[name] === undefined) return;
      seconds[name] = (seconds[name] || 0) + (performance.now() - since[name]) / 1000;
      delete since[name];
    }

    function seen(entries) {
      entries.forEach(function (entry) {
        const name = names.get(entry.target);
        if (name === undefined) return;
        if (entry.isIntersecting) start(name);
        else stop(name);
      });
    }

    const observer = window.IntersectionObserver
      ? new IntersectionObserver(seen, { rootMargin: MARGIN })
      : null;

    function pause() {
      if (document.hidden) {
        Object.keys(since).forEach(stop);
      } else if (observer) {
        // Observing anew reports at once what is in view now.
        names.forEach(function (name, node) {
          observer.unobserve(node);
          observer.observe(node);
        });
      }
    }

    document.addEventListener("visibilitychange", pause);

    return {
      add: function (name, node) {
        names.set(node, name);
        if (observer) observer.observe(node);
        else start(name);
      },
      remove: function (node) {
        const name = names.get(node);
        if (observer) observer.unobserve(node);
        names.delete(node);
        if (name !== undefined) stop(name);
      },
      read: function (name) {
        stop(name);
        start(name);
        return Math.round((seconds[name] || 0) * 10) / 10;
      },
      close: function () {
        document.removeEventListener("visibilitychange", pause);
        if (observer) observer.disconnect();
      }
    };
  }

  return { create };
})();
