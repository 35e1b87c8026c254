#!/usr/bin/env python3
"""The book in a real browser: what a reader sees, in both themes, on a desk and on a phone.

Serves the book with `muelle book`, opens it in Debian's Chromium, saves screenshots and checks what only a browser can
tell: nothing is wider than the screen, every text has the contrast of WCAG AA, the search folds accents and knows
plurals, and the keyboard gets everywhere. Nothing is downloaded: `apt-get install chromium` is all it needs.

    tests/browser/shots.py [--out DIR] [--muelle PATH] [PAGE…]
"""
import argparse
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ["02-dockerfile", "04-compose", "10-proyecto-final"]
SIZES = {"escritorio": (1280, 1600), "movil": (360, 1600)}
THEMES = {"claro": "light", "oscuro": "dark"}

CONTRAST = r"""
(() => {
  const parse = text => {
    const found = text.match(/rgba?\(([^)]*)\)/);
    if (!found) return null;
    const [r, g, b, a = 1] = found[1].split(/[\s,\/]+/).filter(x => x).map(Number);
    return [r, g, b, a];
  };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = element => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour && colour[3] > 0) { layers.push(colour); if (colour[3] === 1) break; }
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const bad = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
    if (['SCRIPT', 'STYLE', 'TITLE', 'DESC', 'TEMPLATE', 'NOSCRIPT'].includes(element.tagName.toUpperCase())) continue;
    const style = getComputedStyle(element);
    const svg = element.closest('svg');
    const text = parse(svg ? style.fill : style.color);
    if (!text) continue;
    const back = ground(svg ? svg.parentElement : element);
    const [a, b] = [light(over(text, back)), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      const name = element.tagName.toLowerCase() + '.' + String(element.getAttribute('class') || '').split(' ').join('.')
        + ' ' + (svg ? style.fill : style.color);
      if (!bad.has(name)) bad.set(name, ratio.toFixed(2) + ' ' + walker.currentNode.textContent.trim().slice(0, 40));
    }
  }
  return [...bad].map(pair => pair.join(': '));
})()
"""

WIDE = r"""
(() => {
  const width = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > width + 1
    && !e.closest('pre, .table-wrapper, figure')).map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.trim().slice(0, 40)).slice(0, 5)
    .concat(['the page is ' + document.scrollingElement.scrollWidth + ' px wide']);
})()
"""

ENGLISH = r"""
[...document.querySelectorAll('[title], [aria-label], [placeholder], button, summary')]
  .flatMap(e => [e.title, e.getAttribute('aria-label'), e.placeholder, e.textContent])
  .filter(t => t && /\b(the|search|copy|toggle|chapter|theme|print|book|next|previous|show|hide|press|lines|light|dark|auto)\b/i.test(t))
  .filter(t => !/docker|compose|`/i.test(t))
"""


