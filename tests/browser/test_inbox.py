"""The inbox page in a real browser: what arrives, what it says of it, and every way to get around in it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.browser.conftest import LIGHTSMS, WIDTHS, Open, Served, order, recording, served, signed_query
from tests.upstreams import upstream

if TYPE_CHECKING:
    from playwright.sync_api import Route

playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright is not installed: pip install -e '.[browser]'"
)
expect = playwright.expect
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"

expect.set_options(timeout=10_000)


def ask_wrongly(box: Served) -> None:
    """Send a text with spaces whose signature was made over the same with +."""
    sent = order("Order 5512: two tables are ready")
    box.send_wrongly("lightsms", LIGHTSMS, sent, text=sent["text"].replace(" ", "+"))


def test_a_message_of_the_command_line_appears_within_a_second(open_page: Open, box: Served) -> None:
    """Nobody reloads anything; the counts follow, and a screen reader hears of it."""
    page = open_page()
    expect(page.get_by_text("No messages yet")).to_be_visible()
    box.send_by_command("Your code is 4711")
    expect(page.get_by_role("link", name="Your code is 4711")).to_be_visible(timeout=1000)
    expect(page.locator("#counts")).to_have_text("1 kept: 1 accepted, 0 refused")
    expect(page.get_by_role("log")).to_contain_text("New message, to 37061234567: Your code is 4711")


def test_a_row_is_read_out_in_parts(open_page: Open, box: Served) -> None:
    """Nothing is glued to the next, and no operation stands where a recipient belongs."""
    box.send("hello")
    box.ask("/external/get/balance.php")
    with pytest.raises(HTTPError):
        urlopen(f"{box.root}/wrong/send.php")  # noqa: S310  (this machine)
    page = open_page()
    clock = "[^,]+"
    for name in (
        rf"accepted, to 37061234567, lightsms, {clock}, hello",
        rf"refused, balance without a recipient, lightsms, {clock}, error 2, login is missing",
        rf"refused, no recipient, unknown, {clock}, HTTP 404, .wrong.send.php is no vendor's address; .*",
    ):
        expect(page.get_by_role("link", name=re.compile(f"^{name}$"))).to_have_count(1)


def test_the_newest_stands_first(open_page: Open, box: Served) -> None:
    """Whether it was there before the page or came while it was open."""
    box.send("first")
    page = open_page()
    box.send("second")
    expect(page.locator(".row .what")).to_have_text(["second", "first"])


def test_a_crowd_of_messages_arrives_whole_and_in_order(open_page: Open, box: Served) -> None:
    """Three hundred in a burst: the list holds the newest two hundred, the older ones are a button away."""
    page = open_page()
    for number in range(300):
        box.ask(f"/external/get/balance.php?n={number}")
    expect(page.locator(".row")).to_have_count(200, timeout=10_000)
    expect(page.locator("#counts")).to_contain_text("300 kept", timeout=5000)
    page.get_by_role("button", name="Older messages").click()
    expect(page.locator(".row")).to_have_count(300)
    hrefs = [row.get_attribute("href") for row in page.locator(".row").all()]
    assert hrefs == [f"#/{number}" for number in range(300, 0, -1)]


def test_older_messages_that_come_late_do_not_fill_another_list(open_page: Open, box: Served) -> None:
    """What was asked for before the list was cleared, or searched, is not wanted any more."""
    for number in range(201):
        box.ask(f"/external/get/balance.php?n={number}")
    page = open_page()
    expect(page.locator(".row")).to_have_count(200)
    asked: list[Route] = []
    page.route(re.compile("before="), lambda route: asked.append(route))
    with page.expect_request(re.compile("before=")):
        page.get_by_role("button", name="Older messages").click()
    page.get_by_role("searchbox").fill("nothing has this in it")
    expect(page.get_by_text("No message meets the search.")).to_be_visible()
    with page.expect_response(re.compile("before=")):
        asked[0].continue_()
    box.ask("/external/get/balance.php?n=201")
    expect(page.locator("#counts")).to_contain_text("202 kept")
    expect(page.locator(".row")).to_have_count(0)


def test_a_text_is_shown_as_a_phone_shows_it_with_the_cuts(open_page: Open, box: Served) -> None:
    """Parts, alphabet and why, sender."""
    box.send("Ačiū! " * 20)
    page = open_page("/#/1")
    phone = page.get_by_role("group", name="As a phone shows it")
    expect(phone.locator(".cut")).to_have_text(["part 1 of 2, 67 units", "part 2 of 2, 53 units"])
    assert "".join(phone.locator(".part").all_text_contents()) == "Ačiū! " * 20
    expect(page.locator(".facts").first).to_contain_text("UCS-2, because of č (U+010D), ū (U+016B)")
    expect(page.get_by_text("The signature is right")).to_be_visible()


def test_a_wrong_signature_shows_its_diagnosis_and_where_the_texts_differ(open_page: Open, box: Served) -> None:
    """In words, and marked in both texts by more than a colour."""
    page = open_page()
    ask_wrongly(box)
    page.get_by_role("link", name="refused").click()
    expect(page.get_by_text("text: + instead of a space")).to_be_visible()
    expect(page.get_by_text("Sign the space itself")).to_be_visible()
    overlay = page.locator(".overlay")
    expect(overlay.locator("mark.yours").first).to_have_text("+")
    expect(overlay.locator("mark.right").first).to_have_text("·")
    expect(overlay).to_contain_text("^")
    expect(page.locator(".differences")).to_contain_text("yours has +, right is ·, 5 times")
    expect(page.get_by_text("not told: it would help to make the right signature")).to_be_visible()


def test_what_was_damaged_on_its_way_is_drawn_over_what_arrived(open_page: Open, box: Served) -> None:
    """One sentence, and no other mistake beside it."""
    query = signed_query("lightsms", order("C++ is fun"))
    box.ask(f"{LIGHTSMS}?{query.replace('%2B%2B', '++')}")
    page = open_page("/#/1")
    why = page.locator(".why")
    expect(why).to_contain_text("`+` arrives as a space: write %2B")
    expect(why.locator(".overlay mark.yours")).to_have_text("++")
    expect(why.locator(".overlay mark.right")).to_have_text("··")
    expect(why).not_to_contain_text("No known mistake")


def test_the_raw_request_is_there(open_page: Open, box: Served) -> None:
    """As it travelled, one click away; the key never travels."""
    box.send("hello")
    page = open_page("/#/1")
    page.get_by_text("Raw request").click()
    expect(page.get_by_role("group", name="Raw request")).to_contain_text("GET /external/get/send.php?")


def test_search_and_filters_meet_what_is_there_and_what_comes(open_page: Open, box: Served) -> None:
    """A message that does not meet the search stays out of the list, also when it arrives later."""
    box.send("red apples")
    box.send("green pears", vendor="payforsms")
    ask_wrongly(box)
    page = open_page()
    rows = page.locator(".row .what")
    expect(rows).to_have_count(3)
    page.get_by_label("Search messages").fill("PEARS")
    expect(rows).to_have_text(["green pears"])
    box.send("more pears")
    box.send("more apples")
    expect(rows).to_have_text(["more pears", "green pears"])
    page.get_by_role("search").get_by_label("Vendor").select_option("payforsms")
    expect(rows).to_have_text(["green pears"])
    page.get_by_label("Search messages").fill("nobody")
    expect(page.get_by_text("No message meets the search.")).to_be_visible()
    page.get_by_label("Search messages").fill("")
    page.get_by_role("search").get_by_label("Vendor").select_option("")
    page.get_by_role("button", name="Refused").click()
    expect(rows).to_have_count(1)
    expect(page.get_by_role("button", name="Refused")).to_have_attribute("aria-pressed", "true")


def test_a_request_to_no_vendor_is_in_the_list(open_page: Open, box: Served) -> None:
    """With the address that may be meant; it has a filter like each vendor."""
    box.send("hello")
    page = open_page()
    with pytest.raises(HTTPError, match="404"):
        box.ask("/externals/get/send.php")
    rows = page.locator(".row .what")
    expect(rows.first).to_contain_text(
        "/externals/get/send.php is no vendor's address; closest: /external/get/send.php"
    )
    page.get_by_role("search").get_by_label("Vendor").select_option("no vendor")
    expect(rows).to_have_count(1)
    rows.first.click()
    expect(page.get_by_text("None was asked for, or none came.")).to_be_visible()


def test_clear_asks_first_and_takes_only_what_meets_the_search(open_page: Open, box: Served) -> None:
    """Enter alone takes nothing away; balances and numbers stay."""
    box.send("one")
    box.send("two")
    page = open_page()
    page.get_by_label("Search messages").fill("one")
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_role("button", name="Clear…").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_role("button", name="Clear…").click()
    page.get_by_role("dialog").get_by_role("button", name="Clear").click()
    expect(page.get_by_text("No message meets the search.")).to_be_visible()
    page.get_by_label("Search messages").fill("")
    expect(page.locator(".row .what")).to_have_text(["two"])


def test_reset_begins_anew_for_every_page_that_is_open(open_page: Open, box: Served) -> None:
    """The other page hears of it."""
    box.send("one")
    page, other = open_page(), open_page()
    expect(other.locator(".row")).to_have_count(1)
    page.get_by_role("button", name="Reset…").click()
    page.get_by_role("dialog").get_by_role("button", name="Reset").click()
    for each in (page, other):
        expect(each.get_by_text("No messages yet")).to_be_visible()
    box.send("anew")
    expect(page.locator(".row")).to_have_attribute("href", "#/1")


def test_everything_is_reached_by_the_keyboard(open_page: Open, box: Served) -> None:
    """J and k and arrows walk, Enter opens, Esc goes back, / searches; while somebody types they are letters."""
    for text in ("first", "second", "third"):
        box.send(text)
    page = open_page()
    expect(page.locator(".row")).to_have_count(3)
    current = page.locator('.row[aria-current="true"]')
    page.keyboard.press("j")
    expect(current).to_contain_text("third")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    expect(current).to_contain_text("first")
    page.keyboard.press("k")
    expect(current).to_contain_text("second")
    expect(current).to_be_focused()
    expect(page.locator("#pane .bubble")).to_have_text("second")
    page.keyboard.press("Enter")
    expect(page.locator("#pane-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".row").nth(1)).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Search messages")).to_be_focused()
    page.keyboard.type("jk/third")
    expect(page.get_by_label("Search messages")).to_have_value("jk/third")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Search messages")).to_have_value("")
    expect(page.locator(".row")).to_have_count(3)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Point your program here")).to_be_visible()


def test_tab_reaches_one_row_of_the_list_and_focus_is_seen(open_page: Open, box: Served) -> None:
    """Two hundred rows are no two hundred steps."""
    box.send("one")
    box.send("two")
    page = open_page()
    expect(page.locator(".row")).to_have_count(2)
    page.get_by_role("button", name="Refused").focus()
    page.keyboard.press("Tab")
    row = page.locator(".row").first
    expect(row).to_be_focused()
    expect(row).to_have_css("outline-style", "solid")
    page.keyboard.press("Tab")
    expect(page.locator(".row").nth(1)).not_to_be_focused()


def test_on_a_phone_a_message_has_the_page_to_itself(open_page: Open, box: Served) -> None:
    """Nothing is wider than the screen, and there is a way back: the button, Esc, and the browser's own."""
    box.send("a_word_that_has_no_place_to_break" * 5)
    ask_wrongly(box)
    page = open_page(width=WIDTHS["phone"])
    session = page.context.new_cdp_session(page)
    for number in (1, 2):
        page.locator(f'.row[href="#/{number}"]').click()
        expect(page.locator("#pane-title")).to_be_focused()
        expect(page.locator("#rows")).to_be_hidden()
        page.get_by_text("Raw request").click()
        # What sticks out of its box counts as well, also where that could be scrolled sideways.
        assert session.send("Page.getLayoutMetrics")["cssContentSize"]["width"] == WIDTHS["phone"]
        inside = session.send("Runtime.evaluate", {"expression": "document.getElementById('pane').scrollWidth"})
        assert inside["result"]["value"] == WIDTHS["phone"]
        page.go_back()
        expect(page.locator("#rows")).to_be_visible()
    page.locator(".row").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pane-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".row").first).to_be_focused()
    page.locator(".row").first.click()
    page.get_by_role("link", name="All messages").click()
    expect(page.locator("#rows")).to_be_visible()


