"""The site in a browser: found, walked through, read on a phone and in the dark, and nothing asked of the world."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser
PAGES = ("index.html", "lessons/index.html", "lessons/00_start_here.html", "lessons/04_coop.html",
         "lessons/09_comparison.html", "results.html", "costs.html", "choosing.html", "glossary.html",
         "command_line.html", "api/index.html")  # fmt: skip


def quiet(seen) -> None:
    assert seen.elsewhere == [], "asked of another host"
    assert seen.errors == [], "said on the console"


def test_search_finds_cocoop(opened, site):
    seen = opened(f"{site}search.html?q=CoCoOp")
    results = seen.page.locator("#search-results ul.search li a")
    results.first.wait_for(timeout=30_000)
    assert any("05_cocoop" in (one.get_attribute("href") or "") for one in results.all())
    quiet(seen)


def test_next_leads_through_all_lessons_and_previous_back(opened, site):
    seen = opened(f"{site}lessons/index.html")
    names = [link.get_attribute("href") for link in seen.page.locator("article table a[href*='html']").all()]
    lessons = list(dict.fromkeys(name.split("#")[0].split("/")[-1] for name in names))
    assert len(lessons) >= 11
    seen.page.goto(f"{site}lessons/{lessons[0]}")
    walked = [lessons[0]]
    for _ in lessons[1:]:
        with seen.page.expect_navigation():
            seen.page.locator("a.next-page").click()
        walked.append(seen.page.url.split("/")[-1].split("#")[0])
    assert walked == lessons
    for lesson in reversed(lessons[:-1]):
        with seen.page.expect_navigation():
            seen.page.locator("a.prev-page").click()
        assert seen.page.url.split("/")[-1].split("#")[0] == lesson
    quiet(seen)


@pytest.mark.parametrize("page", PAGES)
def test_a_phone_scrolls_no_page_sideways(opened, site, page):
    seen = opened(site + page, width=390)
    wide = seen.page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{wide} pixels too wide"
    quiet(seen)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", ["index.html", "lessons/04_coop.html", "results.html"])
def test_text_stands_out_from_its_ground(opened, site, page, dark):
    """Contrast of all text in the article: WCAG's AA, 4.5 to 1, or 3 to 1 where letters are large."""
    seen = opened(site + page, dark=dark)
    seen.page.wait_for_load_state("networkidle")
    poor = seen.page.evaluate(CONTRAST)
    assert poor == []
    shot = np.asarray(Image.open(io.BytesIO(seen.page.screenshot())).convert("L"))
    assert (np.median(shot) < 90) == dark, "the page is as dark as was asked for"
    quiet(seen)


CONTRAST = """() => {
  const parse = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const linear = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3]));
  const ground = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const found = new Map();
  const walker = document.createTreeWalker(document.querySelector('article') ?? document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, style = getComputedStyle(element);
    if (!node.textContent.trim() || style.visibility === 'hidden' || !element.getClientRects().length) continue;
    if (element.closest('svg, script, style, .headerlink, .copybtn') || style.opacity === '0') continue;
    const under = ground(element), text = over(parse(style.color), under);
    const [high, low] = [light(text), light(under)].sort((a, b) => b - a), ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      const key = `${element.tagName}.${element.className} ${style.color} on ${under.map(Math.round)}`;
      if (!found.has(key)) found.set(key, `${key}: ${ratio.toFixed(1)}, "${node.textContent.trim().slice(0, 30)}"`);
    }
  }
  return [...found.values()];
}"""
