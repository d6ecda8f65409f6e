// What a key means to one question on paper; knows no screen.
const SurveyKeyingCodes = (function () {
  "use strict";

  const WIDEST_SCALE = 21;
  // The first letters of the Chinese words, and beside each the key of the number pad.
  const LETTERS = { dk: "b", na: "m", refused: "j", blank: "q" };
  const PAD = { "/": "b", "*": "m", "-": "j", ".": "q" };

  function isScale(item) {
    return item.kind === "rating" && (item.max - item.min) / (item.step || 1) < WIDEST_SCALE;
  }

  function isChosen(item) {
    return item.kind === "select_one" || item.kind === "select_multiple" || isScale(item);
  }

  function scale(item) {
    const values = [];
    const step = item.step || 1;
    for (let value = item.min; value <= item.max + step / 1000; value += step) {
      values.push(Math.round(value * 1000) / 1000);
    }
    const hasZero = values.indexOf(0) >= 0;
    return values.map(function (value) {
      const named = item.choices.filter(function (choice) { return Number(choice.name) === value; })[0];
      const end = value === item.min ? item.low_label : value === item.max ? item.high_label : null;
      const code = value === 10 && !hasZero ? "0" : String(value);
      return { code, value, label: named ? named.label : end };
    });
  }

  // Everything that can be keyed by number: the score itself (0 is 10), else the place in the list.
  function options(item) {
    if (isScale(item)) return scale(item);
    return item.choices.map(function (choice, index) {
      return { code: String(index + 1), value: choice.name, label: choice.label };
    });
  }

  function match(item, typed) {
    const all = options(item);
    return {
      exact: all.filter(function (option) { return option.code === typed; })[0],
      more: all.some(function (option) {
        return option.code.length > typed.length && option.code.indexOf(typed) === 0;
      })
    };
  }

  function toggled(item, value, chosen) {
    const names = Array.isArray(value) ? value : [];
    const isOn = names.indexOf(chosen) >= 0;
    return item.choices.map(function (choice) { return choice.name; }).filter(function (name) {
      return name === chosen ? !isOn : names.indexOf(name) >= 0;
    });
  }

  function choose(item, value, option) {
    return item.kind === "select_multiple"
      ? { value: toggled(item, value, option.value), typed: "" }
      : { value: option.value, typed: "", done: true };
  }

  function digit(item, value, typed) {
    const candidates = match(item, typed);
    if (candidates.more) return { typed };
    return candidates.exact ? choose(item, value, candidates.exact) : { typed: "", wrong: true };
  }

  function finish(item, value, typed) {
    if (!typed) return { typed: "", done: true };
    const option = match(item, typed).exact;
    return option ? Object.assign(choose(item, value, option), { done: true }) :
      { typed: "", wrong: true };
  }

  function codeOf(item, key) {
    const letter = PAD[key] || key.toLowerCase();
    const codes = item.specials.concat(["blank"]);
    return codes.filter(function (code) { return LETTERS[code] === letter; })[0];
  }

  // `value` and `typed` as they stand -> what changes: a value (null clears), a code of paper
  // ("blank"), the digits typed so far, `done` to go on, `wrong` for a key that means nothing.
  /** @returns {{typed: string, value?: any, blank?: boolean, done?: boolean, wrong?: boolean}} */
  function press(item, value, typed, key) {
    if (/^[0-9]$/.test(key)) return digit(item, value, typed + key);
    if (key === "Enter") return finish(item, value, typed);
    if (key === " " && typed) {
      const spaced = finish(item, value, typed);
      return Object.assign(spaced, { done: spaced.done && item.kind !== "select_multiple" });
    }
    if (key === "Backspace" || key === "Delete") {
      return typed ? { typed: typed.slice(0, -1) } : { typed: "", value: null };
    }
    return special(item, key) || (key.length === 1 ? { typed, wrong: true } : null);
  }

  function special(item, key) {
    const code = codeOf(item, key);
    if (!code) return null;
    return code === "blank" ? { typed: "", blank: true, done: true } :
      { typed: "", value: code, done: true };
  }

  // Digits of a day or a time without signs between them are that day or time all the same.
  function readDay(text) {
    const plain = text.trim().replace(/[./]/g, "-");
    const parts = /^(\d{4})(\d{2})(\d{2})$/.exec(plain);
    return parts ? parts.slice(1).join("-") : plain;
  }

  function readTime(text) {
    const parts = /^(\d{1,2})\D?(\d{2})$/.exec(text.trim());
    return parts ? ("0" + parts[1]).slice(-2) + ":" + parts[2] : text.trim();
  }

  // The places of the answers as they stand below one another on paper: "2 3 1", or "231".
  function readPlaces(text, item) {
    const split = text.trim().split(/\D+/);
    const places = split.length > 1 ? split : text.trim().split("");
    const names = item.choices.map(function (_, index) {
      const choice = item.choices[places.indexOf(String(index + 1))];
      return choice && choice.name;
    });
    return places.length === names.length && names.every(Boolean) ? names : text.trim();
  }

  const READERS = {
    date: readDay,
    time: readTime,
    datetime: function (text) {
      const parts = /^(.*\d)[T ]+(\S+)$/.exec(text.trim()) || /^(\d{8})(\d{4})$/.exec(text.trim());
      return parts ? readDay(parts[1]) + "T" + readTime(parts[2]) : text.trim();
    },
    rank: readPlaces
  };

  return {
    LETTERS, isChosen, options, press, special,
    READERS
  };
})();