def test_what_is_passed_on_has_a_banner_and_its_answers(open_page: Open, tmp_path: Path) -> None:
    """Nobody takes it for a sandbox that costs nothing, nor what is unknown for refused."""
    with (
        upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as vendor,
        recording(tmp_path, vendor.root) as root,
    ):
        with urlopen(f"{root}{LIGHTSMS}?phone=37061234567&text=Hello", timeout=10):  # noqa: S310  (our own sandbox)
            page = open_page(root=root)
        banner = page.get_by_role("alert")
        expect(banner).to_have_text(f"Every request is really sent: it goes on to {vendor.root}/external/get/")
        expect(page.locator("#counts")).to_have_text("1 kept: 0 accepted, 1 refused")
        with urlopen(f"{root}{LIGHTSMS}?phone=37061234567&text=Again", timeout=10):  # noqa: S310  (our own sandbox)
            expect(page.get_by_role("log")).to_have_text("New message, unknown, to 37061234567: Again")
        page.get_by_role("link", name="Hello").click()
        expect(page.locator(".outcome")).to_have_text("? Unknown")
        expect(page.locator(".foot")).to_have_text("nobody knows whether a phone got it")
        page.get_by_text("Raw answer").click()
        expect(page.get_by_role("group", name="Raw answer")).to_contain_text("HTTP/1.1 200")
        page.get_by_role("link", name="Setup").click()
        expect(page.locator("#pane")).to_contain_text("it reaches phones and costs money")
        expect(page.locator("#pane")).not_to_contain_text("Numbers that fail")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_scheme_of_the_system(open_page: Open, scheme: str) -> None:
    """Paper is light by day and dark by night."""
    page = open_page(color_scheme=scheme)
    papers = {"light": "rgb(244, 243, 239)", "dark": "rgb(20, 22, 24)"}
    expect(page.locator("body")).to_have_css("background-color", papers[scheme])


