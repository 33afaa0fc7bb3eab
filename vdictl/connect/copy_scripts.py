"""What runs inside the desktop while files are copied: two shell scripts for a machine with GNU tar and coreutils.

Paths come as arguments in octal escapes, because an engine passes only valid UTF-8 on, and a name may hold any bytes.
What goes wrong is told by a line `vdictl-cp:WORD` on stderr; anything else there is tar's own word.
"""

from __future__ import annotations

import os
import re
from typing import Final

MARK: Final = "vdictl-cp:"
TEMPORARY: Final = ".vdictl-cp."
END: Final = 32  #: bytes: the length of the token that ends a stream

_COMMON: Final = r"""
LC_ALL=C; export LC_ALL
say() { printf '\nvdictl-cp:%s\n' "$1" >&2; exit 70; }
decode() { text=$(printf '%bx' "$1"); text=${text%x}; }
home() { case $text in '~') text=$HOME ;; '~/'*) text=$HOME/${text#'~/'} ;; /*) ;; *) text=./$text ;; esac; }
real() { text=$(readlink -f -- "$1" && echo x) && text=${text%?x}; }
"""

#: Arguments: file|folder|contents|stream, target, name, mode of the folder, token, into (yes|no).
#: It unpacks beside the target and renames, so that no half file is ever seen; an archive without the member `done`
#: (a stream without its token) was cut off, and is thrown away.
PUT: Final = (
    _COMMON
    + r"""
kind=$1 mode=$4 token=$5 into=$6
decode "$3"; name=$text
decode "$2"; home; target=$text
if [ "$into" = yes ] && [ ! -d "$target" ]; then say no-folder; fi
if [ "$kind" != contents ] && [ -d "$target" ]; then
  [ "$kind" != stream ] || say is-folder
  place=${target%/}/$name
else
  case $kind:$target in file:*/ | stream:*/) say no-folder ;; esac
  place=$target
fi
while :; do case $place in ?*/) place=${place%/} ;; *) break ;; esac; done
if [ -L "$place" ] && [ -e "$place" ]; then real "$place"; place=$text; fi
base=${place%/*}; [ -n "$base" ] || base=/
merge=no
if [ -d "$place" ]; then
  case $kind in folder | contents) merge=yes base=$place ;; *) say is-folder ;; esac
elif [ -e "$place" ]; then
  case $kind in folder | contents) say is-file ;; esac
fi
[ -d "$base" ] || say no-parent
[ -w "$base" ] || say no-access
find "$base" -maxdepth 1 -name '.vdictl-cp.??????' -mmin +1440 -exec rm -rf {} + 2>/dev/null
temporary=$(mktemp -d "${base%/}/.vdictl-cp.XXXXXX" && echo x) || say no-temporary
temporary=${temporary%?x}
clean() { chmod -R u+rwX "$temporary"; rm -rf "$temporary"; }
trap clean EXIT
trap 'exit 71' HUP INT TERM
new=$temporary/x
if [ "$kind" = stream ]; then
  cat >"$new" || exit 72
  [ "$(tail -c 32 "$new" | tr -d '\0')" = "$token" ] || say cut
  truncate -s $(($(wc -c <"$new") - 32)) "$new" || exit 72
  if [ -f "$place" ]; then chmod --reference="$place" "$new"; fi
else
  tar -x -p --no-same-owner -C "$temporary" -f - || exit 72
  [ -e "$temporary/done" ] || say cut
fi
if [ $merge = no ]; then
  mv -fT -- "$new" "$place" || exit 73
  case $kind in folder | contents) chmod "$mode" "$place" ;; esac
  exit 0
fi
umask 0
# Links instead of copies: the whole file is there or the old one. Folders that exist stay as they are.
cp -RPlf "$new/." "$place/" 2>"$temporary/said" && exit 0
if grep -q -e 'cross-device' -e 'not permitted' "$temporary/said"; then
  cp -RPf --preserve=mode,timestamps,links "$new/." "$place/" && exit 0
else
  cat "$temporary/said" >&2
fi
exit 73
"""
)

#: Arguments: source, form (tar|raw). Raw is for a file's bytes; a folder is always a tar archive of `.`.
GET: Final = (
    _COMMON
    + r"""
decode "$1"; home; source=$text
if [ ! -e "$source" ]; then
  [ ! -L "$source" ] || say dangling
  case $source in */*) [ -x "${source%/*}/" ] || [ ! -d "${source%/*}/" ] || say no-access ;; esac
  say not-found
fi
[ -r "$source" ] || say no-access
if [ -d "$source" ]; then
  cd "$source" 2>/dev/null || say no-access
  exec tar -c -f - --exclude='.vdictl-cp.??????' .
fi
[ -f "$source" ] || say special
[ "$2" != raw ] || exec cat "$source"
real "$source"; source=$text
cd "${source%/*}/" || say no-access
exec tar -c -f - --no-unquote "./${source##*/}"
"""
)


def put_command(*, kind: str, target: str, name: str, mode: int, token: str, into: bool) -> tuple[str, ...]:
    """The argument list that receives what we send."""
    return (
        *("sh", "-c", PUT, "vdictl-cp", kind, encode(target), encode(name)),
        *(f"{mode:o}", token, "yes" if into else "no"),
    )


def get_command(source: str, *, raw: bool) -> tuple[str, ...]:
    """The argument list that sends us what we asked for."""
    return ("sh", "-c", GET, "vdictl-cp", encode(source), "raw" if raw else "tar")


def encode(path: str) -> str:
    """A path of any bytes as plain ASCII that `printf %b` turns back."""
    return re.sub(rb"[^A-Za-z0-9_./-]", lambda match: b"\\0%03o" % match[0][0], os.fsencode(path)).decode()
