// The grid of a typist, or the two sides of a verdict, inside a Streamlit page.
function show(mount, form) {
  const data = mount.component.data;
  SurveyDom.clear(mount.root);
  mount.root.appendChild(SurveyDom.h("link", { rel: "stylesheet", href: data.style_url }));
  mount.handle = SurveyGrid.mount(mount.root, Object.assign({}, data.verdict, {
    form, texts: textsFor(data), batch: data.batch, draftKey: data.draft_key,
    language: data.language, scheme: isDark(mount.root) ? "dark" : "light",
    send: SurveyOutbox.post(window.location.origin + "/api/responses"),
    onReceipt: function (uuid) { mount.component.setTriggerValue("keyed", uuid); }
  }));
}

function follow(mount) {
  if (mount.handle) mount.handle.update(mount.component.data.batch);
}
