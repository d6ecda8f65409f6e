// Reading aloud with the browser's own voices, where it has one for the language.
const SurveySpeech = (function () {
  "use strict";

  const engine = window.speechSynthesis;
  const UNHURRIED = 0.9;

  function voiceFor(language) {
    if (!engine || !window.SpeechSynthesisUtterance) return null;
    const wanted = language.toLowerCase().slice(0, 2);
    return engine.getVoices().filter(function (voice) {
      return voice.lang.toLowerCase().slice(0, 2) === wanted;
    })[0] || null;
  }

  function stop() {
    if (engine) engine.cancel();
  }

  function say(text, language) {
    const voice = voiceFor(language);
    if (!voice) return;
    stop();
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.voice = voice;
    utterance.lang = voice.lang;
    utterance.rate = UNHURRIED;
    engine.speak(utterance);
  }

  // Voices may arrive after the page; tells when they do.
  function onVoices(listener) {
    if (engine && engine.addEventListener) engine.addEventListener("voiceschanged", listener);
    return function () {
      if (engine && engine.removeEventListener) {
        engine.removeEventListener("voiceschanged", listener);
      }
    };
  }

  return {
    available: function (language) { return voiceFor(language) !== null; },
    say,
    stop,
    onVoices
  };
})();
