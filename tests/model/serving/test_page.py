"""The page in a real browser: what an editor does with it, and what goes wrong."""

import csv
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

type MakeService = Callable[..., AbstractContextManager[httpx.Client]]
type Service = tuple[httpx.Client, Any]

TEXT: Final = "😀 وزیر خارجه ایران در کابل گفت بانک مرکزی باز است. دولت در هرات باران دید.\nسازمان ملل در تهران است."
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_LONG_SECONDS: Final = 30.0
"""In which 20,000 words are to be shown, on a machine that does other things too."""
_LONGEST_BLOCK: Final = 1.0
"""Seconds that the page may be unresponsive at one time with such a text."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(_BROWSERS)} is on the path; apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@contextmanager
def visit(browser: Browser, client: httpx.Client, **options: Any) -> Iterator[Page]:
    """Open the page; errors in it, and requests to another origin, fail the test."""
    faults: list[str] = []
    context = browser.new_context(reduced_motion="reduce", **options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    origins = (str(client.base_url).rstrip("/"), "blob:", "data:")
    page.on("request", lambda asked: None if asked.url.startswith(origins) else faults.append(asked.url))
    page.goto(str(client.base_url))
    yield page
    context.close()
    assert not faults


@pytest.fixture(scope="session")
def client(gated_bundled: Any, start: MakeService) -> Iterator[httpx.Client]:
    with start(gated_bundled, max_body_bytes=20_000) as client:
        yield client


@pytest.fixture
def gated(gated_bundled: Any) -> Iterator[Any]:
    gated_bundled.explaining.clear()
    yield gated_bundled
    gated_bundled.gate.set()


@pytest.fixture
def service(client: httpx.Client, gated: Any) -> Service:
    return client, gated


@pytest.fixture
def make_service(gated: Any, start: MakeService) -> MakeService:
    return partial(start, gated)


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    with visit(browser, service[0]) as page:
        yield page


def analyze(page: Page, text: str = TEXT, title: str = "") -> None:
    if not page.locator("#body").is_visible():
        page.click("#compose summary")
    page.fill("#title", title)
    page.fill("#body", text)
    page.click("#analyze")


def read(page: Page, text: str = TEXT, title: str = "") -> None:
    analyze(page, text, title)
    expect(page.locator("#result")).to_be_visible()


def slices(page: Page) -> list[str]:
    return page.locator("#passage mark").all_text_contents()


def test_paste_and_analyse(page: Page, service: Service, gated: Any) -> None:
    article = gated.predict(TEXT, title="کابل")
    assert article.topic is not None
    read(page, title="کابل")
    expect(page.locator("#passage")).to_have_text(TEXT, use_inner_text=True)
    expect(page.locator("#heading")).to_have_text("کابل")
    assert slices(page) == [entity.text for entity in article.entities]  # behind an emoji, so counted in UTF-16
    assert slices(page)
    expect(page.locator("#topic .best .name")).to_have_text(article.topic.name)
    expect(page.locator("#topic .bars li")).to_have_count(4)
    assert page.locator(".stance bdi").all_text_contents() == [stance.target for stance in article.stances]
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert not any(digit in page.locator("#result aside").inner_text() for digit in "0123456789")


def test_toggle_a_type(page: Page) -> None:
    read(page)
    mark = page.locator("#passage mark").first
    look = next(name for name in (mark.get_attribute("class") or "").split() if name.startswith("look-"))
    switch = page.locator(f"#legend button:has(.{look})")
    line = "mark => getComputedStyle(mark).textDecorationLine"
    assert mark.evaluate(line) == "underline"
    switch.click()
    assert mark.evaluate(line) == "none"
    expect(switch).to_have_attribute("aria-pressed", "false")
    expect(switch).to_be_focused()
    switch.press("Enter")
    assert mark.evaluate(line) == "underline"


def test_no_two_types_look_alike_without_colour(page: Page) -> None:
    looks = page.evaluate(
        """() => [...Array(10).keys()].map((look) => {
            const mark = document.createElement("mark");
            mark.className = `entity look-${look}`;
            document.body.append(mark);
            const style = getComputedStyle(mark);
            return `${style.textDecorationStyle} ${style.backgroundImage !== "none"}`;
        })"""
    )
    assert len(set(looks)) == 10


def test_keyboard(page: Page) -> None:
    """One stop of the Tab key leads to the names, arrows from one to the next; scores show at each."""
    read(page)
    marks = page.locator("#passage mark")
    page.locator("#legend button").last.focus()
    page.keyboard.press("Tab")
    expect(marks.nth(0)).to_be_focused()
    expect(page.locator("#tip")).to_contain_text("اطمینان")
    page.keyboard.press("ArrowLeft")
    expect(marks.nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()
    page.keyboard.press("Home")
    expect(marks.nth(0)).to_be_focused()
    expect(page.locator("#passage mark[tabindex='0']")).to_have_count(1)
    marks.nth(1).hover()
    expect(page.locator("#tip")).to_contain_text("٪")
    page.set_viewport_size({"width": 400, "height": 300})
    marks.nth(0).focus()
    page.keyboard.press("End")
    expect(marks.last).to_be_in_viewport()
    page.wait_for_timeout(100)  # the scroll is told of afterwards
    expect(page.locator("#tip")).to_be_visible()
    expect(page.locator("#tip")).to_be_in_viewport()


def test_evidence_is_lit(page: Page, gated: Any) -> None:
    stance = gated.predict(TEXT).stances[0]
    read(page)
    target = page.locator(".target").first
    target.click()
    expect(target).to_have_attribute("aria-pressed", "true")
    expect(target).to_be_focused()
    assert "".join(page.locator("#passage .evidence").all_text_contents()) == "".join(
        TEXT[start:end] for start, end in stance.evidence
    )
    expect(page.locator("#passage .evidence").first).to_be_in_viewport()
    expect(page.locator("#status")).to_contain_text("برجسته شد")
    target.click()
    expect(page.locator("#passage .evidence")).to_have_count(0)
    expect(page.locator("#status")).to_be_empty()


def test_ask_about_a_target_and_a_claim(page: Page) -> None:
    read(page)
    before = page.locator(".stance").count()
    page.fill("#question", "بانک مرکزی")
    page.press("#question", "Enter")
    expect(page.locator(".stance")).to_have_count(before + 1)
    expect(page.locator(".stance bdi").first).to_have_text("بانک مرکزی")
    expect(page.locator("#passage .evidence").first).to_be_visible()
    page.check("input[value=claim]")
    page.fill("#question", "در هرات باران بارید")
    page.press("#question", "Enter")
    expect(page.locator(".stance").first.locator(".bars li")).to_have_count(4)
    page.click(".stance:first-child [data-key^='remove:']")
    expect(page.locator(".stance")).to_have_count(before + 1)


def test_a_question_written_meanwhile_stays(page: Page, gated: Any) -> None:
    read(page)
    before = page.locator(".stance").count()
    gated.gate.clear()
    page.fill("#question", "بانک مرکزی")
    page.press("#question", "Enter")
    page.fill("#question", "سازمان")
    gated.gate.set()
    expect(page.locator(".stance")).to_have_count(before + 1)
    assert page.input_value("#question") == "سازمان"
    page.press("#question", "Enter")
    expect(page.locator("#question")).to_have_value("")


@pytest.mark.parametrize("able", [("target", "claim"), ("claim",), ()])
def test_only_what_the_model_can_judge_is_asked(page: Page, able: tuple[str, ...]) -> None:
    def without(route: Route) -> None:
        model = route.fetch().json()
        stances = {"target_stance", "claim_stance"} - {f"{kind}_stance" for kind in able}
        model["tasks"] = [task for task in model["tasks"] if task["name"] not in stances]
        route.fulfill(json=model)

    page.route("**/v1/model", without)
    page.reload()
    read(page)
    expect(page.locator("#asking")).to_be_visible(visible=bool(able))
    for kind in ("target", "claim"):
        expect(page.locator(f"#asking [value={kind}]")).to_be_visible(visible=kind in able)
    if able:
        expect(page.locator(f"#asking [value={able[0]}]")).to_be_checked()


def test_an_older_why_does_not_replace_a_newer(page: Page) -> None:
    held: list[Route] = []
    page.route("**/v1/explain", lambda route: route.continue_() if held else held.append(route))
    read(page)
    page.click("#topic button")
    page.click(".stance [data-key^='why:']")
    named = page.locator("#reason strong")
    expect(named).to_contain_text(page.locator(".stance bdi").first.inner_text())
    newer = named.inner_text()
    with page.expect_response("**/v1/explain"):
        held[0].continue_()
    page.wait_for_timeout(100)  # so that a wrong page would have shown it
    assert named.inner_text() == newer


def test_why(page: Page, service: Service) -> None:
    read(page)
    page.click("#topic button")
    expect(page.locator("#reason")).to_be_visible()
    expect(page.locator("#legend")).to_be_hidden()
    assert page.locator("#passage .word").count() + page.locator("#reason .small").count() > 0
    page.click(".stance [data-key^='why:']")
    expect(page.locator("#reason strong")).to_contain_text(page.locator(".stance bdi").first.inner_text())
    page.click("[data-key=back]")
    expect(page.locator("#reason")).to_be_hidden()
    assert slices(page)
    page.click(".stance:nth-child(2) [data-key^='why:']")
    expect(page.locator("#reason")).to_be_visible()
    assert len(service[1].explaining) == 2  # the main targets are explained together


def test_several_files(page: Page, tmp_path: Path) -> None:
    contents = {"یک.txt": TEXT.encode(), "دو.txt": "\ufeffکابل در ایران".encode("utf-16-le"), "سه.txt": b"\xff\xc1\xe3"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    page.set_input_files("#picker", [tmp_path / name for name in contents])
    files = page.locator("#files button")
    expect(files).to_have_count(3)
    expect(page.locator("#files button.done")).to_have_count(2)
    expect(page.locator("#passage")).to_contain_text("وزیر خارجه")
    files.nth(1).click()
    expect(page.locator("#passage")).to_have_text("کابل در ایران")
    expect(files.nth(1)).to_have_attribute("aria-current", "true")
    files.nth(2).click()
    expect(page.locator("#result")).to_be_hidden()
    expect(page.locator("#notice")).to_contain_text("UTF-8")
    files.nth(0).click()
    with page.expect_download() as saved:
        page.click("#json")
    articles = json.loads(saved.value.path().read_text("utf-8"))
    assert [article["file"] for article in articles] == ["یک.txt", "دو.txt"]


def test_a_file_too_large_is_not_cut(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "large.txt"
    file.write_bytes("ی".encode() * (4 * 1024 * 1024) + b"!")
    page.set_input_files("#picker", file)
    expect(page.locator("#notice")).to_contain_text("بیش از اندازه طولانی")
    expect(page.locator("#notice button")).to_have_count(0)


def test_drop_a_file(page: Page) -> None:
    page.evaluate(
        """(text) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([text], "news.txt"));
            window.dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
        }""",
        TEXT,
    )
    expect(page.locator("#passage")).to_contain_text("وزیر خارجه")


def test_exports(page: Page) -> None:
    read(page)
    page.fill("#question", "=ایران")
    page.press("#question", "Enter")
    expect(page.locator(".stance bdi").first).to_have_text("=ایران")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy")
    expect(page.locator("#status")).to_have_text("کپی شد.")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["text"] == TEXT
    assert copied["offsets"] == "utf16"
    with page.expect_download() as saved:
        page.click("#csv")
    rows = list(csv.DictReader(io.StringIO(saved.value.path().read_text("utf-8-sig"))))
    assert [row["text"] for row in rows if row["kind"] == "entity"] == [one["text"] for one in copied["entities"]]
    assert rows[0]["kind"] == "topic"
    assert {row["about"] for row in rows} >= {"'=ایران"}  # a spreadsheet would take it for a formula
    assert sum(row["kind"] == "evidence" for row in rows) == sum(len(one["evidence"]) for one in copied["stances"])


def test_sample(page: Page) -> None:
    page.click("#sample")
    expect(page.locator("#fiction")).to_be_visible()
    expect(page.locator("#passage")).to_contain_text("شاخص کیفیت هوا")


def test_nothing_but_preferences_is_stored(page: Page) -> None:
    page.click("#language")
    page.click("#theme")
    read(page)
    stored = page.evaluate("async () => [{ ...localStorage }, { ...sessionStorage }, await indexedDB.databases()]")
    assert stored == [{"khabar.language": "en", "khabar.theme": "dark"}, {}, []]
    assert page.context.cookies() == []
    assert page.evaluate("caches.keys()") == []
    page.reload()
    expect(page.locator("#analyze")).to_have_text("Analyse")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.input_value("#body") == ""
    expect(page.locator("#result")).to_be_hidden()


def test_language(page: Page) -> None:
    read(page)
    page.click("#language")
    assert page.locator("html").get_attribute("dir") == "ltr"
    expect(page.locator("#topic h2")).to_have_text("Topic")
    expect(page.locator("#passage")).to_be_visible()
    left = page.evaluate("() => [...document.querySelectorAll('[data-words]')].map((one) => one.textContent)")
    assert all(left)
    assert page.locator("#passage").evaluate("(one) => getComputedStyle(one).direction") == "rtl"


def test_a_wrong_field_is_named(page: Page) -> None:
    analyze(page, title="ا" * 2001)
    expect(page.locator("#notice")).to_contain_text("عنوان پذیرفته نشد")
    read(page)
    page.fill("#question", "!")
    page.press("#question", "Enter")
    expect(page.locator("#notice")).to_contain_text("دست‌کم یک واژه")
    page.click("#language")
    page.fill("#question", "!")
    page.press("#question", "Enter")
    expect(page.locator("#notice")).to_contain_text("one word at least")


def test_too_long(page: Page) -> None:
    analyze(page, "کابل " * 5000)
    expect(page.locator("#notice")).to_contain_text("بیش از اندازه طولانی")


def test_the_model_fails(page: Page) -> None:
    analyze(page, "انفجار")
    expect(page.locator("#notice")).to_contain_text("مدل نتوانست")


def test_busy_then_free(browser: Browser, make_service: MakeService, gated: Any) -> None:
    with make_service(max_queue=1, time_limit=0.6) as client, visit(browser, client) as page:
        gated.gate.clear()
        analyze(page)
        expect(page.locator("#notice")).to_contain_text("ثانیهٔ دیگر")
        gated.gate.set()
        page.click("#notice button")
        expect(page.locator("#result")).to_be_visible()
        expect(page.locator("#notice")).to_be_hidden()


def test_network_down(page: Page) -> None:
    page.context.set_offline(True)
    analyze(page)
    expect(page.locator("#notice")).to_contain_text("دسترسی به سرویس ممکن نشد")
    page.context.set_offline(False)
    page.click("#notice button")
    expect(page.locator("#result")).to_be_visible()


def test_a_question_that_failed_can_be_asked_again(page: Page) -> None:
    read(page)
    page.context.set_offline(True)
    page.click("#topic button")
    expect(page.locator("#notice")).to_contain_text("دسترسی به سرویس ممکن نشد")
    page.click("#language")
    expect(page.locator("#notice")).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    page.click("#notice button")
    expect(page.locator("#reason")).to_be_visible()
    expect(page.locator("#notice")).to_be_hidden()


def test_the_token_form_stays_while_files_wait(browser: Browser, make_service: MakeService, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret", "utf-8")
    paths = [tmp_path / name for name in ("یک.txt", "دو.txt", "سه.txt")]
    for path in paths[:2]:
        path.write_text(TEXT, "utf-8")
    paths[2].write_bytes(b"\xff\xc1\xe3")
    with make_service(token_file=str(token)) as client, visit(browser, client) as page:
        # the model's name is told, so that only the reading itself asks for the token
        page.route("**/v1/model", lambda route: route.fulfill(json=told(route, "s3cret")))
        page.set_input_files("#picker", paths)
        expect(page.locator("#token")).to_be_visible()
        expect(page.locator("#files button.waiting")).to_have_count(2)
        for one in (
            page.locator("#files button").nth(1),
            page.locator("#language"),
            page.locator("#files button").nth(2),
        ):
            expect(page.locator("#token")).to_be_visible()
            one.click()
        expect(page.locator("#token")).to_be_visible()
        page.fill("#token", "s3cret")
        page.press("#token", "Enter")
        expect(page.locator("#files button.done")).to_have_count(2)
        expect(page.locator("#notice")).to_contain_text("UTF-8")


def told(route: Route, token: str) -> Any:
    """Return what the service answers to one who has the token."""
    return route.fetch(headers={**route.request.headers, "authorization": f"Bearer {token}"}).json()


def test_token(browser: Browser, make_service: MakeService, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret راز", "utf-8")
    with make_service(token_file=str(file)) as client, visit(browser, client) as page:
        analyze(page)
        expect(page.locator("#notice")).to_contain_text("رمز دسترسی می‌خواهد")
        page.fill("#token", "wrong")
        page.press("#token", "Enter")
        expect(page.locator("#notice")).to_contain_text("درست نیست")
        page.fill("#token", "s3cret راز")
        page.press("#token", "Enter")
        expect(page.locator("#result")).to_be_visible()
        assert page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })") == "{}"


def test_a_new_text_stops_the_old(page: Page, gated: Any) -> None:
    gated.gate.clear()
    analyze(page, "کابل در ایران")
    expect(page.locator("#status")).to_have_text("در حال تحلیل…")
    analyze(page, TEXT)
    gated.gate.set()
    expect(page.locator("#passage")).to_contain_text("وزیر خارجه")


def test_markup_in_a_text_stays_text(page: Page) -> None:
    hostile = "<img src=x onerror=alert(1)> کابل </script><script>alert(1)</script>"
    read(page, hostile, title=hostile)
    expect(page.locator("#passage")).to_have_text(hostile)
    assert page.locator("#result img, #result script").count() == 0


def test_a_text_without_words(page: Page) -> None:
    read(page, "!؟…")
    expect(page.locator("#topic")).to_contain_text("واژه‌ای برای تحلیل نیست")


@pytest.mark.parametrize("language", ["fa", "en"])
def test_narrow_phone(browser: Browser, service: Service, language: str) -> None:
    with visit(browser, service[0], viewport={"width": 320, "height": 640}) as page:
        if language == "en":
            page.click("#language")
        assert overflow(page) == 0
        read(page, TEXT + "ا" * 200)
        assert overflow(page) == 0
        page.click("#topic button")
        expect(page.locator("#reason")).to_be_visible()
        assert overflow(page) == 0


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the screen."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


def test_print_shows_the_article_alone(page: Page) -> None:
    read(page)
    page.click("#theme")
    page.emulate_media(media="print")
    for hidden in ("#compose", "#asking", "#theme", "#csv"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#passage")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(30, 35, 39)"


@pytest.mark.slow
def test_twenty_thousand_words(browser: Browser, make_service: MakeService) -> None:
    text = (TEXT + "\n") * (20_000 // len(TEXT.split()) + 1)
    with make_service() as client, visit(browser, client) as page:
        page.evaluate(
            """() => {
                window.blocks = [];
                new PerformanceObserver((list) => window.blocks.push(...list.getEntries().map((one) => one.duration)))
                    .observe({ type: "longtask" });
            }"""
        )
        started = time.perf_counter()
        analyze(page, text)
        expect(page.locator("#result")).to_be_visible(timeout=1000 * _LONG_SECONDS)
        seconds = time.perf_counter() - started
        page.click(".target >> nth=0")
        expect(page.locator("#passage .evidence").first).to_be_in_viewport()
        page.click("#legend button >> nth=0")
        blocks = page.evaluate("window.blocks")
        print(f"{len(text.split())} words: {page.locator('mark').count()} names, {seconds:.1f} s, {blocks}")
        assert (
            page.locator("#passage").evaluate("(one) => one.textContent.length") == len(text.encode("utf-16-le")) // 2
        )
        assert max(blocks, default=0) < 1000 * _LONGEST_BLOCK


@pytest.mark.parametrize("language", ["fa", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(browser: Browser, service: Service, theme: Any, language: str) -> None:
    with visit(browser, service[0], color_scheme=theme) as page:
        if language == "en":
            page.click("#language")
        faults = grave(page)
        read(page, title="کابل")
        page.click(".target >> nth=0")
        faults += grave(page)
        page.click("#topic button")
        expect(page.locator("#reason")).to_be_visible()
        page.fill("#question", "!")
        page.press("#question", "Enter")
        expect(page.locator("#notice")).to_be_visible()
        faults += grave(page)
    assert faults == []


def grave(page: Page) -> list[str]:
    """Return what axe-core finds that is serious or critical."""
    page.evaluate((resources("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    return [
        f"{one['id']}: {node['html']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
