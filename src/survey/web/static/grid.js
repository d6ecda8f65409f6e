// The grid of a typist: from the number of a sheet to its receipt, and the next sheet.
const SurveyGrid = (function () {
  "use strict";

  const h = SurveyDom.h;
  const LOOK_UP_PATIENCE = 4000;
  let mounted = 0;

  function askServer(app, serial) {
    const query = "?wave=" + encodeURIComponent(app.batch.wave) + "&serial=" + serial;
    const uuid = app.state.uuid;
    const controller = new AbortController();
    const timer = setTimeout(function () { controller.abort(); }, LOOK_UP_PATIENCE);
    fetch(window.location.origin + "/api/paper/sheet" + query, {
      credentials: "same-origin", signal: controller.signal
    }).then(function (response) {
      return response.json().then(function (body) { return { ok: response.ok, body }; });
    }).then(function (answer) {
      clearTimeout(timer);
      if (app.closed || app.state.uuid !== uuid || app.state.serial !== serial) return;
      if (answer.ok) takeRound(app, answer.body.round);
      else if (answer.body.code === "sheet_taken") lock(app, answer.body.message);
    }).catch(function () { clearTimeout(timer); });
  }

  function takeRound(app, round) {
    app.state.round = round;
    SurveyPaperSheet.save(app);
    SurveyGridView.showHead(app);
    if (round === 2) SurveyGridView.say(app, app.t("paper_second"));
  }

  // Nothing that is typed ahead may land in the number: only Enter opens it again.
  function lock(app, words) {
    app.locked = true;
    app.problems["@serial"] = words + " " + app.t("paper_unlock");
    SurveyGridView.showAll(app);
    SurveyGridView.stand(app, 0);
    SurveyGridView.say(app, app.problems["@serial"]);
  }

  function enterSerial(app) {
    const line = SurveyGridView.lineAt(app);
    const serial = SurveyPaperSheet.readSerial(line.input.value);
    if (!serial) {
      app.problems["@serial"] = app.t("paper_serial_wrong");
      SurveyGridView.showAll(app);
      return;
    }
    delete app.problems["@serial"];
    const entry = SurveyOutboxStatus.troubled(app).filter(function (each) {
      return each.state.serial === serial;
    })[0];
    if (entry && hasAnswers(app)) {
      app.problems["@serial"] = app.t("paper_finish_first");
      SurveyGridView.showAll(app);
      return;
    }
    if (entry) reopen(app, entry);
    app.state.serial = serial;
    app.state.round = 1;
    if (!app.state.begun) app.state.begun = Date.now();
    SurveyPaperSheet.save(app);
    SurveyGridView.showHead(app);
    askServer(app, serial);
    const open = entry && Object.keys(app.problems)[0];
    if (open) SurveyGridView.stand(app, SurveyGridView.placeOf(app, open));
    else SurveyGridView.onward(app);
  }

  function hasAnswers(app) {
    return Object.keys(app.state.answers).length + Object.keys(app.state.missing).length > 0;
  }

  function reopen(app, entry) {
    SurveyBrowserStorage.unqueue(entry.payload.client_uuid);
    app.state = entry.state;
    app.problems = {};
    (entry.problems || []).forEach(function (each) {
      if (SurveyGridView.placeOf(app, each.item) >= 0) app.problems[each.item] = each.message;
    });
    SurveyPaperSheet.recompute(app);
    SurveyGridView.fillFields(app);
    SurveyGridView.showAll(app);
    SurveyOutboxStatus.showNews(app);
  }

  function finish(app) {
    SurveyPaperSheet.recompute(app);
    app.lines.forEach(function (line) {
      if (!line.item || !SurveyPaperSheet.isOn(app, line.name)) return;
      const kind = SurveyPaperSheet.problemOf(app, line.item);
      if (kind) app.problems[line.name] = SurveyTexts.problem(app, line.item, kind);
    });
    const open = app.lines.filter(function (line) {
      return SurveyPaperSheet.isOpen(app, line.name) || (line.name === "@serial" && !app.state.serial);
    })[0];
    if (open) {
      SurveyGridView.showAll(app);
      SurveyGridView.stand(app, SurveyGridView.placeOf(app, open.name));
      SurveyGridView.say(app, app.problems[open.name] || "");
      return;
    }
    SurveyBrowserStorage.queue({
      key: app.draftKey, queued: new Date().toISOString(), state: app.state,
      payload: SurveyPaperSheet.payload(app)
    });
    SurveyBrowserStorage.drop(app.draftKey);
    app.sender.flush();
    if (app.sides) app.finished = true;
    else begin(app);
    SurveyOutboxStatus.showNews(app);
  }

  function begin(app) {
    app.state = SurveyPaperSheet.fresh(app.language);
    app.problems = {};
    app.locked = false;
    SurveyPaperSheet.recompute(app);
    SurveyGridView.fillFields(app);
    app.lines.forEach(function (line) { line.typed = ""; });
    SurveyGridView.showAll(app);
    SurveyGridView.showHead(app);
    SurveyGridView.stand(app, 0);
  }

  function onOutcome(app, entry, result) {
    if (entry.key === app.draftKey && result.outcome === "receipt") {
      const receipt = result.receipt;
      app.news = app.t("paper_now_" + receipt.state, { serial: receipt.serial });
      SurveyGridView.say(app, app.news);
      if (app.onReceipt) app.onReceipt(entry.payload.client_uuid);
    } else if (entry.key === app.draftKey && result.outcome !== "retry" && app.sides) {
      reopen(app, Object.assign({}, entry, { problems: result.problems }));
      app.finished = false;
      app.news = result.message || app.t("paper_look_again");
      SurveyGridView.stand(app, 0);
    }
    SurveyOutboxStatus.showNews(app);
  }

  function build(root, options) {
    const form = SurveyRouting.prepare(options.form);
    /** @type {Record<string, any>} */
    const app = {
      id: "sp" + (mounted += 1) + "-", form, texts: options.texts, batch: options.batch,
      draftKey: options.draftKey, language: options.language, items: {}, problems: {}, parts: {},
      kept: SurveyBrowserStorage.persistent, at: 0, onReceipt: options.onReceipt, meta: {},
      sides: options.sides, names: options.names || {}, decisive: SurveyPaperSheet.decisive(form),
      state: SurveyPaperSheet.fresh(options.language),
      host: h("div", { class: "sf sp", "data-scheme": options.scheme })
    };
    form.sections.forEach(function (section) {
      section.items.forEach(function (item) { app.items[item.name] = item; });
    });
    app.t = function (key, params) { return SurveyTexts.translate(app, key, params); };
    app.text = function (labels) { return labels ? SurveyTexts.text(app, labels) : ""; };
    app.begin = function () { begin(app); };
    app.press = function (key) { SurveyGridKeyboard.press(app, { key }); };
    app.finish = function () { finish(app); };
    app.enterSerial = function () { enterSerial(app); };
    if (app.sides) takeSides(app, options);
    SurveyPaperSheet.recompute(app);
    app.lines = SurveyGridView.buildLines(app);
    app.lines.forEach(function (line) { hear(app, line); });
    SurveyGridView.draw(app);
    root.appendChild(app.host);
    return app;
  }

  // What stands in a field is what is kept, however the field is left.
  function hear(app, line) {
    if (!line.input || !line.item) return;
    line.input.addEventListener("input", function () { SurveyGridKeyboard.readTyped(app, line); });
  }

  // A verdict starts from what both keyed alike and shows the rest only.
  function takeSides(app, options) {
    app.state.answers = Object.assign({}, options.agreed);
    app.state.serial = options.serial;
    app.state.round = 3;
    options.blank.forEach(function (name) { app.state.missing[name] = true; });
    app.isHidden = function (name) {
      return name !== "@end" && !app.sides[name] && !(app.shown && app.shown[name]) &&
        !noteOpen(app, name);
    };
  }

  // A question that the verdict opens stays on the screen once it was there.
  function noteOpen(app, name) {
    if (!SurveyPaperSheet.isOpen(app, name)) return false;
    app.shown = app.shown || {};
    app.shown[name] = true;
    return true;
  }

  function resume(app) {
    const draft = SurveyBrowserStorage.load(app.draftKey);
    if (draft && draft.sha256 === app.form.sha256) app.state = draft.state;
    SurveyPaperSheet.recompute(app);
    SurveyGridView.fillFields(app);
    SurveyGridView.showAll(app);
    SurveyGridView.showHead(app);
    SurveyOutboxStatus.showNews(app);
    const open = app.lines.filter(function (line) {
      return SurveyGridView.canStand(app, line) && (line.name === "@serial" ? !app.state.serial
        : line.name === "@end" || SurveyPaperSheet.isOpen(app, line.name));
    })[0];
    SurveyGridView.stand(app, SurveyGridView.placeOf(app, open.name));
  }

  function mount(root, options) {
    SurveyBrowserStorage.forgetOld();
    const app = build(root, options);
    app.sender = SurveyOutbox.create(options.send, function (entry, result) {
      if (!app.closed) onOutcome(app, entry, result);
    }, function () { if (!app.closed) SurveyOutboxStatus.showNews(app); });
    app.host.addEventListener("keydown", function (event) { SurveyGridKeyboard.onKey(app, event); });
    app.host.addEventListener("focusin", function (event) { SurveyGridView.follow(app, event); });
    app.host.addEventListener("focusout", function (event) { SurveyGridView.hold(app, event); });
    resume(app);
    app.sender.flush();
    return {
      update: function (batch) {
        if (app.sides) return;
        app.batch = batch;
        SurveyPaperSheet.recompute(app);
        SurveyGridView.showAll(app);
        SurveyGridView.showHead(app);
      },
      unmount: function () {
        app.closed = true;
        app.sender.close();
        root.removeChild(app.host);
      }
    };
  }

  return { mount };
})();
