// The grid on the screen: its lines, where the typist stands, what helps on that line.
const SurveyGridView = (function () {
  "use strict";

  const h = SurveyDom.h;

  function lineAt(app) {
    return app.lines[app.at];
  }

  function canStand(app, line) {
    return SurveyPaperSheet.isOn(app, line.name) && !line.node.hidden;
  }

  function step(app, way) {
    for (let at = app.at + way; at >= 0 && at < app.lines.length; at += way) {
      if (canStand(app, app.lines[at])) return at;
    }
    return -1;
  }

  function stand(app, at) {
    const left = lineAt(app);
    left.typed = "";
    // A number that was not entered is not the sheet's.
    if (left.name === "@serial" && left !== app.lines[at]) left.input.value = app.state.serial;
    app.at = at;
    app.lines.forEach(function (line, index) {
      line.node.classList.toggle("sp-here", index === at);
      line.use().setAttribute("tabindex", index === at ? "0" : "-1");
    });
    const line = lineAt(app);
    const field = line.use();
    field.focus({ preventScroll: true });
    if (field.select) field.select();
    showHelp(app);
    // The head stays on the screen and grows with what it says: on a small one, and with the keys
    // of the device open, the middle would lie below it.
    line.node.style.scrollMarginTop = "calc(2.9rem + " + app.parts.top.offsetHeight + "px)";
    line.node.scrollIntoView({ block: "center" });
  }

  function onward(app) {
    leave(app);
    const at = step(app, 1);
    if (at >= 0) stand(app, at);
  }

  // Says at once what is wrong with the field that is left.
  function leave(app) {
    const line = lineAt(app);
    if (!line.item) return true;
    const kind = SurveyPaperSheet.problemOf(app, line.item);
    if (kind) app.problems[line.name] = SurveyTexts.problem(app, line.item, kind);
    else delete app.problems[line.name];
    showAll(app);
    if (kind) say(app, app.problems[line.name]);
    return !kind;
  }

  function say(app, words) {
    app.parts.live.textContent = words;
  }

  function isDone(app, line) {
    return Boolean(app.state.missing[line.name]) ||
      SurveyRouting.given(app.state.answers[line.name]);
  }

  function showAll(app) {
    app.lines.forEach(function (line) { line.show(); });
    const asked = app.lines.filter(function (line) { return line.item && canStand(app, line); });
    const done = asked.filter(function (line) { return isDone(app, line); });
    app.parts.meter.textContent = done.length + " / " + asked.length;
  }

  // What can be keyed here; a finger may press it where there is no keyboard.
  function helpOf(app, line) {
    if (app.sides && SurveyGridLines.isChoosing(app, line.name)) {
      return [["1", app.t("paper_pick_first")], ["2", app.t("paper_pick_second")]].concat(
        line.item ? [["0", app.t("paper_pick_other")]] : []);
    }
    if (line.item) return SurveyGridLines.legend(app, line.item);
    return [[null, app.t(line.name === "@serial" ? "paper_help_serial" : "paper_help_end")]];
  }

  function helpPart(app, key, words) {
    if (!key) return h("span", { text: words });
    const part = SurveyDom.button("sp-tap" + (words === key ? " sp-plain" : ""), words, function () {
      key.split("").forEach(function (each) { app.press(each); });
    }, { tabindex: -1 });
    part.addEventListener("mousedown", function (event) { event.preventDefault(); });
    return part;
  }

  function showHelp(app) {
    SurveyDom.clear(app.parts.help);
    helpOf(app, lineAt(app)).forEach(function (pair) {
      app.parts.help.appendChild(helpPart(app, pair[0], pair[1]));
    });
    const enter = SurveyDom.button("sp-tap sp-plain", "Enter", function () { app.press("Enter"); },
      { tabindex: -1 });
    app.parts.help.appendChild(enter);
  }

  function fillFields(app) {
    app.lines.forEach(function (line) {
      if (!line.input) return;
      const value = app.state.answers[line.name];
      const special = line.item && line.item.specials.indexOf(value) >= 0;
      line.input.value = line.name === "@serial" ? app.state.serial
        : app.state.raw[line.name] || (special || !SurveyRouting.given(value) ? "" : String(value));
    });
  }

  function placeOf(app, name) {
    return app.lines.map(function (line) { return line.name; }).indexOf(name);
  }

  function showHead(app) {
    const again = app.state.round === 2 ? app.t("paper_second") : "";
    app.parts.place.textContent = [app.batch.words, again].filter(Boolean).join(" · ");
    app.parts.place.classList.toggle("sp-second", Boolean(again));
  }

  function follow(app, event) {
    const path = event.composedPath ? event.composedPath() : [event.target];
    const at = app.lines.map(function (line) { return path.indexOf(line.node) >= 0; }).indexOf(true);
    if (at >= 0 && at !== app.at && !app.locked && canStand(app, app.lines[at])) stand(app, at);
  }

  // After a click beside all fields some line must still have the keyboard.
  function hold(app, event) {
    if (event.relatedTarget || app.closed) return;
    setTimeout(function () {
      const nobody = !document.activeElement || document.activeElement === document.body;
      if (nobody && !app.closed && document.hasFocus()) lineAt(app).use().focus();
    }, 0);
  }

  function itemLines(app) {
    let number = 0;
    const lines = [];
    app.form.sections.forEach(function (section) {
      section.items.forEach(function (item) {
        if (item.kind === "note" || item.kind === "calculate") return;
        number += 1;
        lines.push(SurveyGridLines.build(app, item.name, String(number), app.text(item.label)));
      });
    });
    return lines;
  }

  function buildLines(app) {
    const heads = app.sides ? SurveyPaperSheet.HEAD.filter(function (name) { return app.sides[name]; })
      : ["@serial"];
    const lines = heads.map(function (name) {
      return SurveyGridLines.build(app, name, "", app.t("paper_" + name.slice(1)));
    }).concat(itemLines(app));
    const end = SurveyGridLines.build(app, "@end", "", app.t(app.sides ? "paper_settle" : "paper_end"));
    end.box.setAttribute("role", "button");
    end.box.removeAttribute("aria-describedby");
    end.show = function () { end.use().textContent = "Enter"; };
    return lines.concat([end]);
  }

  function draw(app) {
    const parts = app.parts;
    ["news", "help", "live"].forEach(function (name) {
      parts[name] = h("div", { class: "sp-" + name });
    });
    parts.live.setAttribute("role", "status");
    parts.place = h("span", { class: "sp-place" });
    parts.meter = h("span", { class: "sp-meter" });
    const keys = ["paper_keys_move", app.sides ? "paper_keys_pick" : "paper_keys_codes"];
    parts.top = h("div", { class: "sp-top" }, [
      h("p", { class: "sp-phone", text: app.t("paper_phone") }),
      h("div", { class: "sp-head" }, [parts.place, parts.meter]),
      h("p", { class: "sp-keys" }, keys.map(function (key) {
        return h("span", { text: app.t(key) });
      })),
      parts.news, parts.help
    ]);
    app.host.appendChild(parts.top);
    app.host.appendChild(h("div", { class: "sp-lines" + (app.sides ? " sp-verdict" : "") },
      app.lines.map(function (line) { return line.node; })));
    app.host.appendChild(parts.live);
  }

  return {
    lineAt, step, stand, onward, leave, say,
    canStand, showAll, fillFields, placeOf,
    showHead, follow, hold, buildLines, draw
  };
})();
