// One sheet of paper: its head, its answers and blanks, where the typist is, what is sent of it.
const SurveyPaperSheet = (function () {
  "use strict";

  const SERIAL = /^[0-9A-Z][0-9A-Z-]{0,19}$/;
  const HEAD = ["@point", "@surveyor", "@day"];

  function fresh(language) {
    return Object.assign(SurveyAnswerState.fresh(language), {
      serial: "", round: 1, missing: {}, picks: {}, strokes: 0, begun: null
    });
  }

  // As the server writes it: capital letters, no leading zeros.
  function readSerial(text) {
    const plain = text.trim().toUpperCase();
    const serial = plain.replace(/^0+/, "") || plain.slice(-1);
    return SERIAL.test(serial) ? serial : null;
  }

  function namesIn(ast, names) {
    if (!Array.isArray(ast)) return;
    if (ast[0] === "$") names.push(ast[1]);
    else ast.slice(1).forEach(function (part) { namesIn(part, names); });
  }

  // The questions that the endings depend on: left blank, they leave no interview.
  function decisive(form) {
    const items = {};
    const waiting = [];
    const names = {};
    form.sections.forEach(function (section) {
      section.items.forEach(function (item) { items[item.name] = item; });
      if (section.ends) namesIn(section.relevant, waiting);
    });
    while (waiting.length) {
      const name = waiting.pop();
      if (!names[name] && items[name]) {
        names[name] = true;
        namesIn(items[name].calculation, waiting);
      }
    }
    return names;
  }

  function recompute(app) {
    app.day = dayOf(app);
    app.route = SurveyRouting.walk(app.form, app.state.answers, app.day);
  }

  function dayOf(app) {
    if (app.sides && app.state.picks["@day"] !== undefined) return headOf(app)["@day"];
    return app.batch.interview_on;
  }

  function isOn(app, name) {
    return name.charAt(0) === "@" || Boolean(app.route.visible[name]);
  }

  function problemOf(app, item) {
    const missing = app.state.missing[item.name];
    const kind = SurveyRouting.problem(item, app.route, app.state.raw[item.name]);
    if (kind !== "required" || !missing) return kind;
    return app.decisive[item.name] ? "decisive" : null;
  }

  function isOpen(app, name) {
    if (name.charAt(0) === "@") return Boolean(app.sides && app.sides[name] && !app.state.picks[name]);
    const undecided = app.sides && app.sides[name] && app.state.picks[name] === undefined;
    return isOn(app, name) && Boolean(undecided || problemOf(app, app.items[name]));
  }

  function set(app, name, value, raw) {
    const state = app.state;
    delete state.missing[name];
    if (SurveyRouting.given(value)) state.answers[name] = value;
    else delete state.answers[name];
    if (raw) state.raw[name] = raw;
    else delete state.raw[name];
    changed(app);
  }

  function leaveBlank(app, name) {
    set(app, name, null);
    app.state.missing[name] = true;
    changed(app);
  }

  function changed(app) {
    if (!app.state.begun) app.state.begun = Date.now();
    recompute(app);
    save(app);
  }

  function save(app) {
    app.kept = SurveyBrowserStorage.save(app.draftKey, { sha256: app.form.sha256, state: app.state });
  }

  // Undefined where that typist was not led to the question.
  function sideValue(app, name, number) {
    const value = app.sides[name][number - 1];
    return value && value.absent ? undefined : value;
  }

  // Takes one of the two keyings for a field: the value, the blank, or that it was not asked.
  function pick(app, name, number) {
    app.state.picks[name] = number;
    if (name.charAt(0) === "@") changed(app);
    else if (number === 0) set(app, name, null);
    else if (app.sides[name][number - 1] === null) leaveBlank(app, name);
    else set(app, name, sideValue(app, name, number));
  }

  function headOf(app) {
    const head = {};
    HEAD.forEach(function (name) {
      const number = app.state.picks[name];
      const sides = app.sides && app.sides[name];
      head[name] = sides && number ? sides[number - 1] : app.batch[
        { "@point": "point_id", "@surveyor": "surveyor_id", "@day": "interview_on" }[name]];
    });
    return head;
  }

  function payload(app) {
    const state = app.state;
    const head = headOf(app);
    const missing = Object.keys(state.missing).filter(function (name) { return isOn(app, name); });
    return {
      client_uuid: state.uuid,
      sheet: {
        wave: app.batch.wave, serial: state.serial, round: state.round,
        point_id: head["@point"], surveyor_id: head["@surveyor"], interview_on: head["@day"]
      },
      instrument_sha256: app.form.sha256,
      language: state.language,
      answers: SurveyRouting.answersOnRoute(app.form, state.answers, app.day),
      missing,
      seconds: state.begun ? Math.round((Date.now() - state.begun) / 100) / 10 : null,
      strokes: state.strokes
    };
  }

  return {
    HEAD, fresh, readSerial, decisive, recompute,
    isOn, isOpen, problemOf, set, leaveBlank, pick,
    sideValue, save, payload
  };
})();
