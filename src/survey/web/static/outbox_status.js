// What became of the sheets before: waiting, taken, refused and to be looked at again.
const SurveyOutboxStatus = (function () {
  "use strict";

  const h = SurveyDom.h;

  function troubled(app) {
    return SurveyBrowserStorage.outbox().filter(function (entry) {
      return entry.key === app.draftKey && (entry.problems || entry.refused);
    });
  }

  function troubleWords(app, entry) {
    const serial = entry.state.serial;
    if (entry.problems) return app.t("paper_trouble_problems", { serial });
    return app.t("paper_trouble", { serial, reason: entry.refused.message });
  }

  function showNews(app) {
    const waiting = app.sender.pending();
    const parts = troubled(app).map(function (entry) {
      return h("p", { class: "sp-trouble", text: troubleWords(app, entry) });
    });
    if (waiting) {
      parts.push(h("p", {
        text: app.t(waiting === 1 ? "pending_one" : "pending_many", { count: waiting })
      }));
    } else if (app.news) {
      parts.push(h("p", { class: "sp-news", text: app.news }));
    }
    if (!app.kept) parts.push(h("p", { class: "sp-trouble", text: app.t("not_kept") }));
    SurveyDom.clear(app.parts.news);
    parts.forEach(function (part) { app.parts.news.appendChild(part); });
  }

  return { troubled, showNews };
})();