class Browser:
    """Chromium, spoken to through a pipe."""

    def __init__(self, folder):
        read, self.write = os.pipe()
        self.read, write = os.pipe()
        # Chromium reads descriptor 3 and writes to descriptor 4.
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
                   "--no-first-run", "--disable-extensions", f"--user-data-dir={folder}", "--remote-debugging-pipe", "about:blank"]
        script = 'exec 3<&"$0" 4>&"$1"; shift; exec "$@"'
        self.process = subprocess.Popen(["bash", "-c", script, str(read), str(write), *command], pass_fds=(read, write),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read)
        os.close(write)
        self.rest, self.number, self.session, self.said = b"", 0, None, []
        target = next(t for t in self.ask("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log"]:
            self.ask(f"{domain}.enable")

    def hear(self):
        while b"\0" not in self.rest:
            data = os.read(self.read, 1 << 20)
            if not data:
                sys.exit("chromium went away")
            self.rest += data
        line, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(line)
        if message.get("method") == "Runtime.exceptionThrown":
            self.said.append(message["params"]["exceptionDetails"].get("exception", {}).get("description", "exception"))
        if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            entry = message["params"]["entry"]
            self.said.append(f"{entry['text']} {entry.get('url', '')}")
        return message

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.hear()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]

    def open(self, url):
        self.ask("Page.navigate", url=url)
        while self.hear().get("method") != "Page.loadEventFired":
            pass

    def value(self, script):
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            sys.exit(f"{script[:80]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, script):
        for _ in range(100):
            if self.value(script):
                return True
            time.sleep(0.05)
        return False

    def look(self, theme, width, height):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme},
                                                         {"name": "prefers-reduced-motion", "value": "reduce"}])

    def key(self, key, text=None, code=None):
        for kind in ["keyDown", "keyUp"]:
            extra = {"text": text} if text and kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                     windowsVirtualKeyCode={"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40}.get(key, 0), **extra)

    def shot(self, path, height=None):
        params = {}
        if height:
            params = {"captureBeyondViewport": True,
                      "clip": {"x": 0, "y": 0, "width": self.value("innerWidth"), "height": height, "scale": 1}}
        data = self.ask("Page.captureScreenshot", format="png", **params)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self):
        self.process.terminate()
        self.process.wait()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--out", type=pathlib.Path, default=ROOT / "target/browser")
    options.add_argument("--muelle", default=str(ROOT / "target/debug/muelle"))
    options.add_argument("pages", nargs="*", default=PAGES)
    options = options.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen([options.muelle, "book", "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    faults = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = None
        try:
            url = server.stdout.readline().split()[-1]
            browser = Browser(folder)
            faults += look_at_pages(browser, url, options)
            faults += use_the_keyboard(browser, url, options.out)
            faults += [f"the browser says: {said}" for said in browser.said]
        finally:
            if browser:
                browser.close()
            server.terminate()
            server.wait()
    for fault in dict.fromkeys(faults):
        print("FAULT", fault)
    print(f"{len(list(options.out.glob('*.png')))} screenshots in {options.out}; {len(faults)} faults")
    sys.exit(1 if faults else 0)


def look_at_pages(browser, url, options):
    faults = []
    every = sorted(path.stem for path in (ROOT / "book/src").glob("*.md") if path.stem not in ["SUMMARY", "404"])
    for theme, scheme in THEMES.items():
        for size, (width, height) in SIZES.items():
            browser.look(scheme, width, height)
            for page in every:
                browser.open(f"{url}{page}.html")
                browser.value("document.querySelectorAll('details').forEach(one => one.open = true)")
                where = f"{page}, {theme}, {size}"
                faults += [f"{where}: contrast {one}" for one in browser.value(CONTRAST)]
                faults += [f"{where}: too wide: {one}" for one in browser.value(WIDE)]
                faults += [f"{where}: English: {one}" for one in browser.value(ENGLISH)]
                if browser.value("document.documentElement.lang") != "es":
                    faults.append(f"{where}: the page does not say that it is in Spanish")
                if page in options.pages:
                    browser.value("document.querySelectorAll('details').forEach(one => one.open = false)")
                    whole = browser.value("document.documentElement.scrollHeight")
                    browser.shot(options.out / f"{page}-{theme}-{size}.png", min(whole, 4200))
    return faults


def use_the_keyboard(browser, url, out):
    faults = []

    def must(true, what):
        if not true:
            faults.append(what)

    browser.look("light", 1280, 900)
    browser.open(f"{url}04-compose.html")
    browser.key("Tab")
    must(browser.value("document.activeElement.className") == "saltar", "the first Tab is not the link to the content")
    browser.key("?", "?")
    must(browser.until("getComputedStyle(document.getElementById('mdbook-help-container')).display !== 'none'"), "`?` shows no help")
    browser.shot(out / "ayuda.png")
    browser.key("Escape")
    must(browser.until("getComputedStyle(document.getElementById('mdbook-help-container')).display === 'none'"), "Esc does not close the help")
    browser.key("/", "/")
    must(browser.until("document.activeElement.id === 'mdbook-searchbar'"), "`/` does not lead to the search")

    def ask(question):
        browser.value(f"(() => {{ const bar = document.getElementById('mdbook-searchbar'); bar.value = {json.dumps(question)};"
                      " bar.dispatchEvent(new Event('input')); })()")
        browser.until(f"document.getElementById('mdbook-searchresults-header').textContent.includes({json.dumps(question)})")
        return browser.value("[...document.querySelectorAll('#mdbook-searchresults a')].map(a => a.href)")

    with_accents, without = ask("señal"), ask("senal")
    must(with_accents and with_accents == without or not with_accents and not without, "«senal» does not find what «señal» does")
    must(bool(with_accents), "«señal» finds nothing")
    one, many = ask("volumen"), ask("volúmenes")
    must(bool(one) and {u.split("?")[0] for u in one} & {u.split("?")[0] for u in many}, "«volúmenes» does not find «volumen»")
    must(bool(ask("construir")), "«construir» finds nothing")
    must(bool(ask(".dockerignore")), "«.dockerignore» finds nothing")
    must(not ask("zzzyx"), "nonsense finds something")
    told = browser.value("document.getElementById('mdbook-searchresults-header').textContent")
    must(told == "No hay resultados para «zzzyx».", f"no results: {told}")
    ask("chequeo de salud")
    browser.shot(out / "busca.png")
    browser.key("ArrowDown")
    must(browser.value("document.activeElement.closest('#mdbook-searchresults') !== null"), "the arrow does not lead to the results")
    browser.key("Enter")
    must(browser.until("location.search.includes('marca=') && document.querySelector('mark') !== null"), "a result is not opened, or not marked")
    browser.open(f"{url}no-existe.html")
    must("no existe" in browser.value("document.title"), "the page that is not there is not in Spanish")
    browser.said = [said for said in browser.said if "404" not in said]
    browser.look("light", 360, 700)
    browser.open(f"{url}04-compose.html")
    browser.value("document.getElementById('mdbook-sidebar-toggle').focus()")
    browser.key("Enter", "\r")
    must(browser.until("document.getElementById('mdbook-sidebar').getAttribute('aria-hidden') === 'false'"), "the keyboard does not open the contents")
    time.sleep(0.4)
    browser.shot(out / "indice-movil.png")
    return faults


if __name__ == "__main__":
    main()
