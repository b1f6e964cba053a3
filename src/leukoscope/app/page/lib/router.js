/** Views, selected by the part of the URL after #. */

/** @typedef {{view: "home"|"case"|"model", id: string}} Route */

/** @param {string} hash @returns {Route} */
export function parse(hash) {
  const [, view = "", id = ""] = hash.split("/");
  if (view === "case" && id) return { view: "case", id: decode(id) };
  return { view: view === "model" ? "model" : "home", id: "" };
}

/** @param {string} hash */
export function go(hash) {
  if (location.hash === hash) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = hash;
}

/** @param {string} id @returns {string} */
export function caseHash(id) {
  return `#/case/${encodeURIComponent(id)}`;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
