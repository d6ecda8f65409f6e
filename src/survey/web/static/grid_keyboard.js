// The keys of the grid: what each does on the line where the typist stands.
const SurveyGridKeyboard = (function () {
  "use strict";

  function pickKey(app, line, key) {
    if (key === "Enter") {
      if (!SurveyPaperSheet.isOpen(app, line.name)) SurveyGridView.onward(app);
      return true;
    }
    if (key !== "1" && key !== "2" && !(key === "0" && line.item)) return key.length === 1;
    SurveyPaperSheet.pick(app, line.name, Number(key));
    delete app.problems[line.name];
    SurveyGridView.showAll(app);
    if (key === "0") {
      if (line.input) line.input.value = "";
      SurveyGridView.stand(app, app.at);
    } else {
      SurveyGridView.onward(app);
    }
    return true;
  }

  function chosenKey(app, line, key) {
    const value = app.state.answers[line.name];
    const result = SurveyKeyingCodes.press(line.item, value, line.typed, key);
    if (!result) return false;
    line.typed = result.typed;
    if (result.blank) SurveyPaperSheet.leaveBlank(app, line.name);
    else if (result.value !== undefined) SurveyPaperSheet.set(app, line.name, result.value);
    if (result.wrong) {
      app.problems[line.name] = app.t("paper_no_such_key", { key });
      line.show();
      SurveyGridView.say(app, app.problems[line.name]);
    } else if (result.done) {
      if (SurveyGridView.leave(app)) SurveyGridView.onward(app);
    } else {
      delete app.problems[line.name];
      SurveyGridView.showAll(app);
    }
    return true;
  }

  function readTyped(app, line) {
    const text = line.input.value;
    if (text === "" && (app.state.missing[line.name] || isSpecial(app, line))) return;
    const read = SurveyKeyingCodes.READERS[line.item.kind];
    if (read) {
      SurveyPaperSheet.set(app, line.name, read(text, line.item));
    } else {
      const entered = SurveyInputs.read(line.item, text);
      SurveyPaperSheet.set(app, line.name, entered.value, entered.raw);
    }
  }

  function typedKey(app, line, key) {
    if (key === "Enter") {
      if (app.state.missing[line.name] || isSpecial(app, line)) SurveyGridView.onward(app);
      else {
        const again = Boolean(app.problems[line.name]);
        readTyped(app, line);
        // A field of words takes letters, so its blank is a second Enter.
        if (again && line.item.kind === "text" && line.input.value === "") {
          SurveyPaperSheet.leaveBlank(app, line.name);
        }
        if (SurveyGridView.leave(app)) SurveyGridView.onward(app);
      }
      return true;
    }
    if (line.input.value !== "" || line.item.kind === "text") return false;
    const result = SurveyKeyingCodes.special(line.item, key);
    if (!result) return false;
    if (result.blank) SurveyPaperSheet.leaveBlank(app, line.name);
    else SurveyPaperSheet.set(app, line.name, result.value);
    if (SurveyGridView.leave(app)) SurveyGridView.onward(app);
    return true;
  }

  function isSpecial(app, line) {
    return line.input.value === "" && line.item.specials.indexOf(app.state.answers[line.name]) >= 0;
  }

  function moveKey(app, event) {
    const back = event.key === "ArrowUp" || (event.key === "Tab" && event.shiftKey);
    const forth = event.key === "ArrowDown" || (event.key === "Tab" && !event.shiftKey);
    if (!back && !forth) return null;
    const line = SurveyGridView.lineAt(app);
    if (line.name === "@serial") {
      if (forth) app.enterSerial();
      return forth || event.key !== "Tab";
    }
    const hasEntry = app.state.raw[line.name] || SurveyRouting.given(app.state.answers[line.name]);
    if (hasEntry) SurveyGridView.leave(app);
    const at = SurveyGridView.step(app, back ? -1 : 1);
    if (at < 0) return event.key !== "Tab";
    SurveyGridView.stand(app, at);
    return true;
  }

  function lineKey(app, line, key) {
    if (line.name === "@end") {
      if (key === "Enter") app.finish();
      return key === "Enter" || key.length === 1;
    }
    if (SurveyGridLines.isChoosing(app, line.name)) return pickKey(app, line, key);
    if (line.name === "@serial") {
      if (key === "Enter") app.enterSerial();
      return key === "Enter";
    }
    return line.use() === line.input ? typedKey(app, line, key) : chosenKey(app, line, key);
  }

  function discard(app) {
    if (app.sides) return true;
    if (app.discarding) {
      SurveyBrowserStorage.drop(app.draftKey);
      app.begin();
    } else {
      SurveyGridView.say(app, app.t("paper_discard"));
      app.problems["@serial"] = app.t("paper_discard");
      app.lines[0].show();
      SurveyGridView.stand(app, 0);
    }
    app.discarding = !app.discarding;
    return true;
  }

  // True when the key was ours.
  function handleKey(app, event) {
    if (app.finished) return event.key !== "Tab";
    if (app.locked) {
      if (event.key === "Enter") {
        app.locked = false;
        delete app.problems["@serial"];
        SurveyGridView.showAll(app);
        SurveyGridView.stand(app, 0);
      }
      return true;
    }
    if (event.key === "Escape") return discard(app);
    if (app.discarding) {
      app.discarding = false;
      delete app.problems["@serial"];
      app.lines[0].show();
    }
    const moved = moveKey(app, event);
    return moved === null ? lineKey(app, SurveyGridView.lineAt(app), event.key) : moved;
  }

  function press(app, event) {
    if (event.key.length === 1 || event.key === "Enter") app.state.strokes += 1;
    return handleKey(app, event);
  }

  function onKey(app, event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (press(app, event)) event.preventDefault();
    // The page around has single keys of its own.
    event.stopPropagation();
  }

  return { onKey, press, readTyped };
})();
