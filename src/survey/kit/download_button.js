// Fetches a file as soon as its address is there: { address: "/download/…" }. An address works once,
// and a component may be drawn several times.
export default function ({ data }) {
  const started = (window.surveyDownloads ??= new Set());
  if (!data || started.has(data.address)) return;
  started.add(data.address);
  const link = document.createElement("a");
  link.href = data.address;
  link.download = "";
  document.body.append(link);
  // It does not bubble: a click outside of an open popover would close that.
  link.dispatchEvent(new MouseEvent("click", { cancelable: true }));
  link.remove();
}
