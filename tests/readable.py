"""What a page must hold for everybody to read and use it, as questions to a browser."""

from __future__ import annotations

# [words, contrast with what lies behind them] of every element that shows words (WCAG 2.2, 1.4.3)
CONTRAST = """() => {
  const linear = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.map(linear); return .2126 * r + .7152 * g + .0722 * b };
  const rgb = s => { const m = s.match(/[\\d.]+/g).map(Number); return m.length > 3 && m[3] === 0 ? null : m.slice(0, 3) };
  const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c) return c }
                        return matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0] : [255, 255, 255] };
  const worded = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.checkVisibility();
  return [...document.querySelectorAll('main *')].filter(worded).map(e => {
    const a = light(rgb(getComputedStyle(e).color)), b = light(ground(e));
    return [e.textContent.trim().slice(0, 40), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)] });
}"""

# fields, buttons and links without a name
NAMELESS = """() => [...document.querySelectorAll('input, textarea, button, a')].filter(e => e.checkVisibility() && e.type !== 'hidden' &&
            !(e.labels && e.labels.length) && !e.textContent.trim()).map(e => e.outerHTML)"""

# [words, height] of what is pressed and lower than a finger needs
SMALL = """() => [...document.querySelectorAll('button, .where label, summary, input[type=text]')].filter(e => e.checkVisibility())
            .map(e => [e.textContent.trim(), e.getBoundingClientRect().height]).filter(([, height]) => height < 44)"""
