import re
import shutil
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.app.live import Live
from tests.app.page.conftest import OpenDesk
from tests.app.page.driver import FOLDER

pytestmark = pytest.mark.slow(25)

JUNK = b"this is no image"


def zipped(files: list[Path], path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, f"smear/{file.name}")
    return path


def test_one_image_makes_a_case_named_after_its_subject(
    desk: OpenDesk, live_server: Live, cells: list[Path]
) -> None:
    at = desk(live_server)
    at.add(cells[0])
    expect(at.cards).to_have_count(1)
    subject = cells[0].name.split("_")[1]
    expect(at.page).to_have_title(re.compile(f", subject {subject} "))
    expect(at.page.get_by_label("Name of the case")).to_have_value(
        f"{at.page.title().split(', subject')[0]}, subject {subject}"
    )
    expect(at.cards.locator("img")).to_be_visible()
    answer = at.page.request.get(f"{at.url}/v1/cases/{at.case}").json()["cells"][0]
    percent = f"{round(answer['p_all'] * 100)}\u00a0%"
    expect(at.cards.locator(".probability")).to_have_text(percent)
    expect(at.cards.locator(".verdict")).to_have_text(answer["verdict"].capitalize())


def test_200_images_come_as_they_are_answered_and_none_is_lost(
    desk: OpenDesk, cells: list[Path]
) -> None:
    at = desk()
    sent: list[str] = []
    at.page.on("request", lambda one: sent.append(one.url) if "/v1/predict" in one.url else None)
    dropped = cells[::-1]
    at.add(dropped)
    expect(at.page.locator(".shown")).to_have_text("200 cells")
    # Cards are made in portions, as one scrolls.
    assert at.cards.count() < 200
    at.page.locator("#page").evaluate("one => one.scrollTo(0, one.scrollHeight)")
    expect(at.cards).to_have_count(200)
    assert at.count("blast") + at.count("normal") == 200
    assert len(sent) == 13  # 16 images in a request
    kept = at.page.request.get(f"{at.url}/v1/cases/{at.case}").json()
    assert len(kept["cells"]) == 200
    assert [cell["name"] for cell in kept["cells"]] == [cell.name for cell in dropped]


def test_folder_names_become_subjects_when_asked(
    desk: OpenDesk, cells: list[Path], tmp_path: Path
) -> None:
    at = desk()
    for number, path in enumerate(cells[:4]):
        folder = tmp_path / "ward" / f"patient_{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / f"{number}.bmp")
    at.page.locator(FOLDER).first.set_input_files(tmp_path / "ward")
    expect(at.cards).to_have_count(4)
    expect(at.page.locator(".answers")).to_contain_text("taken as one")
    at.page.get_by_role("button", name="Use folder names").click()
    expect(at.page.locator(".answers")).to_contain_text("Subject patient_1")
    expect(at.page.get_by_role("button", name="Use folder names")).to_have_count(0)
    kept = at.page.request.get(f"{at.url}/v1/cases/{at.case}").json()["cells"]
    assert {one["name"].split("/")[1] for one in kept} == {one["subject"] for one in kept}


def test_an_archive_and_junk_beside_it(desk: OpenDesk, cells: list[Path], tmp_path: Path) -> None:
    at = desk()
    archive = zipped(cells[:6], tmp_path / "smear.zip")
    (tmp_path / "notes.bmp").write_bytes(JUNK)
    (tmp_path / "empty.png").write_bytes(b"")
    at.add([archive, tmp_path / "notes.bmp", cells[10], tmp_path / "empty.png"])
    expect(at.cards).to_have_count(9)
    assert at.count("error") == 2
    expect(at.page.locator(".toast").first).to_contain_text("2 could not")
    card = at.card("notes.bmp")
    expect(card).to_contain_text("Error")
    expect(card.locator(".subject")).to_have_text("notes.bmp")
    expect(card.locator(".reason")).not_to_be_empty()
    card.locator(".open").click()
    expect(at.dialog.locator(".answer")).to_contain_text("image")


