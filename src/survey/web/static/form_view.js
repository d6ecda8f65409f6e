// Puts the interview on the screen: all of it after a move, only what changed after an answer.
const SurveyFormView = (function () {
  "use strict";

  const h = SurveyDom.h;

  function announce(app, words) {
    app.parts.live.textContent = "";
    setTimeout(function () { app.parts.live.textContent = words; }, 50);
  }

  function drawTop(app) {
    const step = app.screen === "filling" ? SurveyInterview.step(app) : null;
    const share = step && SurveyScreenOrder.progress(app.form, step);
    SurveyDom.clear(app.parts.top);
    app.parts.top.appendChild(SurveyFormChrome.top(app, share));
  }

  function drawLines(app) {
    const parts = app.screen === "filling"
      ? [SurveyFormChrome.storageLine(app), SurveyFormChrome.resumedLine(app)] : [];
    if (app.screen !== "sending") parts.unshift(SurveyFormChrome.outboxLine(app));
    if (app.asking) parts.push(SurveyFormChrome.forgetQuestion(app));
    SurveyDom.clear(app.parts.lines);
    parts.filter(Boolean).forEach(function (part) { app.parts.lines.appendChild(part); });
  }

  function nextWords(app, step) {
    if (step.closes) return app.t("finish");
    if (SurveyInterview.endsHere(app)) return app.t("end_and_send");
    const last = SurveyInterview.stepIndex(app) === app.steps.length - 1;
    const sure = SurveyScreenOrder.isLastSection(app.form, step) || !step.items.some(function (item) {
      return item.required && SurveyInterview.isOpen(app, item);
    });
    return app.t(last && sure ? "submit" : "next");
  }

  function drawNavigation(app) {
    const step = SurveyInterview.step(app);
    const index = SurveyInterview.stepIndex(app);
    SurveyDom.clear(app.parts.nav);
    app.parts.nav.appendChild(h("div", { class: "sf-nav" }, [
      index ? SurveyDom.button("sf-second", app.t("back"), app.back) : null,
      SurveyDom.button("sf-main", nextWords(app, step), app.next)
    ]));
    app.parts.nav.appendChild(h("div", { class: "sf-foot" }, [
      h("span", { text: app.kept ? app.t("saved") : "" }),
      SurveyDom.button("sf-quiet", app.t("withdraw"), function () { app.askToForget("forgotten"); })
    ]));
  }

  function addQuestion(app, item, before) {
    const question = SurveyQuestions.build(app, item);
    app.questions[item.name] = question;
    app.parts.items.insertBefore(question.node, before);
    if (item.kind !== "note") app.watch.add(item.name, question.node);
  }

  function removeQuestion(app, name) {
    app.watch.remove(app.questions[name].node);
    app.parts.items.removeChild(app.questions[name].node);
    delete app.questions[name];
  }

  // Brings the questions of this screen in line with the route, leaving untouched what stays.
  function syncQuestions(app, step) {
    const wanted = {};
    step.items.forEach(function (item) { wanted[item.name] = true; });
    Object.keys(app.questions).forEach(function (name) {
      if (!wanted[name]) removeQuestion(app, name);
    });
    let next = null;
    step.items.slice().reverse().forEach(function (item) {
      if (!app.questions[item.name]) addQuestion(app, item, next);
      next = app.questions[item.name].node;
      app.questions[item.name].update();
    });
  }

  function formTitle(app, heading) {
    const words = SurveyTexts.text(app, app.form.title);
    return h("p", { class: "sf-title", text: words === heading ? "" : words });
  }

  function drawStep(app) {
    const step = SurveyInterview.step(app);
    const title = SurveyTexts.text(app, step.section.title) || SurveyTexts.text(app, app.form.title);
    app.watch.close();
    app.watch = SurveyItemTimer.create(app.state.seen);
    app.questions = {};
    app.parts.items = h("div", { class: "sf-items" });
    app.parts.nav = h("div", {});
    app.parts.title = h(app.heading, { class: "sf-heading", tabindex: -1, text: title });
    SurveyDom.clear(app.parts.body);
    if (SurveyInterview.stepIndex(app) === 0) app.parts.body.appendChild(formTitle(app, title));
    [app.parts.title, app.parts.items, app.parts.nav].forEach(function (part) {
      app.parts.body.appendChild(part);
    });
    app.parts.body.className = "sf-body" + (step.section.ends ? " sf-ending" : "");
    syncQuestions(app, step);
    drawNavigation(app);
  }

  function drawClosing(app) {
    SurveyDom.clear(app.parts.body);
    app.parts.body.className = "sf-body";
    app.parts.body.appendChild(SurveyFormChrome.closing[app.screen](app));
  }

  function draw(app) {
    app.host.setAttribute("lang", app.htmlLanguage(app.state.language));
    app.host.classList.toggle("sf-elder", app.elder);
    SurveyInterview.recompute(app);
    if (app.screen === "filling") drawStep(app);
    else drawClosing(app);
    drawTop(app);
    drawLines(app);
    if (app.onDraw) app.onDraw(app);
  }

  // After an answer: only what depends on it changes, so that focus and typing are left alone.
  function refresh(app) {
    SurveyInterview.recompute(app);
    syncQuestions(app, SurveyInterview.step(app));
    drawNavigation(app);
  }

  function readStep(app) {
    if (!app.aloud || !app.elder || app.screen !== "filling") return;
    const words = SurveyInterview.step(app).items.map(function (item) {
      return SurveyQuestions.spoken(app, item);
    });
    SurveySpeech.say(words.join("。 "), app.state.language);
  }

  function showFromTop(app) {
    draw(app);
    const heading = app.parts.body.querySelector(".sf-heading");
    if (heading) heading.focus({ preventScroll: true });
    app.host.scrollIntoView(true);
    readStep(app);
  }

  function focusOn(app, name) {
    const question = app.questions[name];
    if (!question) return;
    question.focus();
    question.node.scrollIntoView({ block: "center" });
  }

  return {
    all: draw, refresh, top: drawTop, lines: drawLines, closing: drawClosing,
    fromTop: showFromTop, focusOn, readStep, announce
  };
})();