def test_who_wants_no_motion_gets_none(open_page: Open, box: Served) -> None:
    """A message that arrives is there, and does not fade in."""
    page = open_page(reduced_motion="reduce")
    box.send("still")
    expect(page.locator(".row")).to_have_css("animation-name", "none")


HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=alert(1)><svg onload=alert(2)>"
    "<a href=javascript:alert(3)>{{7*7}}</a>&lt;b&gt; \u202egnp.exe\u202c \u2066\u200b\x1b[31m"
)


def test_a_hostile_text_is_a_text(open_page: Open, box: Served) -> None:
    """Nothing of it runs, is drawn as markup, or turns what stands around it. (The fixture fails on any error.)"""
    box.send(HOSTILE)
    names = ("text", "sender", "phone", "timestamp", "return")
    box.send_wrongly("lightsms", LIGHTSMS, order(HOSTILE) | dict.fromkeys(names, HOSTILE), text="other")
    page = open_page("/#/1")
    part = page.locator(".bubble .part")
    assert "".join(part.all_text_contents()) == HOSTILE
    expect(part.first).to_have_css("unicode-bidi", "isolate")
    expect(page.locator(".facts").first).to_contain_text("U+202E RIGHT-TO-LEFT OVERRIDE")
    for row in page.locator(".row").all():
        row.click()
        page.get_by_text("Raw request").click()
        expect(page.locator("main script, main img, main svg, main a[href^=javascript]")).to_have_count(0)
    expect(page).to_have_title("smscli sandbox")


