// The state of an interview or a sheet before its first answer, with an identifier of its own.
const SurveyAnswerState = (function () {
  "use strict";

  function newUuid() {
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, function (byte) { return (byte + 256).toString(16).slice(1); });
    return [
      hex.slice(0, 4), hex.slice(4, 6), hex.slice(6, 8), hex.slice(8, 10), hex.slice(10)
    ].map(function (part) { return part.join(""); }).join("-");
  }

  function fresh(language) {
    return {
      uuid: newUuid(), answers: {}, raw: {}, timings: {}, seen: {}, started: null,
      language, at: null
    };
  }

  return { fresh };
})();
