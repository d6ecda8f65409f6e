// The interview: holds the answers, moves from screen to screen, and hands over what is finished.
const SurveyForm = (function () {
  "use strict";

  let mounted = 0;

  function isLanguage(form, code) {
    return form.languages.some(function (each) { return each.code === code; });
  }

  // Moving

  function moveTo(app, step) {
    SurveySpeech.stop();
    app.state.at = SurveyFlow.placeOf(step);
    app.resumed = false;
    app.asking = null;
    SurveyInterview.save(app);
    SurveyDrawing.fromTop(app);
  }

  function tellMove(app, forward) {
    if (app.onMove) app.onMove(app.state.at, forward);
  }

  function showProblems(app, names) {
    SurveyDrawing.refresh(app);
    SurveyDrawing.announce(app, app.t("problems_count", { count: names.length }));
    SurveyDrawing.focusOn(app, names[0]);
  }

  function next(app) {
    SurveyInterview.begun(app);
    SurveyInterview.recompute(app);
    const step = SurveyInterview.step(app);
    const wrong = SurveyInterview.findProblems(app, step.items);
    if (wrong.length) {
      showProblems(app, wrong.map(function (item) { return item.name; }));
      return;
    }
    const following = app.steps[SurveyInterview.stepIndex(app) + 1];
    if (step.closes || !following || SurveyInterview.endsHere(app)) {
      finish(app);
    } else {
      moveTo(app, following);
      tellMove(app, true);
    }
  }

  function back(app) {
    const index = SurveyInterview.stepIndex(app);
    if (index === 0) return;
    moveTo(app, app.steps[index - 1]);
    tellMove(app, false);
  }

  // Jumps (the browser's own back and forward): never past a screen that still has a problem.
  // False when the screen is the one that is shown already.
  function jump(app, at) {
    if (app.screen !== "filling") return true;
    SurveyInterview.recompute(app);
    const wanted = SurveyFlow.locate(app.steps, at);
    const open = app.steps.slice(0, wanted).filter(function (step) {
      return step.items.some(function (item) { return SurveyInterview.findProblem(app, item); });
    })[0];
    const target = open || app.steps[wanted];
    if (target === SurveyInterview.step(app)) return false;
    moveTo(app, target);
    return true;
  }

  function reveal(app, names) {
    const target = app.steps.filter(function (step) {
      return step.items.some(function (item) { return names.indexOf(item.name) >= 0; });
    })[0];
    if (target) app.state.at = SurveyFlow.placeOf(target);
    app.screen = "filling";
    SurveyInterview.save(app);
    SurveyDrawing.all(app);
    const visible = names.filter(function (name) { return app.questions[name]; });
    showProblems(app, visible.length ? visible : names);
  }

  // Answering

  function answer(app, item, value, raw) {
    SurveyInterview.setAnswer(app, item, value, raw);
    SurveyDrawing.refresh(app);
  }

  // On leaving a typed field: say what is wrong with what stands there, not that nothing does.
  function check(app, item) {
    if (app.screen !== "filling" || !app.questions[item.name]) return;
    if (SurveyInterview.isOpen(app, item)) return;
    SurveyInterview.recompute(app);
    SurveyInterview.findProblems(app, [item]);
    app.questions[item.name].update();
    if (app.problems[item.name]) SurveyDrawing.announce(app, app.problems[item.name]);
  }

  // Handing over

  function finish(app) {
    SurveyInterview.recompute(app);
    const items = [].concat.apply([], app.steps.map(function (step) { return step.items; }));
    const wrong = SurveyInterview.findProblems(app, items);
    if (wrong.length) {
      reveal(app, wrong.map(function (item) { return item.name; }));
      return;
    }
    SurveySpeech.stop();
    SurveyDrafts.queue({
      key: app.draftKey,
      queued: new Date().toISOString(),
      state: app.state,
      payload: SurveyInterview.payload(app)
    });
    SurveyDrafts.drop(app.draftKey);
    app.screen = "sending";
    app.sender.flush();
    SurveyDrawing.fromTop(app);
    if (app.onFinish) app.onFinish(app.state.uuid);
  }

  function reopen(app, entry, problems) {
    app.state = entry.state;
    SurveyDrafts.unqueue(entry.payload.client_uuid);
    app.problems = {};
    // Ended early for a quota that has room again: nothing is wrong, the questions simply go on.
    if (entry.payload.stopped) app.meta.full = [];
    else problems.forEach(function (each) { app.problems[each.item] = each.message; });
    SurveyInterview.recompute(app);
    reveal(app, problems.map(function (each) { return each.item; }));
  }

  function onOutcome(app, entry, result) {
    const uuid = entry.payload.client_uuid;
    if (result.outcome === "receipt" && app.onReceipt) app.onReceipt(result.receipt, uuid);
    if (app.screen !== "sending" || uuid !== app.state.uuid) return;
    if (result.outcome === "problems") {
      reopen(app, entry, result.problems);
    } else if (result.outcome !== "retry") {
      if (result.outcome === "receipt" && !app.meta.next) SurveyDrafts.keepPage("code", { code: app.state.code });
      app.receipt = result.receipt;
      app.refusal = result;
      app.screen = result.outcome === "receipt" ? "received" : "refused";
      SurveyDrawing.fromTop(app);
    }
  }

  function onSenderChange(app) {
    if (app.closed) return;
    if (app.screen === "sending") SurveyDrawing.closing(app);
    SurveyDrawing.lines(app);
  }

  // Starting

  function begin(app) {
    SurveyDrafts.drop(app.draftKey);
    app.meta.full = app.newlyFull || app.meta.full;
    app.state = SurveyInterview.fresh(app.startLanguage);
    app.problems = {};
    app.screen = "filling";
    app.resumed = false;
    app.asking = null;
    SurveyDrawing.fromTop(app);
  }

  function askToForget(app, then) {
    app.asking = then;
    SurveyDrawing.lines(app);
    const dialog = app.parts.lines.querySelector("[role=alertdialog]");
    dialog.querySelector("button").focus();
    dialog.scrollIntoView({ block: "center" });
  }

  function forget(app) {
    const then = app.asking;
    begin(app);
    if (then === "begin") return;
    SurveyDrafts.dropPage(app.draftKey);
    app.screen = "forgotten";
    SurveyDrawing.fromTop(app);
  }

  function keep(app) {
    app.asking = null;
    SurveyDrawing.lines(app);
    app.parts.title.focus();
  }

  function outboxEntry(app) {
    return SurveyDrafts.outbox().filter(function (entry) {
      return entry.key === app.draftKey;
    })[0];
  }

  // What this browser already holds of the interview decides where it starts.
  function resume(app) {
    const draft = SurveyDrafts.load(app.draftKey);
    const entry = outboxEntry(app);
    if (draft) {
      app.state = draft.state;
      app.resumed = true;
      SurveyDrawing.fromTop(app);
    } else if (entry && entry.problems) {
      reopen(app, entry, entry.problems);
    } else if (entry && !app.meta.next) {
      app.state = entry.state;
      app.refusal = entry.refused;
      app.screen = entry.refused ? "refused" : "sending";
      SurveyDrawing.all(app);
    } else {
      SurveyDrawing.all(app);
    }
  }

  function bind(app) {
    app.t = function (key, params) {
      return SurveyWords.translate(app, key, params);
    };
    app.label = function (labels) { return SurveyWords.label(app, labels); };
    app.text = function (labels) { return SurveyWords.text(app, labels); };
    app.answer = function (item, value, raw) { answer(app, item, value, raw); };
    app.check = function (item) { check(app, item); };
    app.focusOn = function (name) { SurveyDrawing.focusOn(app, name); };
    app.next = function () { next(app); };
    app.back = function () { back(app); };
    app.begin = function () { begin(app); };
    app.askToForget = function (then) { askToForget(app, then); };
    app.forget = function () { forget(app); };
    app.keep = function () { keep(app); };
    app.htmlLanguage = SurveyWords.htmlLanguage;
    app.setLanguage = function (code) {
      app.state.language = code;
      app.problems = {};
      if (app.screen === "filling") SurveyInterview.save(app);
      SurveyDrawing.all(app);
      app.parts.body.querySelector(".sf-heading").focus({ preventScroll: true });
    };
    app.setElder = function (elder) {
      app.elder = elder;
      SurveyDrafts.prefer("elder", elder);
      if (!elder) SurveySpeech.stop();
      SurveyDrawing.fromTop(app);
    };
    app.setAloud = function (aloud) {
      app.aloud = aloud;
      SurveyDrafts.prefer("aloud", aloud);
      SurveyDrawing.top(app);
      if (aloud) SurveyDrawing.readStep(app);
      else SurveySpeech.stop();
    };
  }

  function build(root, options) {
    const form = SurveyRoute.prepare(options.form);
    const language = isLanguage(form, options.language) ? options.language : form.default_language;
    const elder = options.elder;
    const app = {
      id: "sf" + (mounted += 1) + "-",
      form: form,
      texts: options.texts,
      meta: options.meta || {},
      draftKey: options.draftKey,
      heading: options.heading || "h1",
      startLanguage: language,
      elder: elder === true || elder === false ? elder : SurveyDrafts.preference("elder") === true,
      aloud: SurveyDrafts.preference("aloud") === true,
      state: SurveyInterview.fresh(language),
      screen: "filling",
      items: {},
      questions: {},
      problems: {},
      kept: SurveyDrafts.persistent,
      watch: SurveyWatch.create({}),
      host: SurveyDom.h("div", { class: "sf", "data-scheme": options.scheme }),
      parts: {},
      onReceipt: options.onReceipt,
      onFinish: options.onFinish,
      onMove: options.onMove,
      onDraw: options.onDraw
    };
    form.sections.forEach(function (section) {
      section.items.forEach(function (item) { app.items[item.name] = item; });
    });
    ["top", "lines", "body", "live"].forEach(function (name) {
      app.parts[name] = SurveyDom.h("div", { class: "sf-" + name });
      app.host.appendChild(app.parts[name]);
    });
    app.parts.live.setAttribute("role", "status");
    root.appendChild(app.host);
    bind(app);
    return app;
  }

  function mount(root, options) {
    SurveyDrafts.forgetOld();
    const app = build(root, options);
    const keys = options.wholePage ? document : app.host;
    const listener = function (event) { SurveyKeys.handle(app, event); };
    app.sender = SurveySender.create(options.send, function (entry, result) {
      if (!app.closed) onOutcome(app, entry, result);
    }, function () { onSenderChange(app); });
    SurveyInterview.recompute(app);
    keys.addEventListener("keydown", listener);
    const quiet = SurveySpeech.onVoices(function () { SurveyDrawing.top(app); });
    resume(app);
    app.sender.flush();
    return {
      jump: function (at) { return jump(app, at); },
      flush: app.sender.flush,
      // Who is not needed any more, from the next interview on.
      full: function (cells) {
        app.newlyFull = cells;
        if (!app.state.started) app.meta.full = cells;
      },
      unmount: function () {
        app.closed = true;
        app.sender.close();
        app.watch.close();
        SurveySpeech.stop();
        quiet();
        keys.removeEventListener("keydown", listener);
        root.removeChild(app.host);
      }
    };
  }

  return { mount: mount };
})();
