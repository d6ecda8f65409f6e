/* Evaluates the JSON form of XLSForm expressions; the twin of survey.questionnaire.expressions.
   The rules are written down in docs/expressions.md. ES2017, no dependency, one global. */
var SurveyExpressions = (function () {
  "use strict";
  var DAY = 864e5;
  var NUMBER = /^[ \t\r\n]*(-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))[ \t\r\n]*$/;
  var DATE = /^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$/;

  function fromAnswer(answer) {
    if (Array.isArray(answer)) {
      return answer.filter(function (word) { return typeof word === "string"; }).join(" ");
    }
    return /^(string|number|boolean)$/.test(typeof answer) ? answer : "";
  }

  function isoDay(days) {
    return new Date(days * DAY).toISOString().slice(0, 10);
  }

  function number(value) {
    if (typeof value !== "string") return Number(value);
    var match = NUMBER.exec(value);
    if (match) return Number(match[1]);
    if (!DATE.test(value)) return NaN;
    var days = Date.parse(value + "T00:00:00Z") / DAY;
    return days === days && isoDay(days) === value ? days : NaN;
  }

  function truth(value) {
    return typeof value === "string" ? value !== "" : Boolean(value);
  }

  function text(value) {
    var match = typeof value === "number" && /^(-?)(\d)(?:\.(\d+))?e([+-])(\d+)$/.exec(String(value));
    if (!match) return String(value);
    var digits = match[2] + (match[3] || "");
    var zeros = Number(match[5]);
    return match[1] + (match[4] === "-"
      ? "0." + "0".repeat(zeros - 1) + digits
      : digits + "0".repeat(zeros + 1 - digits.length));
  }

  function date(value) {
    var days = Math.floor(number(value));
    return days >= -354285 && days <= 2932896 ? isoDay(days) : "";
  }

  function words(value) {
    return text(value).split(/[ \t\r\n]+/).filter(Boolean);
  }

  function equal(a, b) {
    if (typeof a === "boolean" || typeof b === "boolean") {
      return typeof a === "string" || typeof b === "string"
        ? text(a) === text(b) : truth(a) === truth(b);
    }
    return typeof a === "string" && typeof b === "string" ? a === b : number(a) === number(b);
  }

  function holds(ranges, code) {
    for (var i = 0; i < ranges.length; i += 2) {
      if (code >= ranges[i] && code <= ranges[i + 1]) return true;
    }
    return false;
  }

  function matches(value, automaton) {
    var sets = automaton[0], at = automaton[1], follow = automaton[3], last = automaton[4];
    var waiting = new Set(automaton[2]), accepted = automaton[5];
    Array.from(value).forEach(function (character) {
      var code = character.codePointAt(0), next = new Set();
      accepted = false;
      waiting.forEach(function (position) {
        if (!holds(sets[at[position]], code)) return;
        follow[position].forEach(function (following) { next.add(following); });
        accepted = accepted || last[position] === 1;
      });
      waiting = next;
    });
    return accepted;
  }

  var OPERATIONS = {
    "=": equal,
    "!=": function (a, b) { return !equal(a, b); },
    "<": function (a, b) { return number(a) < number(b); },
    "<=": function (a, b) { return number(a) <= number(b); },
    ">": function (a, b) { return number(a) > number(b); },
    ">=": function (a, b) { return number(a) >= number(b); },
    "+": function (a, b) { return number(a) + number(b); },
    "-": function (a, b) { return number(a) - number(b); },
    "*": function (a, b) { return number(a) * number(b); },
    div: function (a, b) { return number(a) / number(b); },
    mod: function (a, b) { return number(a) % number(b); },
    neg: function (a) { return -number(a); },
    not: function (a) { return !truth(a); },
    coalesce: function (a, b) { return a === "" || a !== a ? b : a; },
    selected: function (a, b) {
      return words(a).indexOf(text(b).replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "")) >= 0;
    },
    "count-selected": function (a) { return words(a).length; },
    "string-length": function (a) { return Array.from(text(a)).length; },
    int: function (a) { a = number(a); return (a < 0 ? Math.ceil(a) : Math.floor(a)) + 0; },
    number,
    date,
    "true": function () { return true; },
    "false": function () { return false; }
  };

  function evaluate(ast, values, self, today) {
    function run(node) {
      if (!Array.isArray(node)) return node;
      switch (node[0]) {
        case "$":
          return fromAnswer(Object.prototype.hasOwnProperty.call(values, node[1]) ?
            values[node[1]] : "");
        case ".": return fromAnswer(self);
        case "@": return fromAnswer(self[node[1]]);
        case "today": return today;
        case "and": return node.slice(1).every(function (part) { return truth(run(part)); });
        case "or": return node.slice(1).some(function (part) { return truth(run(part)); });
        case "if": return run(truth(run(node[1])) ? node[2] : node[3]);
        case "regex": return matches(text(run(node[1])), node[2]);
      }
      return OPERATIONS[node[0]].apply(null, node.slice(1).map(run));
    }
    return run(ast);
  }

  return { evaluate, truth, text };
})();
