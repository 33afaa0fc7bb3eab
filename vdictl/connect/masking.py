"""In CI: how a secret that must be printed is kept out of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from vdictl.contract.model import Secret


@dataclass(frozen=True, kw_only=True)
class Masking:
    """What to write before the secret is printed, and what to tell."""

    #: Each on a line of its own, on stdout or stderr, before the secret, which they hold.
    lines: tuple[str, ...] = field(default=(), repr=False)
    note: str = ""  #: for people: why the secret will be readable in the log
    system: str = ""  #: the CI system, "" outside of CI


def masking(environment: Mapping[str, str], *secrets: Secret) -> Masking:
    """How the CI system that runs us hides these texts.

    GitHub's runner (and Forgejo's and Gitea's, which are compatible) reads `::add-mask::` from both streams, Azure
    Pipelines `##vso[task.setsecret]`, and both replace the text by `***` from there on. GitLab masks only variables
    that were declared before the job; it and all others have no way for a running job. Outside of CI nothing is done.
    """
    texts = list(dict.fromkeys(form for secret in secrets for form in _forms(secret)))
    if _set(environment, "GITHUB_ACTIONS"):
        return Masking(lines=tuple(f"::add-mask::{_escape(text)}" for text in texts), system="GitHub Actions")
    if _set(environment, "TF_BUILD"):
        return Masking(lines=tuple(f"##vso[task.setsecret]{text}" for text in texts), system="Azure Pipelines")
    if _set(environment, "GITLAB_CI"):
        return Masking(note=_cannot("GitLab"), system="GitLab")
    if _set(environment, "CI"):
        return Masking(note=_cannot("This CI system"), system="CI")
    return Masking()


def _set(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").lower() not in ("", "0", "false")


def _cannot(system: str) -> str:
    return f"{system} has no way for a running job to mask a text: the link will be readable in the job's log."


def _forms(secret: Secret) -> list[str]:
    """As it is, line by line, and as it stands in a URL. What is too short to hide would garble the log."""
    lines = [line for line in secret.reveal().splitlines() if len(line) >= 4]
    return [form for line in lines for form in (line, quote(line, safe=""))]


def _escape(text: str) -> str:
    """As GitHub's runner wants the data of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
