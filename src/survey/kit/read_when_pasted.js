// Reads a list as soon as it is pasted: { field: "points" }, the key of the container with its field.
// Streamlit reads a field when it is left, or at Ctrl+Enter; one that it has read it leaves alone.
const ENTER = { key: "Enter", ctrlKey: true, bubbles: true, cancelable: true };

export default function ({ data }) {
  const fields = `.st-key-${data.field} textarea`;
  /** @param {Element} field */
  const read = (field) => field.dispatchEvent(new KeyboardEvent("keydown", ENTER));
  /** @param {Event} event */
  function hear(event) {
    const field = event.target;
    // What is pasted stands in the field only after this event.
    if (field instanceof Element && field.matches(fields)) setTimeout(() => read(field));
  }
  // What was pasted before this ran.
  document.querySelectorAll(fields).forEach(read);
  document.addEventListener("paste", hear);
  return () => document.removeEventListener("paste", hear);
}
