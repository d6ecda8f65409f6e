// Who is asked what: relevance, calculations and problems, from the form and the answers alone.
const SurveyRouting = (function () {
  "use strict";

  const BEIJING_OFFSET = 8 * 3600 * 1000;
  const CHILD_UNTIL = 14;

  // `today()` is the day in China on which the interview began, here as on the server.
  function dayOf(started) {
    const moment = started ? Date.parse(started) : Date.now();
    return new Date(moment + BEIJING_OFFSET).toISOString().slice(0, 10);
  }

  function holds(ast, values, self, day) {
    return ast === undefined ||
      SurveyExpressions.truth(SurveyExpressions.evaluate(ast, values, self, day));
  }

  function given(value) {
    return value !== undefined && value !== null && value !== "" &&
      !(Array.isArray(value) && value.length === 0);
  }

  // The defaults that the form leaves out.
  function prepare(form) {
    form.sections.forEach(function (section) {
      section.items = section.items || [];
      section.items.forEach(function (item) {
        item.choices = item.choices || [];
        item.specials = item.specials || [];
        item.special_labels = item.special_labels || {};
        if (item.privacy === "guardian_consent") form.consentItem = item.name;
        if (item.privacy === "child_age") form.ageItem = item.name;
      });
    });
    return form;
  }

  // Walks the form once in its order; what is off the route is absent for everything after it.
  function walk(form, answers, day) {
    const consent = answers[form.consentItem];
    /** @type {Record<string, any>} */
    const route = { values: {}, visible: {}, broken: {}, offered: {}, sections: [], stop: null };
    route.refused = given(consent) && consent !== "yes";
    form.sections.forEach(function (section) {
      if (route.stop || !holds(section.relevant, route.values, null, day)) return;
      const items = section.items.filter(function (item) {
        return visit(item, answers, route, day);
      });
      if (items.length || section.ends) route.sections.push({ section, items });
      if (section.ends) route.stop = section;
    });
    // Without the guardian's consent the age of a child under 14 is neither sent nor kept.
    const age = form.ageItem;
    if (route.refused && !route.broken[age] && !(route.child >= CHILD_UNTIL)) {
      delete route.values[age];
    }
    return route;
  }

  function isSpecial(item, value) {
    return typeof value === "string" && item.specials.indexOf(value) >= 0;
  }

  // The names that the filter of a question offers; undefined without a filter.
  function offeredBy(item, values, day) {
    return item.choice_filter && item.choices.filter(function (choice) {
      return choice.columns.some(function (row) {
        const columns = Object.assign({}, row, { name: choice.name });
        return holds(item.choice_filter, values, columns, day);
      });
    }).map(function (choice) { return choice.name; });
  }

  // Why an answer is none at all, and nothing that follows may read it.
  function refusal(item, answer, offered) {
    if (offered && ![].concat(answer).every(function (name) { return offered.indexOf(name) >= 0; })) {
      return "choice";
    }
    const whole = item.kind !== "rank" || Array.isArray(answer) &&
      answer.length === item.choices.length &&
      item.choices.every(function (choice) { return answer.indexOf(choice.name) >= 0; });
    return whole ? null : "rank";
  }

  // Takes one item onto the route; true when there is something to show.
  function visit(item, answers, route, day) {
    if (item.privacy === "about_child" && !(route.child >= CHILD_UNTIL || route.agreed)) return false;
    const asked = item.privacy === "guardian_consent" && route.withheld;
    if (!asked && !holds(item.relevant, route.values, null, day)) return false;
    if (item.kind === "calculate") {
      const result = SurveyExpressions.evaluate(item.calculation, route.values, null, day);
      const missing = typeof result === "number" && !isFinite(result);
      if (given(result) && !missing) route.values[item.name] = result;
      return false;
    }
    const offered = offeredBy(item, route.values, day);
    if (offered && !offered.length && !item.specials.length) return false;
    const answer = typeof answers[item.name] === "string" ? answers[item.name].trim()
      : answers[item.name];
    route.visible[item.name] = true;
    route.offered[item.name] = offered;
    const refused = given(answer) && !isSpecial(item, answer) && refusal(item, answer, offered);
    if (refused) {
      route.broken[item.name] = refused;
    } else if (given(answer)) {
      route.values[item.name] = answer;
      if (item.privacy === "child_age") route.child = answer;
      if (item.privacy === "guardian_consent") route.agreed = answer === "yes";
      const fine = isSpecial(item, answer) || holds(item.constraint, route.values, answer, day);
      if (!fine) route.broken[item.name] = "constraint";
    } else if (item.privacy === "child_age") route.withheld = route.refused;
    return true;
  }

  function outOfRange(item, value) {
    return value < item.min || value > item.max;
  }

  // What is wrong with one answer: null, or which kind of problem it is.
  function problem(item, route, raw) {
    if (raw) return item.kind === "integer" || item.kind === "rank" ? item.kind : "number";
    const value = route.values[item.name];
    const broken = route.broken[item.name];
    if (broken && broken !== "constraint") return broken;
    if (!given(value)) {
      // A refused child's age is not kept, so a corrected interview comes without it.
      const excused = item.kind === "note" || (item.privacy === "child_age" && route.refused);
      return item.required && !excused ? "required" : null;
    }
    if (isSpecial(item, value)) return null;
    if (typeof value === "number" && outOfRange(item, value)) return "range";
    return broken || null;
  }

  // The answers to send: those on the route, calculations left to the server.
  function answersOnRoute(form, answers, day) {
    const route = walk(form, answers, day);
    const kept = {};
    Object.keys(route.visible).forEach(function (name) {
      if (route.values[name] !== undefined) kept[name] = route.values[name];
    });
    return kept;
  }

  return {
    prepare, dayOf, walk, problem, given,
    answersOnRoute
  };
})();
