"""The faults of a layout that a person would see: what is cut off, covered, or out of reach."""

from collections.abc import Iterator, Sequence

from tests.app.page.access import load_axe, violations
from tests.app.page.driver import SCREENS, Desk, Screen
from tests.app.page.fonts import use_font

# Text of the page is on average 0.42 em a character in Arial Narrow, 0.58 em in DejaVu Sans.
NARROW, WIDE = 0.4, 0.65

# Looks at the open dialog, else at the open menu, else at the page. If `reach`, it gives the focus
# to every control that Tab reaches, which scrolls it into view, and looks there.
FAULTS = """async (reach) => {
    const found = [];
    const say = (what, one) => found.push(`${what}: ${one.outerHTML.slice(0, 110)}`);
    const root = document.documentElement;
    const [width, height] = [root.clientWidth, root.clientHeight];
    const dialogs = [...document.querySelectorAll("dialog[open]")];
    const top = dialogs.at(-1) ?? document.querySelector(".menu[open]") ?? document.body;
    const page = document.getElementById("page");

    // Nothing is wider than the screen or its box. Pictures are cropped, and .scroll scrolls.
    if (root.scrollWidth > width) say("wider than the screen", root);
    for (const box of [page ?? root, ...top.querySelectorAll(".dialog-content, .side, .dock")])
        if (box.checkVisibility() && box.scrollWidth > box.clientWidth)
            say("scrolls sideways", box);
    const loose = ".scroll, .picture, .stage, svg, .visually-hidden, .skip, .strip";
    for (const one of top.querySelectorAll("*")) {
        if (!one.checkVisibility() || one.closest(loose)) continue;
        const box = one.getBoundingClientRect();
        if (box.width && (box.left < -0.5 || box.right > width + 0.5))
            say("beside the screen", one);
    }

    // What a control says is inside it, with its badges. An ellipsis is meant.
    const texts = "button, summary, .button, .chip, .tag, .badge, kbd, .segmented span, .toast";
    for (const one of top.querySelectorAll(texts)) {
        if (!one.checkVisibility() || one.matches(".card *")) continue;
        const box = one.getBoundingClientRect();
        const content = document.createRange();
        content.selectNodeContents(one);
        for (const part of content.getClientRects())
            if (part.width && (part.left < box.left - 1 || part.right > box.right + 1
                || part.top < box.top - 1 || part.bottom > box.bottom + 1)) {
                say("reaches out of its box", one);
                break;
            }
    }

    if (!reach) return found;
    // Heights that the page has told are those of this screen only after a frame.
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const held = document.activeElement;
    const clips = (style) => [style.overflowX, style.overflowY].some((o) => o !== "visible")
        || style.contentVisibility === "auto";
    const controls = [...top.querySelectorAll("button, a[href], input, select, textarea, summary, "
        + "[tabindex='0']")].filter((one) => one.checkVisibility() && one.tabIndex >= 0
        && !one.closest(".skip"));
    for (const one of controls) {
        document.activeElement?.blur(); // it may have been clicked, and then has no ring
        if (one.disabled) one.scrollIntoView({block: "nearest", inline: "nearest"});
        else one.focus({focusVisible: true});
        const label = one.closest("label");
        const box = one.getBoundingClientRect();
        const target = (label ?? one).getBoundingClientRect();
        const inText = one.matches("p a");
        if (!inText && (target.width < 24 || target.height < 24)) say("too small to hit", one);
        if (one.matches(".scroll")) continue; // by the controls in it
        const line = one.getClientRects()[0];
        const [x, y] = [line.left + line.width / 2, line.top + line.height / 2];
        if (x < 0 || x > width || y < 0 || y > height) {
            say("out of reach", one);
            continue;
        }
        const hit = document.elementFromPoint(x, y);
        if (!hit || !(one.contains(hit) || label?.contains(hit)))
            say(`covered by ${hit?.outerHTML.slice(0, 40)}`, one);
        if (one.disabled) continue;
        if (document.activeElement !== one) {
            say("takes no focus", one);
            continue;
        }
        const style = getComputedStyle(one);
        if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) === 0) {
            // A card's ring is inside its picture, that of a segment around its word.
            if (!one.matches(".card .open, .segmented input")) say("shows no focus", one);
            continue;
        }
        const grow = Math.max(0, parseFloat(style.outlineOffset) + parseFloat(style.outlineWidth));
        const cut = (low, high, from, to) => low < from - 0.6 || high > to + 0.6;
        for (let up = one.parentElement; up; up = up.parentElement) {
            if (up !== root && !clips(getComputedStyle(up))) continue;
            const edge = up.getBoundingClientRect();
            const [left, above] = up === root ? [0, 0]
                : [edge.left + up.clientLeft, edge.top + up.clientTop];
            if (cut(box.left - grow, box.right + grow, left, left + up.clientWidth)
                || (box.height + 2 * grow < up.clientHeight
                    && cut(box.top - grow, box.bottom + grow, above, above + up.clientHeight))) {
                say(`its ring is cut by ${up.tagName}.${up.className}`, one);
                break;
            }
        }
    }
    if (held instanceof HTMLElement) held.focus({preventScroll: true});
    return [...new Set(found)];
}"""

# Of the open dialog, or of the page with what is open on it.
CONTRAST = """() => axe.run([...document.querySelectorAll("dialog[open]")].at(-1) ?? document,
    {runOnly: ["color-contrast"], resultTypes: ["violations"], elementRef: false})"""


def faults(at: Desk, screens: Sequence[Screen] = SCREENS) -> list[str]:
    """Everything that is wrong with what is open, on each screen in a narrow and a wide font.

    It stays open. What takes longer is looked at where it is hardest: reach and focus in the wide
    font, all rules of axe on the first screen, and that of contrast once in each theme.
    """
    return list(_faults(at, screens))


def _faults(at: Desk, screens: Sequence[Screen]) -> Iterator[str]:
    looked: set[str] = set()
    load_axe(at)
    for (width, _, scheme), _ in zip(screens, at.screens(screens), strict=True):
        for font in (NARROW, WIDE):
            use_font(at.page, font)
            for fault in at.page.evaluate(FAULTS, font == WIDE):
                yield f"{width} px, {scheme}, {font} em: {fault}"
        if not looked:
            yield from violations(at)
        elif scheme not in looked:
            for one in at.page.evaluate(CONTRAST)["violations"]:
                yield from (f"{scheme}: contrast of {node['html'][:110]}" for node in one["nodes"])
        looked.add(scheme)
    use_font(at.page, None)
