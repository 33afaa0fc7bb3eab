"""`vdictl plans`, `images`, `providers`: what there is."""

from __future__ import annotations

import signal

from tests.cli.front import Vdictl


def test_plans_cheapest_first_with_their_columns(vdictl: Vdictl) -> None:
    lines = vdictl.ok("plans", "-p", "memory").out.splitlines()
    assert lines[0].split()[:6] == ["PLAN", "PROVIDER", "CPUS", "MEMORY", "DISK", "GPU"]
    plans = vdictl.ok("plans", "-o", "json").data
    assert [plan["name"] for plan in plans][:2] == ["mem-1c-1gb", "mem-2c-4gb"]
    prices = [float(plan["price"]["amount"]) for plan in plans]
    assert prices == sorted(prices) and isinstance(plans[0]["price"]["amount"], str)
    assert vdictl.ok("plans", "--gpu", "-o", "name").out == "mem-8c-32gb-1g\n"
    assert vdictl.ok("plans", "--region", "nowhere", "-o", "json").data == []


def test_regions_and_a_provider_with_one_place(vdictl: Vdictl) -> None:
    lines = vdictl.ok("regions", "-p", "memory").out.splitlines()
    assert lines[0].split() == ["REGION", "PROVIDER", "NAME", "COUNTRY", "AVAILABLE"]
    assert lines[1].split() == ["here", "memory", "Here", "DE", "yes"]
    assert [r["country"] for r in vdictl.ok("regions", "-o", "json").data] == ["DE", "JP"]
    assert vdictl.ok("create", "one", "--no-wait", "--region", "there", "-o", "json").data["region"] == "there"
    vdictl.configure(memory='faults = "unavailable:any:100"')
    assert vdictl("regions", "-p", "memory").code == 1


def test_a_provider_that_does_not_answer_leaves_the_others_and_a_code(vdictl: Vdictl) -> None:
    assert vdictl("images", "list", "-p", "local").code == 5  # its engine is not there
    assert vdictl("plans", "-p", "memroy").code == 2
    vdictl.configure(memory='faults = "unavailable:any:100"')
    done = vdictl("plans", "-p", "memory", "-o", "json")
    assert done.code == 1 and done.error["error"] == "unavailable"


def test_images_that_are_there_and_those_that_would_be_built(vdictl: Vdictl) -> None:
    images = {image["name"]: image for image in vdictl.ok("images", "list", "-o", "json").data}
    assert images["xfce"]["ready"] and not images["code"]["ready"]
    built = vdictl.ok("images", "build", "code")
    assert "building" in built.err and "code" in built.out
    assert vdictl.ok("images", "build", "code", "-o", "json").data["done"] is True
    images = {image["name"]: image for image in vdictl.ok("images", "list", "-o", "json").data}
    assert images["code"]["ready"]


def test_packages_make_an_image_of_their_own(vdictl: Vdictl) -> None:
    one = vdictl.ok("images", "build", "xfce", "--packages", "gimp,htop", "-o", "json", "-q")
    same = vdictl.ok("images", "build", "xfce", "--packages", " htop,gimp,gimp", "-o", "json")
    assert one.err == "" and one.data["id"] == same.data["id"] != "xfce"
    assert one.data["packages"] == ["gimp", "htop"]


def test_a_failed_build_tells_why_and_is_begun_again_when_told(vdictl: Vdictl) -> None:
    vdictl.configure(memory='faults = "build-fails"')
    failed = vdictl("images", "build", "code", "-o", "json")
    assert failed.code == 1 and "--retry" in failed.error["advice"]
    assert vdictl("images", "build", "code").code == 1
    vdictl.ok("images", "build", "code", "--retry")


def test_what_cannot_be_built(vdictl: Vdictl) -> None:
    assert vdictl("images", "build", "nothing").code == 2
    assert vdictl("images", "build", "code", "--timeout", "soon").code == 2
    assert vdictl("images").code == 2 and vdictl("images", "lst").code == 2


def test_providers_and_what_each_can_do(vdictl: Vdictl) -> None:
    found = {provider["name"]: provider for provider in vdictl.ok("providers", "-o", "json").data}
    assert found["memory"]["configured"] and not found["local"]["configured"]
    assert found["local"]["trouble"]["code"] == 5
    assert {"power", "snapshots", "exec"} <= set(found["memory"]["capabilities"])
    assert "geometry" in found["local"]["options"]
    table = vdictl.ok("providers").out
    assert "PROVIDER" in table and "yes" in table and "no: " in table
    assert vdictl.ok("providers", "-p", "memory", "-o", "name").out == "memory\n"


def test_a_provider_that_is_named_in_the_config_and_not_installed_is_shown(vdictl: Vdictl) -> None:
    vdictl.config.write_text(vdictl.config.read_text() + '\n[providers.gone]\npackage = "no_such_package"\n')
    found = {provider["name"]: provider for provider in vdictl.ok("providers", "-o", "json").data}
    assert (found["gone"]["installed"], found["gone"]["configured"]) == (False, False)
    assert vdictl.ok("list", "-o", "json").data == []  # and it stops nothing


def test_ctrl_c_stops_the_waiting_and_not_the_build(vdictl: Vdictl) -> None:
    slow = vdictl.config.read_text().replace('build = "0.05"', 'build = "4"')
    vdictl.config.write_text(slow)
    process = vdictl.start("images", "build", "code")
    assert process.stderr is not None and b"building" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130 and b"The build goes on" in err
    assert vdictl.ok("images", "build", "code", "-o", "json", "-q").data["done"]
