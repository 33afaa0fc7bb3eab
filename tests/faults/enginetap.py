"""A tap on the engine: a `podman` on PATH that counts the calls, and kills its caller before or after the Nth.

It can kill the engine itself too, some time within the Nth call.

`Tap.make` writes the program; the environment it gives puts it first on PATH. The real engine is called with the same
arguments. What is counted is what really happens, so a step that is new is found by the next clean run.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """#!{python} -IS
import fcntl, os, signal, sys, time
folder, real = {folder!r}, {real!r}
with open(folder + "/calls", "a+") as calls:
    fcntl.flock(calls, fcntl.LOCK_EX)
    calls.seek(0)
    number = len(calls.readlines()) + 1
    calls.write(f"{{number}} " + " ".join(sys.argv[1:]).replace("\\n", " ") + "\\n")
try:
    with open(folder + "/kill") as file:
        at, when = file.read().split()
except FileNotFoundError:
    at, when = "0", "never"
parent = os.getppid()
if int(at) == number and when == "before":
    os.kill(parent, signal.SIGKILL)
    sys.exit(137)
if int(at) == number and when == "after":
    child = os.spawnv(os.P_WAIT, real, [real, *sys.argv[1:]])
    os.kill(parent, signal.SIGKILL)
    sys.exit(child)
if int(at) == number and when.startswith("within:"):
    child = os.spawnv(os.P_NOWAIT, real, [real, *sys.argv[1:]])
    time.sleep(float(when.partition(":")[2]))
    os.kill(child, signal.SIGKILL)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) and 137)
os.execv(real, [real, *sys.argv[1:]])
"""


@dataclass(frozen=True)
class Tap:
    """One tap; it counts from 1 since the last `reset`."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, binary: str) -> Tap:
        """Write the program into `folder`; `binary` is the real engine."""
        program = folder / "bin" / Path(binary).name
        program.parent.mkdir(parents=True, exist_ok=True)
        python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or shutil.which("python3")
        program.write_text(_PROGRAM.format(python=python, folder=str(folder), real=binary))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return cls(folder)

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """`base` with the tap first on PATH."""
        return {**base, "PATH": f"{self.folder / 'bin'}:{base.get('PATH', '')}"}

    def reset(self) -> None:
        """Count from 1 again and kill nobody."""
        (self.folder / "calls").unlink(missing_ok=True)
        (self.folder / "kill").unlink(missing_ok=True)

    def kill_at(self, number: int, when: str) -> None:
        """Kill the caller `when` ("before" or "after") the call of this number; or, "within:S", the engine."""
        (self.folder / "kill").write_text(f"{number} {when}")

    def calls(self) -> list[str]:
        """What was called since the last reset."""
        file = self.folder / "calls"
        return [line.partition(" ")[2] for line in file.read_text().splitlines()] if file.exists() else []