def test_the_page_works_with_no_more_than_its_policy_allows(open_page: Open, box: Served) -> None:
    """The policy is on the page, and nothing was loaded from elsewhere. (The fixture fails on any such request.)"""
    page = open_page()
    response = page.reload()
    assert response is not None
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert "require-trusted-types-for" in response.headers["content-security-policy"]
    box.send("hello")
    page.get_by_role("link", name="hello").click()
    page.get_by_role("link", name="Setup").click()
    expect(page.get_by_role("heading", name="Point your program here")).to_be_focused()


def test_a_page_of_somebody_else_can_change_nothing(open_page: Open, box: Served) -> None:
    """Not even by a form, which needs nobody's permission: it comes from another site."""
    box.send("precious")
    page = open_page()
    other = page.context.new_page()
    other.set_content(f'<form method=post action="{box.root}/api/reset"><button>Win a prize</button></form>')
    other.get_by_role("button").click()
    expect(other.locator("body")).to_contain_text("Only the sandbox's own page")
    assert [entry["text"] for entry in box.ask("/api/messages")] == ["precious"]


def test_the_page_comes_back_after_the_sandbox_has(open_page: Open, tmp_path: Path) -> None:
    """It says that it is cut off, and looks at everything anew when the sandbox is there again."""
    with served(tmp_path) as first:
        first.send("before")
        page = open_page(root=first.root, status="gone")
        expect(page.locator(".row .what")).to_have_text(["before"])
    expect(page.get_by_role("status")).to_have_text("not connected, trying again")
    with served(tmp_path, urlsplit(first.root).port or 0) as second:
        second.send("after")
        expect(page.get_by_role("status")).to_have_text("live")
        expect(page.locator(".row .what")).to_have_text(["after"])


