"""The base image of all others: the one that is here, else pulled, else made with mmdebstrap from the apt sources."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from vdictl.engine import sources
from vdictl.engine.engine import Engine
from vdictl.engine.errors import BuildFailed, translate
from vdictl.engine.objects import image_id
from vdictl.engine.remote import arch

__all__ = ["BASE_TAG", "ensure_base"]

#: Our own name of the base, however it came here. What is built bears it in `FROM`.
BASE_TAG = "localhost/vdictl/base:bookworm"
SUITE = "bookworm"

_ANSWER_SECONDS = 30.0  # a registry that has said nothing until then is taken for one that can't be reached
_PULL_SECONDS = 900.0
_BOOTSTRAP_SECONDS = 1800.0
_HEARD = re.compile(rb"Getting image source|Copying (blob|config)|Pulling fs layer|Pulling from|Download complete")
_HOOKS = "/usr/share/mmdebstrap/hooks/maybe-merged-usr"  # without it the image is half as large again
_LOAD = f"or load a Debian image by hand: `podman load -i FILE && podman tag IMAGE {BASE_TAG}`"

Say = Callable[[str], None]


def ensure_base(engine: Engine, public: str, *, work: Path, log: Path, say: Say) -> str:
    """The name to build from. `public` is its name at a registry; `work` a folder for what is large and passing.

    Blocks (seconds where a registry answers or the image is here, half a minute with mmdebstrap); output goes to
    `log`, which way was taken goes to `say`. Raises BuildFailed with the cure.
    """
    if image_id(engine, BASE_TAG):
        return BASE_TAG
    if image_id(engine, public):
        say(f"base: {public} is here already")
        engine.run("tag", public, BASE_TAG)
        return BASE_TAG
    say(f"base: pulling {public}")
    reason = _pull(engine, public, log)
    if reason is None:
        engine.run("tag", public, BASE_TAG)
        return BASE_TAG
    with log.open("ab") as out:
        out.write(f"the registry gave no base: {reason}\n".encode())
    say("base: no image registry gives it; making it from this machine's apt sources with mmdebstrap")
    _bootstrap(engine, work, log)
    return BASE_TAG


def _pull(engine: Engine, public: str, log: Path) -> str | None:
    """None when it was pulled, else why not."""
    with log.open("ab") as out:
        begin = out.tell()
        child = engine.popen("pull", public, stdout=out, stderr=out)
    try:
        reason = _heed(child, log, begin)
    except BaseException:
        _end(child)
        raise
    if reason or child.returncode == 0:
        return reason
    text = _from(log, begin).decode("utf-8", "replace")
    return translate((engine.binary, "pull", public), child.returncode, text).brief


def _heed(child: subprocess.Popen[bytes], log: Path, begin: int) -> str | None:
    """Wait for a pull; why it was given up, or None where it ended by itself."""
    started = time.monotonic()
    while child.poll() is None:
        waited = time.monotonic() - started
        heard = waited > _ANSWER_SECONDS and _HEARD.search(_from(log, begin))
        if waited > _PULL_SECONDS or (waited > _ANSWER_SECONDS and not heard):
            _end(child)
            return f"no answer within {waited:.0f} s"
        time.sleep(0.1)
    return None


def _bootstrap(engine: Engine, work: Path, log: Path) -> None:
    _require_same_processor(engine)
    program, archive = _tools(engine.env)
    work.mkdir(parents=True, exist_ok=True)
    listed, tar = work / "base.sources", work / "base.tar"
    listed.write_text(archive)
    argv = [program, "--variant=minbase", "--include=ca-certificates", f"--hook-dir={_HOOKS}"]
    argv += [f"--aptopt={option}" for option in _apt_options(engine.env)]
    argv += [SUITE, str(tar), str(listed)]
    try:
        with log.open("ab") as out:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={"PATH": os.defpath, **engine.env, "TMPDIR": str(work)},
                start_new_session=True,
            )
        try:
            code = child.wait(_BOOTSTRAP_SECONDS)
        except subprocess.TimeoutExpired:
            _end(child)
            raise BuildFailed(BASE_TAG, f"mmdebstrap took more than {_BOOTSTRAP_SECONDS:.0f} s", log=log) from None
        except BaseException:
            _end(child)
            raise
        if code != 0:
            raise _bootstrap_failed(code, log)
        engine.run("import", "--change", "LABEL vdictl.base=mmdebstrap", str(tar), BASE_TAG, timeout=_PULL_SECONDS)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _require_same_processor(engine: Engine) -> None:
    """What is made from this machine's sources runs on its kind of processor; the engine may be on another machine."""
    here, there = arch(platform.machine()), engine.traits.arch
    if there and there != here:
        raise BuildFailed(
            BASE_TAG,
            f"no image registry answers on {engine.traits.remote}, and a base made here is for {here}, not {there}",
            advice=f"Make a registry reachable there, {_LOAD}.",
        )


def _bootstrap_failed(code: int, log: Path) -> BuildFailed:
    tail = _from(log, max(0, log.stat().st_size - 4000)).decode("utf-8", "replace")
    if re.search(r"no space left on device", tail, re.IGNORECASE):
        return BuildFailed(BASE_TAG, "no space left on the disk", tail=tail, log=log, advice="Free some space.")
    why = f"mmdebstrap ended with exit code {code}"
    return BuildFailed(BASE_TAG, why, tail=tail, log=log, advice=f"Mend the apt sources (`apt-get update`), {_LOAD}.")


def _tools(env: Mapping[str, str]) -> tuple[str, str]:
    """The program and the text of the sources; raises BuildFailed with the cure where one is missing."""
    release = _release(Path("/etc/os-release"))
    if release.get("ID") != "debian":
        raise BuildFailed(
            BASE_TAG,
            "no image registry answers, and this machine is not a Debian to make the base image from",
            advice=f"Make a registry reachable (the engine's proxy or mirror settings), {_LOAD}.",
        )
    program = shutil.which("mmdebstrap", path=env.get("PATH"))
    if program is None:
        raise BuildFailed(
            BASE_TAG,
            "no image registry answers, and mmdebstrap, which makes the base image without one, is not installed",
            advice=f"apt-get install mmdebstrap, {_LOAD}.",
        )
    archive = sources.debian_only(sources.read(Path("/etc/apt")), release.get("VERSION_CODENAME", SUITE), SUITE)
    if not archive:
        raise BuildFailed(
            BASE_TAG,
            "no image registry answers, and the apt sources name no Debian archive",
            advice=f"Add Debian's main archive to /etc/apt/sources.list, {_LOAD}.",
        )
    return program, archive


def _apt_options(env: Mapping[str, str]) -> list[str]:
    """How this machine's apt reaches its archive (proxies, validity); mmdebstrap keeps it in the image for later use.

    An address with a password in it stays out: it would be in the image and in the process list.
    """
    program = shutil.which("apt-config", path=env.get("PATH"))
    if program is None:
        return []
    done = subprocess.run([program, "dump", "Acquire"], capture_output=True, text=True, env=dict(env), check=False)
    wanted = re.compile(r'Acquire::(https?::Proxy|Check-(Valid-Until|Date)|Retries|https?::Timeout)\S* "[^"@]+";', re.I)
    return [line for line in done.stdout.splitlines() if wanted.fullmatch(line)]


def _release(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: value.strip().strip("\"'") for name, _, value in pairs}


def _from(log: Path, offset: int) -> bytes:
    with log.open("rb") as file:
        file.seek(offset)
        return file.read()


def _end(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            os.killpg(child.pid, number)
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                continue
