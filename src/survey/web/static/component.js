// What Streamlit runs: fetches the form once (kept by the browser for ever) and hands over to it.
export default function (component) {
  // Streamlit runs this from a blob: address, which no path is relative to.
  const url = window.location.origin + component.data.script_url;
  let gone = false;
  let form = null;
  let timer = null;
  function load(attempt) {
    import(attempt ? url + "?" + attempt : url).then(function (loaded) {
      form = loaded;
      if (!gone) form.run(component);
    }).catch(function () {
      timer = setTimeout(function () { load(attempt + 1); }, 3000);
    });
  }
  load(0);
  return function () {
    gone = true;
    clearTimeout(timer);
    if (form) form.stop(component.parentElement);
  };
}