def test_the_setup_tells_where_to_send(open_page: Open, box: Served) -> None:
    """Each vendor's address and account, and what is left of its credit."""
    page = open_page("/#/setup")
    card = page.locator(".vendor").filter(has=page.get_by_role("heading", name="lightsms"))
    expect(card).to_contain_text(f"{box.root}/external/get/")
    expect(card).to_contain_text("demo-key-lightsms")
    expect(card).to_contain_text(re.compile("Balance *150.50"))
    box.send("hello")
    expect(card).to_contain_text(re.compile("Balance *150.4"))
    card.get_by_text("Numbers that fail").click()
    expect(card.get_by_role("row", name="+37061555320")).to_contain_text("error 32")


def test_no_failure_is_offered_that_a_vendor_does_not_have(open_page: Open) -> None:
    """An address that is not allowed is Mesajlarim's; whoever is meant, what is chosen is there."""
    page = open_page("/#/setup")
    panel = page.get_by_role("group", name="Failures on demand")
    for vendor, offered in (("mesajlarim", True), ("lightsms", False), ("mesajlarim", True), ("", False)):
        panel.get_by_label("Vendor").select_option(vendor)
        option = panel.get_by_label("Meets").locator("option[value=address]")
        if offered:
            expect(option).to_be_enabled()
            panel.get_by_label("Meets").select_option("address")
            expect(panel.get_by_label("The rule")).to_have_value("mesajlarim send address=refused count=1")
        else:
            expect(option).to_be_disabled()
            expect(panel.get_by_label("Meets")).to_have_value("error" if vendor else "status")


