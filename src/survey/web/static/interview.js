// One interview: its answers, where it stands, what is wrong with it, and what is sent of it.
const SurveyInterview = (function () {
  "use strict";

  function recompute(app) {
    app.day = SurveyRouting.dayOf(app.state.started);
    app.route = SurveyRouting.walk(app.form, app.state.answers, app.day);
    SurveyQuota.cut(app);
    app.steps = SurveyScreenOrder.steps(app.route, app.elder);
  }

  function stepIndex(app) {
    return SurveyScreenOrder.locate(app.steps, app.state.at);
  }

  function currentStep(app) {
    return app.steps[stepIndex(app)];
  }

  // A refusal or a screen-out is handed over when it happens. Who is not needed for a full quota
  // is told so first: the server may have room again.
  function endsHere(app) {
    return !app.route.full && SurveyScreenOrder.endsAfter(app.steps, stepIndex(app));
  }

  function isOpen(app, item) {
    return item.kind !== "note" && !SurveyRouting.given(app.state.answers[item.name]) &&
      !app.state.raw[item.name];
  }

  function save(app) {
    app.kept = SurveyBrowserStorage.save(app.draftKey, { sha256: app.form.sha256, state: app.state });
  }

  function markStarted(app) {
    if (!app.state.started) app.state.started = new Date().toISOString();
  }

  function findProblem(app, item) {
    const kind = SurveyRouting.problem(item, app.route, app.state.raw[item.name]);
    return kind ? SurveyTexts.problem(app, item, kind) : null;
  }

  function findProblems(app, items) {
    return items.filter(function (item) {
      const words = findProblem(app, item);
      if (words) app.problems[item.name] = words;
      else delete app.problems[item.name];
      return Boolean(words);
    });
  }

  // Without the guardian's consent not even this device keeps what was said about a child.
  function forgetChild(app) {
    Object.keys(app.items).forEach(function (name) {
      const about = app.items[name].privacy === "about_child";
      if (about && !app.route.visible[name]) delete app.state.answers[name];
    });
  }

  // What an earlier answer no longer offers is taken back.
  function forgetUnoffered(app) {
    const answers = app.state.answers;
    Object.keys(app.route.broken).forEach(function (name) {
      if (app.route.broken[name] !== "choice") return;
      const kept = [].concat(answers[name]).filter(function (each) {
        return app.route.offered[name].indexOf(each) >= 0;
      });
      if (kept.length) answers[name] = kept;
      else delete answers[name];
      recompute(app);
    });
  }

  function setAnswer(app, item, value, raw) {
    const state = app.state;
    const given = SurveyRouting.given(value);
    markStarted(app);
    if (given) state.answers[item.name] = value;
    else delete state.answers[item.name];
    if (raw) state.raw[item.name] = raw;
    else delete state.raw[item.name];
    if (given && state.timings[item.name] === undefined) {
      state.timings[item.name] = app.watch.read(item.name);
    }
    recompute(app);
    forgetUnoffered(app);
    if (item.privacy) forgetChild(app);
    if (app.problems[item.name]) findProblems(app, [item]);
    save(app);
  }

  function payloadOf(app) {
    const state = app.state;
    // A venue withdraws nothing: it is heard instead.
    if (!app.form.unit) state.code = state.code || SurveyWithdrawalCode.draw();
    const answers = SurveyRouting.answersOnRoute(app.form, state.answers, app.day);
    const timings = {};
    Object.keys(answers).forEach(function (name) {
      if (state.timings[name] !== undefined) timings[name] = state.timings[name];
    });
    return Object.assign({
      client_uuid: state.uuid,
      withdrawal_code: state.code,
      instrument_sha256: app.form.sha256,
      language: state.language,
      answers,
      timings,
      started_at: state.started,
      finished_at: new Date().toISOString()
    }, app.route.full ? { stopped: SurveyQuota.reason } : {}, app.meta.submission);
  }

  return {
    recompute, stepIndex, step: currentStep, endsHere,
    isOpen, save, markStarted, setAnswer,
    findProblem, findProblems, payload: payloadOf
  };
})();
