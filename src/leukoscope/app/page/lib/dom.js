/** Create elements. Text always becomes a text node, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node|string|number|null|undefined|false|Child[]} Child
 * @typedef {Record<string, any>} Props
 */

/**
 * An HTML element.
 *
 * Props: `onclick` etc. are listeners; `vars` sets CSS custom properties (through the CSSOM, because
 * the content security policy forbids style attributes); `value`, `checked` and `indeterminate` are
 * set as properties; true and false set and omit an attribute; null omits it.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  setProps(element, props);
  element.append(...nodes(children));
  return element;
}

/**
 * An SVG element, with the same props.
 *
 * @param {string} tag
 * @param {Props} [props]
 * @param {...Child} children
 * @returns {SVGElement}
 */
export function svg(tag, props = {}, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  setProps(element, props);
  element.append(...nodes(children));
  return element;
}

/**
 * Replace the children of an element.
 *
 * @param {Element} element
 * @param {...Child} children
 */
export function render(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/** @param {Element} element @param {Record<string, string|number>} vars */
export function setVars(element, vars) {
  const { style } = /** @type {HTMLElement} */ (element);
  for (const [name, value] of Object.entries(vars)) style.setProperty(name, String(value));
}

/**
 * Keep the height of an element, in pixels, in a CSS variable of the page; 0 while it is hidden.
 *
 * @param {Element} element
 * @param {string} name
 */
export function tellHeight(element, name) {
  new ResizeObserver(([{ borderBoxSize }]) =>
    setVars(document.documentElement, { [name]: `${borderBoxSize[0].blockSize}px` }),
  ).observe(element, { box: "border-box" });
}

/**
 * Set the text of an element if it differs, so that a screen reader does not repeat it.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {Props} props */
function setProps(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "vars") setVars(element, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (["value", "checked", "indeterminate"].includes(name))
      /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {Child[]} children @returns {(Node|string)[]} */
function nodes(children) {
  return children.flatMap((child) => {
    if (Array.isArray(child)) return nodes(child);
    if (child === null || child === undefined || child === false) return [];
    return [child instanceof Node ? child : String(child)];
  });
}