def test_failures_are_switched_on_and_off_on_the_page(open_page: Open, box: Served) -> None:
    """A rule is put together or typed; the sandbox has the last word; the page says that something is broken."""
    page = open_page("/#/setup", status="400")
    panel = page.get_by_role("group", name="Failures on demand")
    panel.get_by_label("Vendor").select_option("lightsms")
    panel.get_by_label("Meets").select_option("error")
    panel.get_by_label("Value").fill("32")
    expect(panel.get_by_label("The rule")).to_have_value("lightsms send error=32 count=1")
    panel.get_by_role("button", name="Break it").click()
    expect(panel.get_by_role("list", name="Rules")).to_contain_text("no request yet")
    expect(page.get_by_role("link", name="1 rule breaks requests")).to_be_visible()
    box.send("broken")
    box.send("whole")
    expect(page.locator(".row .what")).to_have_text(["whole", re.compile("error 32 *broken")])
    expect(panel.get_by_role("list", name="Rules")).to_contain_text("hit 1 of 2 requests")
    panel.get_by_label("The rule").fill("lightsms send error=no-such")
    panel.get_by_label("The rule").press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("there is no error 'no-such'")
    panel.get_by_role("button", name="Remove lightsms send").click()
    expect(page.locator("#broken")).to_be_hidden()


@pytest.mark.parametrize("width", WIDTHS.values(), ids=list(WIDTHS))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page: Open, box: Served, scheme: str, width: int) -> None:
    """Roles, labels, contrast: the list, a refused message, the setup, a dialog, an empty sandbox."""
    axe = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed: pip install -e '.[browser]'")
    script = (Path(axe.__file__).parent / "axe.min.js").read_text()
    page = open_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    session = page.context.new_cdp_session(page)

    def look(state: str) -> None:
        # By the protocol, not by a script of the page: its policy stays as it is.
        session.send("Runtime.evaluate", {"expression": script})
        found = session.send("Runtime.evaluate", {
            "expression": "axe.run({resultTypes: ['violations']}).then(found => JSON.stringify(found.violations.map("
            "one => [one.impact, one.id, one.nodes.map(node => node.html.slice(0, 160))])))",
            "awaitPromise": True, "returnByValue": True,
        })  # fmt: skip
        assert found["result"]["value"] == "[]", state

    look("empty")
    box.send("Ačiū! " * 20)
    ask_wrongly(box)
    expect(page.locator(".row")).to_have_count(2)
    look("list")
    page.locator('.row[href="#/2"]').click()
    expect(page.locator(".overlay mark").first).to_be_visible()
    page.get_by_text("Raw request").click()
    look("refused message")
    page.goto(f"{box.root}/#/1")
    expect(page.locator(".bubble")).to_be_visible()
    look("accepted message")
    page.goto(f"{box.root}/#/setup")
    page.get_by_text("Numbers that fail").first.click()
    look("setup")
    page.get_by_role("button", name="Clear…").click()
    look("dialog")


@pytest.mark.skipif("SMSCLI_PICTURES" not in os.environ, reason="pictures are only made when SMSCLI_PICTURES is set")
def test_pictures_for_the_readme(open_page: Open, box: Served) -> None:
    """docs/pictures holds what the page looks like, each file small."""
    box.send("Ваш код: 482-913. Никому его не сообщайте.", vendor="payforsms")
    box.send(
        "Sveiki! Jūsų siunta Nr. 4471 jau pakeliui; kurjeris paskambins prieš pat atvykdamas. Ačiū, kad esate su mumis."
    )
    box.send("Backup of db1 failed: disk /var is full (97 %)", vendor="mainsms")
    ask_wrongly(box)
    box.send("Your table for two is booked: Friday 19:30. Reply NO to cancel.")
    for name, path, options in (
        ("inbox", "/#/2", {}),
        ("refused", "/#/4", {"color_scheme": "dark"}),
        ("phone", "/#/4", {"width": WIDTHS["phone"]}),
    ):
        page = open_page(path, reduced_motion="reduce", **options)
        expect(page.locator(".bubble")).to_be_visible()
        expect(page.locator("#counts")).to_contain_text("5 kept")
        picture = PICTURES / f"{name}.png"
        picture.parent.mkdir(exist_ok=True)
        page.screenshot(path=picture)
        assert picture.stat().st_size < 150_000
