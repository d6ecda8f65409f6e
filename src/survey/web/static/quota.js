// People of an age and gender that are not needed any more end before the long part begins.
const SurveyQuota = (function () {
  "use strict";

  const NAME = "quota_full";
  const ASKED = ["age", "birth_year", "gender"];

  function ageOf(values, day) {
    if (typeof values.age === "number") return Math.floor(values.age);
    const born = values.birth_year;
    return typeof born === "number" ? Number(day.slice(0, 4)) - Math.floor(born) : NaN;
  }

  function isFull(app) {
    const values = app.route.values;
    const age = ageOf(values, app.day);
    return (app.meta.full || []).some(function (cell) {
      return cell[2] === values.gender && age >= cell[0] && age <= (cell[1] || Infinity);
    });
  }

  function inEveryLanguage(app, key) {
    const labels = {};
    Object.keys(app.texts).forEach(function (code) { labels[code] = app.texts[code][key]; });
    return labels;
  }

  function ending(app) {
    const label = inEveryLanguage(app, "quota_text");
    return {
      section: { name: NAME, title: inEveryLanguage(app, "quota_title"), ends: NAME },
      items: [{ name: NAME, kind: "note", label: label, choices: [] }]
    };
  }

  function asks(part) {
    return part.items.some(function (item) { return ASKED.indexOf(item.name) >= 0; });
  }

  // Whoever has gone on beyond is not stopped any more: then the server decides at the end.
  function cut(app) {
    const route = app.route;
    const parts = route.sections;
    const last = parts.map(asks).lastIndexOf(true);
    if (route.stop || last < 0 || !isFull(app)) return;
    const later = parts.slice(last + 1);
    const beyond = later.some(function (part) {
      return (app.state.at && app.state.at.section === part.section.name) ||
        part.items.some(function (item) { return route.values[item.name] !== undefined; });
    });
    if (beyond || !later.length) return;
    route.full = true;
    route.sections = parts.slice(0, last + 1).concat(ending(app));
  }

  return { cut: cut, reason: NAME };
})();
