"""What is wrong with how a page looks, to eyes, to fingers and to software that reads it out."""

from __future__ import annotations

from pathlib import Path

from ._chromium import Tab

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
#: CSS pixels that a finger hits (WCAG 2.5.5).
TARGET = 44

_MEASURE = """(least) => {
  const found = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push("the page is wider than the window");
  for (const one of document.querySelectorAll("a, button, input:not([type=hidden])")) {
    const {width, height, left, right} = one.getBoundingClientRect();
    const size = `${one.innerText.trim()}: ${width} x ${height}`;
    if (Math.min(width, height) < least) found.push(`${size} is small`);
    if (left < 0 || right > root.clientWidth) found.push(`${size} is cut off`);
    if (one.scrollWidth > one.clientWidth + 1) found.push(`${size} does not hold its text`);
  }
  return found;
}"""

_RUN_AXE = """async () => {
  const {violations} = await axe.run(document, {rules: {"target-size": {enabled: true}}});
  return violations.flatMap(({id, nodes}) => nodes.map(({html, failureSummary}) =>
    `${id}: ${html} ${failureSummary}`));
}"""

_FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const around = one.parentElement.closest("main");
  return {
    name: one.innerText.trim().split("\\n").pop(),
    style: style.outlineStyle,
    width: parseFloat(style.outlineWidth),
    colors: [style.outlineColor, getComputedStyle(around).backgroundColor],
  };
}"""


def measured(tab: Tab) -> list[str]:
    """What is too wide, too small or cut off."""
    found: list[str] = tab.script(_MEASURE, TARGET)
    return found


def found_by_axe(tab: Tab) -> list[str]:
    """What axe has against the page, contrast included."""
    if not tab.script("() => 'axe' in window"):
        tab.script(AXE.read_text())
    found: list[str] = tab.script(_RUN_AXE)
    return found


def focus(tab: Tab) -> tuple[str, bool]:
    """What has the focus, and whether one sees that."""
    found = tab.script(_FOCUS)
    is_seen = found["style"] != "none" and found["width"] >= 2
    return found["name"], is_seen and contrast(*found["colors"]) >= 3  # WCAG 1.4.11


def contrast(one: str, other: str) -> float:
    """The contrast between two opaque colours, as ``rgb(1, 2, 3)`` (WCAG 2.2, contrast ratio)."""
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    parts = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
