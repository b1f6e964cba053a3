/** Subjects from the folders of the files, for images whose names state none. Pure functions. */

/** @typedef {import("../server/types.js").Cell} Cell */

/** The longest name of a subject that the server takes. */
const LONGEST = 100;

/**
 * The cells without a subject, by the folder that is most likely that of a person.
 *
 * In a path such as `ALL/patient_34/1.png` that is the level with most names; of equal levels, the
 * lowest. A name that occurs in several folders (`ALL/1`, `HEM/1`) keeps the path to it, because
 * these can be two persons.
 *
 * @param {Iterable<Pick<Cell, "id" | "name" | "subject">>} cells
 * @returns {Map<string, number[]>} Ids of cells by folder; empty with fewer than two folders.
 */
export function cellsByFolder(cells) {
  const inFolders = [...cells]
    .filter(({ subject }) => !subject)
    .map(({ id, name }) => ({ id, path: name.split("/").slice(0, -1) }));
  const level = mostNames(inFolders.map(({ path }) => path));
  /** @type {Map<string, number[]>} */
  const found = new Map();
  if (level < 0) return found;
  const deep = inFolders.filter(({ path }) => path.length > level);
  const start = sharedLevels(deep.map(({ path }) => path));
  const names = new Set(deep.map(({ path }) => path[level])).size;
  const paths = new Set(deep.map(({ path }) => path.slice(0, level + 1).join("/"))).size;
  for (const { id, path } of deep) {
    const name = path.slice(names < paths ? start : level, level + 1).join("/");
    const subject = name.slice(-LONGEST);
    found.set(subject, [...(found.get(subject) ?? []), id]);
  }
  return found;
}

/** @param {string[][]} paths @returns {number} The level of most names; -1 if none has two. */
function mostNames(paths) {
  let best = -1;
  let most = 2;
  for (let level = 0; paths.some((path) => path.length > level); level += 1) {
    const names = new Set(paths.map((path) => path[level]).filter(Boolean)).size;
    if (names >= most) [best, most] = [level, names];
  }
  return best;
}

/** @param {string[][]} paths @returns {number} The number of first levels that all have in common. */
function sharedLevels(paths) {
  let level = 0;
  while (new Set(paths.map((path) => path[level])).size === 1) level += 1;
  return level;
}
