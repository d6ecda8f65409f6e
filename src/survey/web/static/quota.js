// People of a group that is not needed any more end as soon as they are known to belong to it.
const SurveyQuota = (function () {
  "use strict";

  const NAME = "quota_full";
  function ageOf(values, day) {
    if (typeof values.age === "number") return Math.floor(values.age);
    const born = values.birth_year;
    return typeof born === "number" ? Number(day.slice(0, 4)) - Math.floor(born) : NaN;
  }

  function holds(group, app) {
    const values = app.route.values;
    if (group.youngest !== undefined) {
      const age = ageOf(values, app.day);
      if (!(age >= group.youngest && age <= (group.oldest || Infinity))) return false;
    }
    if (group.gender !== undefined && values.gender !== group.gender) return false;
    return group.item === undefined || values[group.item] === group.answer;
  }

  // The questions that tell whether somebody belongs to the group.
  function asked(group) {
    const names = group.youngest === undefined ? [] : ["age", "birth_year"];
    if (group.gender !== undefined) names.push("gender");
    return group.item === undefined ? names : names.concat(group.item);
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
      items: [{ name: NAME, kind: "note", label, choices: [] }]
    };
  }

  function lastOf(parts, names) {
    return parts.map(function (part) {
      return part.items.some(function (item) { return names.indexOf(item.name) >= 0; });
    }).lastIndexOf(true);
  }

  // Whoever has gone on beyond is not stopped any more: then the server decides at the end.
  function isBeyond(app, later) {
    return later.some(function (part) {
      return (app.state.at && app.state.at.section === part.section.name) ||
        part.items.some(function (item) { return app.route.values[item.name] !== undefined; });
    });
  }

  function cut(app) {
    const route = app.route;
    const parts = route.sections;
    if (route.stop) return;
    const ends = (app.meta.full || []).filter(function (group) {
      return holds(group, app);
    }).map(function (group) {
      return lastOf(parts, asked(group));
    }).filter(function (last) {
      return last >= 0 && last + 1 < parts.length && !isBeyond(app, parts.slice(last + 1));
    });
    if (!ends.length) return;
    route.full = true;
    route.sections = parts.slice(0, Math.min.apply(null, ends) + 1).concat(ending(app));
  }

  return { cut, reason: NAME };
})();
