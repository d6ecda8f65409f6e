// The form tried out inside a Streamlit page: its answers go nowhere and are forgotten with it.

// An outbox belongs to the browser: an interview that waits in it goes where it should.
function sendPreview(payload) {
  if (payload.preview) return Promise.resolve({ outcome: "receipt", receipt: {} });
  return SurveyOutbox.post(window.location.origin + "/api/responses")(payload);
}

function show(mount, form) {
  const data = mount.component.data;
  const forget = function () { SurveyBrowserStorage.drop(data.draft_key); };
  forget();
  window.addEventListener("pagehide", forget);
  SurveyDom.clear(mount.root);
  mount.root.appendChild(SurveyDom.h("link", { rel: "stylesheet", href: data.style_url }));
  const preview = SurveyForm.mount(mount.root, {
    form, texts: textsFor(data), meta: { submission: { preview: true }, next: true, full: [] },
    draftKey: data.draft_key, language: data.language, elder: data.elder, heading: "h2",
    send: sendPreview, scheme: isDark(mount.root) ? "dark" : "light",
    // There is nothing to withdraw.
    onDraw: function (app) { if (app.screen !== "filling") app.state.code = ""; }
  });
  mount.handle = {
    unmount: function () {
      window.removeEventListener("pagehide", forget);
      preview.unmount();
      forget();
    }
  };
}

function follow(mount) { }
