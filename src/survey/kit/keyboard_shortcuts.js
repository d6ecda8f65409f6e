// Single keys press buttons: { keys: { "j": "review-next", … } }, each name the key of a button.
// Typing into a field is left alone, and so is everything with Ctrl, Alt or Command.
const FIELDS = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]";

export default function ({ data }) {
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const place = event.composedPath()[0];
    if (place instanceof Element && place.closest(FIELDS)) return;
    const name = data.keys[event.key.toLowerCase()];
    /** @type {HTMLButtonElement | null} */
    const button = name ? document.querySelector(`.st-key-${name} button`) : null;
    // What the style sheet hides after some seconds is offered no more.
    if (!button || button.disabled || getComputedStyle(button).visibility === "hidden") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    button.click();
  }
  // A page has one listener, the newest; what is said of it goes with it.
  window.removeEventListener("keydown", window.surveyPress, true);
  window.surveyPress = press;
  window.addEventListener("keydown", press, true);
  document.documentElement.dataset.surveyKeys = Object.keys(data.keys).join("");
  return () => {
    window.removeEventListener("keydown", press, true);
    if (window.surveyPress !== press) return;
    window.surveyPress = null;
    delete document.documentElement.dataset.surveyKeys;
  };
}
