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
    app.state.at = SurveyScreenOrder.placeOf(step);
    app.resumed = false;
    app.asking = null;
    SurveyInterview.save(app);
    SurveyFormView.fromTop(app);
  }

  function tellMove(app, forward) {
    if (app.onMove) app.onMove(app.state.at, forward);
  }

  function showProblems(app, names) {
    SurveyFormView.refresh(app);
    SurveyFormView.announce(app, app.t("problems_count", { count: names.length }));
    SurveyFormView.focusOn(app, names[0]);
  }

  function next(app) {
    SurveyInterview.markStarted(app);
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
    const wanted = SurveyScreenOrder.locate(app.steps, at);
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
    if (target) app.state.at = SurveyScreenOrder.placeOf(target);
    app.screen = "filling";
    SurveyInterview.save(app);
    SurveyFormView.all(app);
    const visible = names.filter(function (name) { return app.questions[name]; });
    showProblems(app, visible.length ? visible : names);
  }

  // Answering

  function answer(app, item, value, raw) {
    SurveyInterview.setAnswer(app, item, value, raw);
    SurveyFormView.refresh(app);
  }

  // On leaving a typed field: say what is wrong with what stands there, not that nothing does.
  function check(app, item) {
    if (app.screen !== "filling" || !app.questions[item.name]) return;
    if (SurveyInterview.isOpen(app, item)) return;
    SurveyInterview.recompute(app);
    SurveyInterview.findProblems(app, [item]);
    app.questions[item.name].update();
    if (app.problems[item.name]) SurveyFormView.announce(app, app.problems[item.name]);
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
    SurveyBrowserStorage.queue({
      key: app.draftKey,
      queued: new Date().toISOString(),
      state: app.state,
      payload: SurveyInterview.payload(app)
    });
    SurveyBrowserStorage.drop(app.draftKey);
    app.screen = "sending";
    app.sender.flush();
    SurveyFormView.fromTop(app);
  }

  function reopen(app, entry, problems) {
    app.state = entry.state;
    SurveyBrowserStorage.unqueue(entry.payload.client_uuid);
    app.problems = {};
    // Ended early for a quota that has room again: nothing is wrong, the questions simply go on.
    if (entry.payload.stopped) app.meta.full = [];
    else problems.forEach(function (each) { app.problems[each.item] = each.message; });
    SurveyInterview.recompute(app);
    reveal(app, problems.map(function (each) { return each.item; }));
  }

  function onOutcome(app, entry, result) {
    const uuid = entry.payload.client_uuid;
    if (app.screen !== "sending" || uuid !== app.state.uuid) return;
    if (result.outcome === "problems") {
      reopen(app, entry, result.problems);
    } else if (result.outcome !== "retry") {
      if (result.outcome === "receipt" && !app.meta.next) {
        SurveyBrowserStorage.keepPage("code", { code: app.state.code });
      }
      app.receipt = result.receipt;
      app.refusal = result;
      app.screen = result.outcome === "receipt" ? "received" : "refused";
      SurveyFormView.fromTop(app);
    }
  }

  function onSenderChange(app) {
    if (app.closed) return;
    if (app.screen === "sending") SurveyFormView.closing(app);
    SurveyFormView.lines(app);
  }

  // Starting

  function begin(app) {
    SurveyBrowserStorage.drop(app.draftKey);
    app.meta.full = app.newlyFull || app.meta.full;
    app.state = SurveyAnswerState.fresh(app.startLanguage);
    app.problems = {};
    app.screen = "filling";
    app.resumed = false;
    app.asking = null;
    SurveyFormView.fromTop(app);
  }

  function askToForget(app, then) {
    app.asking = then;
    SurveyFormView.lines(app);
    const dialog = app.parts.lines.querySelector("[role=alertdialog]");
    dialog.querySelector("button").focus();
    dialog.scrollIntoView({ block: "center" });
  }

  function forget(app) {
    const then = app.asking;
    begin(app);
    if (then === "begin") return;
    SurveyBrowserStorage.dropPage(app.draftKey);
    app.screen = "forgotten";
    SurveyFormView.fromTop(app);
  }

  function keep(app) {
    app.asking = null;
    SurveyFormView.lines(app);
    app.parts.title.focus();
  }

  function outboxEntry(app) {
    return SurveyBrowserStorage.outbox().filter(function (entry) {
      return entry.key === app.draftKey;
    })[0];
  }

  // What this browser already holds of the interview decides where it starts.
  function resume(app) {
    const draft = SurveyBrowserStorage.load(app.draftKey);
    const entry = outboxEntry(app);
    if (draft) {
      app.state = draft.state;
      app.resumed = true;
      SurveyFormView.fromTop(app);
    } else if (entry && entry.problems) {
      reopen(app, entry, entry.problems);
    } else if (entry && !app.meta.next) {
      app.state = entry.state;
      app.refusal = entry.refused;
      app.screen = entry.refused ? "refused" : "sending";
      SurveyFormView.all(app);
    } else {
      SurveyFormView.all(app);
    }
  }

  function bind(app) {
    app.t = function (key, params) {
      return SurveyTexts.translate(app, key, params);
    };
    app.label = function (labels) { return SurveyTexts.label(app, labels); };
    app.text = function (labels) { return SurveyTexts.text(app, labels); };
    app.answer = function (item, value, raw) { answer(app, item, value, raw); };
    app.check = function (item) { check(app, item); };
    app.focusOn = function (name) { SurveyFormView.focusOn(app, name); };
    app.next = function () { next(app); };
    app.back = function () { back(app); };
    app.begin = function () { begin(app); };
    app.askToForget = function (then) { askToForget(app, then); };
    app.forget = function () { forget(app); };
    app.keep = function () { keep(app); };
    app.htmlLanguage = SurveyTexts.htmlLanguage;
    app.setLanguage = function (code) {
      app.state.language = code;
      app.problems = {};
      if (app.screen === "filling") SurveyInterview.save(app);
      SurveyFormView.all(app);
      app.parts.body.querySelector(".sf-heading").focus({ preventScroll: true });
    };
    app.setElder = function (elder) {
      app.elder = elder;
      SurveyBrowserStorage.prefer("elder", elder);
      if (!elder) SurveySpeech.stop();
      SurveyFormView.fromTop(app);
    };
    app.setAloud = function (aloud) {
      app.aloud = aloud;
      SurveyBrowserStorage.prefer("aloud", aloud);
      SurveyFormView.top(app);
      if (aloud) SurveyFormView.readStep(app);
      else SurveySpeech.stop();
    };
  }

  function build(root, options) {
    const form = SurveyRouting.prepare(options.form);
    const language = isLanguage(form, options.language) ? options.language : form.default_language;
    const elder = options.elder;
    /** @type {Record<string, any>} */
    const app = {
      id: "sf" + (mounted += 1) + "-",
      form,
      texts: options.texts,
      meta: options.meta || {},
      draftKey: options.draftKey,
      heading: options.heading || "h1",
      startLanguage: language,
      elder: elder === true || elder === false ? elder
        : SurveyBrowserStorage.preference("elder") === true,
      aloud: SurveyBrowserStorage.preference("aloud") === true,
      state: SurveyAnswerState.fresh(language),
      screen: "filling",
      items: {},
      questions: {},
      problems: {},
      kept: SurveyBrowserStorage.persistent,
      watch: SurveyItemTimer.create({}),
      host: SurveyDom.h("div", { class: "sf", "data-scheme": options.scheme }),
      parts: {},
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
    SurveyBrowserStorage.forgetOld();
    const app = build(root, options);
    const keys = options.wholePage ? document : app.host;
    const listener = function (event) { SurveyFormKeyboard.handle(app, event); };
    app.sender = SurveyOutbox.create(options.send, function (entry, result) {
      if (!app.closed) onOutcome(app, entry, result);
    }, function () { onSenderChange(app); });
    SurveyInterview.recompute(app);
    keys.addEventListener("keydown", listener);
    const quiet = SurveySpeech.onVoices(function () { SurveyFormView.top(app); });
    resume(app);
    app.sender.flush();
    return {
      jump: function (at) { return jump(app, at); },
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

  return { mount };
})();
