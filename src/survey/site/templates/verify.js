// Compares dropped files with the signed manifests of this site; nothing leaves the browser.
// verify.py is the whole check: it also looks at modes in the archive and at time stamps.
(function () {
  "use strict";

  const SUPPORT_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  const KEY_NAME = "name of a release key\n";
  const MANIFEST = "release.json", SIGNATURE = "release.sig", TIME_STAMP = "release.tsr";
  const MAX_MANIFEST_BYTES = 50e6, MAX_SIGNATURE_BYTES = 1e4, MAX_TABLE_BYTES = 2e9;
  const section = /** @type {HTMLElement} */ (document.getElementById("verifier"));
  const given = JSON.parse(section.dataset.given || "{}");
  const found = /** @type {HTMLElement} */ (section.querySelector(".found"));

  function say(name, values) {
    return given.texts[name].replace(/\{(\w+)\}/g, (all, key) => key in values ? values[key] : all);
  }

  function decode(text) { return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)); }

  async function hash(bytes) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function importKey(bytes) {
    return crypto.subtle.importKey("raw", bytes, { name: "Ed25519" }, false, ["verify"]);
  }

  async function fetchBytes(path) {
    const answer = await fetch(`${section.dataset.root}files/${path}`);
    if (!answer.ok) throw new Error(path);
    return new Uint8Array(await answer.arrayBuffer());
  }

  function parse(bytes) { return JSON.parse(new TextDecoder().decode(bytes)); }

  // Keys by the id that follows from them, never by the one that the list claims.
  async function readKeys() {
    const list = parse(await fetchBytes("release-keys.json"));
    const keys = new Map();
    for (const each of list.keys) {
      const bytes = decode(each.public_key);
      const name = new TextEncoder().encode(KEY_NAME);
      const named = new Uint8Array(name.length + bytes.length);
      named.set(name);
      named.set(bytes, name.length);
      const fingerprint = (await hash(bytes)).replace(/.{8}(?=.)/g, "$& ");
      keys.set((await hash(named)).slice(0, 16), { bytes, fingerprint, demo: each.demo, withdrawn: each.withdrawn });
    }
    const retracted = new Set((list.retracted || []).map((each) => each.id));
    const corrected = new Map((list.corrected || []).map((each) => [each.id, each.by]));
    return { keys, retracted, corrected };
  }

  // What is signed, or why it is not to be believed: `unsigned`, `withdrawn` or `retracted`.
  async function checkSigned(published, manifestBytes, signatureBytes) {
    const written = new TextDecoder().decode(signatureBytes), fields = JSON.parse(written);
    const exact = { algorithm: "Ed25519", key_id: fields.key_id, signature: fields.signature };
    const key = published.keys.get(fields.key_id);
    if (!key || written !== `${JSON.stringify(exact, null, 2)}\n`) return { problem: "unsigned" };
    const verified = await crypto.subtle.verify(
      { name: "Ed25519" }, await importKey(key.bytes), decode(fields.signature), manifestBytes);
    if (!verified) return { problem: "unsigned" };
    const manifest = parse(manifestBytes);
    if (key.demo && !manifest.demo) return { problem: "unsigned" };
    const own = { path: MANIFEST, size: manifestBytes.length, sha256: await hash(manifestBytes), blocks: [] };
    const problem = key.withdrawn ? "withdrawn" : published.retracted.has(manifest.id) ? "retracted" : "";
    return { problem, manifest, key, files: manifest.files.concat([own]) };
  }

  async function readReleases(published) {
    const releases = [];
    for (const id of given.releases) {
      releases.push(await checkSigned(
        published, await fetchBytes(`${id}/${MANIFEST}`), await fetchBytes(`${id}/${SIGNATURE}`)));
    }
    return releases.filter((each) => each.manifest);
  }

  async function unpack(bytes, format, most) {
    const unpacker = /** @type {any} */ (new DecompressionStream(format));
    const reader = new Blob([bytes]).stream().pipeThrough(unpacker).getReader();
    const parts = [];
    let size = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > most) throw new Error(`> ${most}`);
      parts.push(value);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  }

  // Files of an archive; `hidden` if it is more than these, one behind the other.
  function readArchive(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset), end = bytes.length - 22;
    const text = (at, size) => new TextDecoder().decode(bytes.subarray(at, at + size));
    if (end < 0 || view.getUint32(end, true) !== 0x06054b50) return { files: new Map(), hidden: true };
    const count = view.getUint16(end + 10, true), files = new Map();
    const start = view.getUint32(end + 16, true);
    let at = start, next = 0, hidden = false;
    for (let number = 0; number < count; number++) {
      const length = view.getUint16(at + 28, true), local = view.getUint32(at + 42, true);
      const packed = view.getUint32(at + 20, true), name = text(at + 46, length);
      const extras = view.getUint16(at + 30, true) + view.getUint16(at + 32, true) + view.getUint16(local + 28, true);
      const body = local + 30 + length;
      hidden = hidden || local !== next || extras > 0 || files.has(name) || text(local + 30, length) !== name
        || view.getUint16(local + 26, true) !== length || view.getUint16(at + 10, true) !== 8;
      files.set(name, bytes.subarray(body, body + packed));
      next = body + packed;
      at += 46 + length + extras;
    }
    return { files, hidden: hidden || next !== start || at !== end };
  }

  async function listDifferences(bytes, entry) {
    const ranges = [];
    let equal = 0;
    for (let number = 0; number < entry.blocks.length; number++) {
      const first = number * entry.block_size, last = Math.min(first + entry.block_size, entry.size) - 1;
      const digest = await hash(bytes.subarray(first, first + entry.block_size));
      if (digest.slice(0, entry.blocks[number].length) === entry.blocks[number]) equal += 1;
      else if (ranges.length && ranges[ranges.length - 1][1] + 1 === first) ranges[ranges.length - 1][1] = last;
      else ranges.push([first, last]);
    }
    return { equal, bytes: ranges.map((range) => range.join("–")).join(", ") };
  }

  async function checkArchive(published, bytes) {
    const { files, hidden } = readArchive(bytes);
    if (!files.has(MANIFEST) || !files.has(SIGNATURE)) return null;
    const inflate = (path, most) => unpack(files.get(path), "deflate-raw", most);
    const signed = await checkSigned(
      published, await inflate(MANIFEST, MAX_MANIFEST_BYTES), await inflate(SIGNATURE, MAX_SIGNATURE_BYTES));
    if (signed.problem || !signed.manifest) return { outcome: signed.problem, signed, lines: [] };
    const lines = hidden ? [say("hidden", {})] : [], listed = new Set([MANIFEST, SIGNATURE, TIME_STAMP]);
    for (const entry of signed.manifest.files) {
      listed.add(entry.path);
      if (!files.has(entry.path)) {
        lines.push(say("missing", { name: entry.path }));
        continue;
      }
      const content = await inflate(entry.path, entry.size).catch(() => new Uint8Array());
      if (content.length === entry.size && await hash(content) === entry.sha256) continue;
      const { bytes: ranges } = await listDifferences(content, entry);
      lines.push(say("changedPart", { name: entry.path }) + (ranges ? ` ${say("changedBytes", { bytes: ranges })}` : ""));
    }
    for (const path of files.keys()) if (!listed.has(path)) lines.push(say("unlisted", { name: path }));
    return { outcome: lines.length ? "changed" : "genuine", signed, lines, whole: true };
  }

  async function checkFile(releases, name, bytes) {
    const packed = name.endsWith(".gz");
    const content = packed ? await unpack(bytes, "gzip", MAX_TABLE_BYTES) : bytes;
    const plain = packed ? name.slice(0, -3) : name, digest = await hash(content);
    const entries = [];
    for (const signed of releases) for (const entry of signed.files) entries.push({ signed, entry });
    const same = entries.find((each) => each.entry.sha256 === digest && each.entry.size === content.length);
    if (same) return { outcome: same.signed.problem || "genuine", signed: same.signed, lines: [] };
    // Every wave has a file of the same name: the release with the most equal blocks is meant.
    let best = null;
    const named = entries.filter((each) => each.entry.path.split("/").pop() === plain);
    for (const each of named) {
      const difference = await listDifferences(content, each.entry);
      if (!best || difference.equal > best.difference.equal) best = { signed: each.signed, entry: each.entry, difference };
    }
    if (!best || (named.length > 1 && !best.difference.equal)) return { outcome: "unknown", signed: null, lines: [] };
    const lines = [];
    if (content.length !== best.entry.size) lines.push(say("changedSize", { size: content.length, signed: best.entry.size }));
    if (best.difference.bytes) lines.push(say("changedBytes", { bytes: best.difference.bytes }));
    return { outcome: "changed", signed: best.signed, lines };
  }

  // What has the name of a release's archive and is none.
  function findBroken(releases, name) {
    const meant = releases.find((each) => `${each.manifest.id}.zip` === name);
    return meant && { outcome: "changed", signed: meant, lines: [say("hidden", {})] };
  }

  function show(card, outcome, lines) {
    card.className = outcome;
    const title = document.createElement("h3");
    title.textContent = given.texts[outcome];
    card.replaceChildren(title, ...lines.map((line) => {
      const paragraph = document.createElement("p");
      paragraph.textContent = line;
      return paragraph;
    }));
  }

  function describe(published, name, result) {
    const { outcome, signed, lines } = result;
    const release = signed && signed.manifest ? signed.manifest.id : "";
    const sentence = outcome === "genuine" && result.whole ? "genuineArchive" : `${outcome}File`;
    const sentences = [say(sentence, { file: name, release }), ...lines];
    if (outcome === "genuine" && published.corrected.has(release))
      sentences.push(say("corrected", { release, by: published.corrected.get(release) }));
    if (signed && signed.manifest && signed.manifest.demo) sentences.push(say("demo", {}));
    if (signed && signed.key) sentences.push(say("fingerprint", { fingerprint: signed.key.fingerprint }));
    return sentences;
  }

  async function check(file) {
    const card = document.createElement("article");
    found.prepend(card);
    show(card, "busy", [file.name]);
    let known;
    try {
      const published = await readKeys();
      known = { published, releases: await readReleases(published) };
    } catch (error) {
      show(card, "unreadable", [given.texts.unreachable]);
      return;
    }
    try {
      const bytes = new Uint8Array(await file.arrayBuffer()), { published, releases } = known;
      const archive = file.name.toLowerCase().endsWith(".zip") && await checkArchive(published, bytes);
      const result = archive || findBroken(releases, file.name) || await checkFile(releases, file.name, bytes);
      show(card, result.outcome, describe(published, file.name, result));
    } catch (error) {
      show(card, "unreadable", [say("unreadableFile", { file: file.name, reason: String(error) })]);
    }
  }

  async function checkAll(files) {
    for (const file of Array.from(files)) await check(file);
  }

  async function start() {
    try {
      if (!window.isSecureContext) return;
      await importKey(decode(SUPPORT_KEY));
      new DecompressionStream("deflate-raw");
    } catch (error) {
      return;
    }
    const input = /** @type {HTMLInputElement} */ (section.querySelector("input"));
    const drop = /** @type {HTMLElement} */ (section.querySelector(".drop"));
    input.addEventListener("change", () => {
      checkAll(input.files);
      // Else the same file, changed meanwhile, could not be chosen again.
      input.value = "";
    });
    drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      checkAll(event.dataTransfer ? event.dataTransfer.files : []);
    });
    /** @type {HTMLElement} */ (section.querySelector(".without")).hidden = true;
    /** @type {HTMLElement} */ (section.querySelector(".check")).hidden = false;
  }

  start();
})();
