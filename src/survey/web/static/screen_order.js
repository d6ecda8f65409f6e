// The order of screens: whole sections, or one question at a time.
const SurveyScreenOrder = (function () {
  "use strict";

  // Notes stand with the question that follows them.
  function oneByOne(part) {
    const steps = [];
    let items = [];
    part.items.forEach(function (item) {
      items.push(item);
      if (item.kind === "note") return;
      steps.push(items);
      items = [];
    });
    if (items.length || !steps.length) steps.push(items);
    return steps;
  }

  function steps(route, elder) {
    const list = [];
    route.sections.forEach(function (part) {
      const groups = elder ? oneByOne(part) : [part.items];
      groups.forEach(function (items, index) {
        list.push({
          section: part.section, items, index, of: groups.length,
          closes: Boolean(part.section.ends) && index === groups.length - 1
        });
      });
    });
    return list;
  }

  // Whether nothing but the words of parting follows: then the interview is over with this screen.
  function endsAfter(list, index) {
    const rest = list.slice(index + 1);
    return rest.length > 0 && rest.every(function (step) {
      return Boolean(step.section.ends) &&
        step.items.every(function (item) { return item.kind === "note"; });
    });
  }

  function holdsItem(step, name) {
    return step.items.some(function (item) { return item.name === name; });
  }

  // `at` names a section and an item, so that it survives a change of mode, language or route.
  function locate(list, at) {
    for (let index = 0; at && index < list.length; index += 1) {
      const step = list[index];
      const same = at.item ? holdsItem(step, at.item) : step.section.name === at.section;
      if (same) return index;
    }
    for (let index = 0; at && index < list.length; index += 1) {
      if (list[index].section.name === at.section) return index;
    }
    return 0;
  }

  function placeOf(step) {
    const question = step.items.filter(function (item) { return item.kind !== "note"; })[0];
    const first = question || step.items[0];
    return { section: step.section.name, item: first ? first.name : null };
  }

  // The share of the way behind this step, by sections, so that skipped ones never look missing.
  function progress(form, step) {
    const way = form.sections.filter(function (section) { return !section.ends; });
    const at = way.indexOf(step.section);
    return at < 0 ? null : (at + step.index / step.of) / way.length;
  }

  function isLastSection(form, step) {
    const way = form.sections.filter(function (section) { return !section.ends; });
    return way[way.length - 1] === step.section;
  }

  return {
    steps, endsAfter, locate, placeOf, progress,
    isLastSection
  };
})();