def test_a_folder_keeps_relative_paths_and_leaves_out_what_is_no_image(
    desk: OpenDesk, cells: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "patient"
    (folder / "day 1").mkdir(parents=True)
    (folder / "day 1" / cells[0].name).write_bytes(cells[0].read_bytes())
    (folder / "readme.txt").write_text("no image")
    (folder / ".hidden.bmp").write_bytes(JUNK)
    at = desk()
    at.page.locator(FOLDER).set_input_files(folder)
    expect(at.page.locator(".toast").first).to_contain_text("2 files")
    expect(at.cards).to_have_count(1)
    expect(at.cards.locator(".open")).to_have_attribute("title", f"patient/day 1/{cells[0].name}")
    expect(at.page.get_by_label("Name of the case")).to_have_value("patient")


def test_a_drop_anywhere_adds_to_the_open_case_and_copies_are_no_new_cells(
    desk: OpenDesk, cells: list[Path]
) -> None:
    at = desk()
    at.add(cells[:2])
    at.dismiss()
    transfer = at.page.evaluate_handle(
        """async () => {
            const canvas = new OffscreenCanvas(450, 450);
            const context = canvas.getContext("2d");
            context.fillRect(0, 0, 450, 450);
            context.fillStyle = "#7a3f8f";
            context.arc(225, 225, 90, 0, 7);
            context.fill();
            const blob = await canvas.convertToBlob();
            const transfer = new DataTransfer();
            transfer.items.add(new File([blob], "drawn.png"));
            return transfer;
        }"""
    )
    at.page.dispatch_event("body", "dragover", {"dataTransfer": transfer})
    name = at.page.get_by_label("Name of the case").input_value()
    expect(at.page.locator(".drop-cover")).to_contain_text(name)
    at.page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    expect(at.cards).to_have_count(3)
    expect(at.page.locator(".drop-cover")).to_be_hidden()
    at.dismiss()
    at.add(cells[:2])
    expect(at.page.locator(".toast").last).to_contain_text("2 were")
    expect(at.cards).to_have_count(3)


def test_a_busy_server_and_a_broken_connection_lose_nothing(
    desk: OpenDesk, cells: list[Path]
) -> None:
    at = desk()
    seen: list[str] = []

    def first_refuse(route: Route) -> None:
        seen.append(route.request.url)
        if len(seen) == 1:
            body = '{"error": "The server is busy."}'
            route.fulfill(status=429, headers={"Retry-After": "0.2"}, body=body)
        elif len(seen) == 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    at.page.route("**/v1/predict*", first_refuse)
    at.add(cells[:20])
    expect(at.cards).to_have_count(20)
    assert len(seen) == 4  # two requests' worth, each sent twice


def test_what_is_refused_is_named_and_the_rest_goes_on(desk: OpenDesk, cells: list[Path]) -> None:
    at = desk()

    def refuse_one(route: Route) -> None:
        if cells[1].name.encode() in (route.request.post_data_buffer or b""):
            route.fulfill(status=413, body='{"error": "This file is too large."}')
        else:
            route.continue_()

    at.page.route("**/v1/predict*", refuse_one)
    at.add(cells[:3])
    expect(at.cards).to_have_count(2)
    toast = at.page.locator(".toast.problem")
    expect(toast).to_contain_text(re.compile("1 file.*This file is too large"))
    toast.get_by_role("button", name="Show files").click()
    expect(at.dialog).to_contain_text(cells[1].name)


def test_cancel_keeps_what_is_answered(desk: OpenDesk, cells: list[Path]) -> None:
    at = desk()
    seen: list[Route] = []

    def hold(route: Route) -> None:
        seen.append(route)
        if len(seen) == 1:
            route.continue_()  # the others never get an answer

    at.page.route("**/v1/predict*", hold)
    at.page.locator("input[type=file]").first.set_input_files(cells[:60])
    expect(at.cards).to_have_count(16)
    expect(at.page.locator(".progress")).to_contain_text("16 of 60 files")
    at.page.get_by_role("button", name="Cancel").click()
    expect(at.page.locator(".toast")).to_contain_text("16 of 60 files")
    expect(at.page.locator(".progress")).to_be_hidden()
    expect(at.cards).to_have_count(16)


def test_the_example_cells_are_one_click_away(desk: OpenDesk) -> None:
    at = desk()
    at.page.get_by_role("button", name="Try the example cells").click()
    expect(at.cards).to_have_count(24)
    expect(at.page.get_by_label("Name of the case")).to_have_value("Example cells (synthetic)")
