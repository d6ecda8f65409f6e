// Fetches a file as soon as its address is there: { address: "/download/…" }. An address works once,
// and a component may be drawn several times.
export default function ({ data }) {
  const begun = (window.surveyDownloads ??= new Set());
  if (!data || begun.has(data.address)) return;
  begun.add(data.address);
  const link = document.createElement("a");
  link.href = data.address;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}
