"""The scripts that let shells ask `vdictl` for words; see `vdictl.cli.completing`."""

from __future__ import annotations

from collections.abc import Mapping

_BASH = """\
# Completion of vdictl for bash 4 and later.
_vdictl() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line%%$'\\t'*}")
    done < <(_VDICTL_COMPLETE=bash _VDICTL_LINE="${COMP_LINE:0:COMP_POINT}" "${COMP_WORDS[0]}" 2>/dev/null)
    # After NAME: and --option= what follows belongs to the same word.
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:=] ]]; then
        compopt -o nospace
    fi
}
complete -o default -F _vdictl vdictl
"""

_ZSH = """\
#compdef vdictl
# Completion of vdictl for zsh.
_vdictl() {
    local line
    local -a found
    for line in "${(@f)$(_VDICTL_COMPLETE=zsh "${words[1]}" "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        [[ -n "$line" ]] && found+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
    done
    if (( $#found )); then
        _describe 'vdictl' found
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == "_vdictl" ]]; then
    _vdictl "$@"
else
    compdef _vdictl vdictl
fi
"""

_FISH = """\
# Completion of vdictl for fish.
function __vdictl_words
    set -l words (commandline -opc)
    set -l found (env _VDICTL_COMPLETE=fish $words[1] $words[2..] "$(commandline -ct)" 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command vdictl --no-files --arguments '(__vdictl_words)'
"""

_POWERSHELL = """\
# Completion of vdictl for PowerShell.
Register-ArgumentCompleter -Native -CommandName vdictl -ScriptBlock {
    param($word, $ast, $position)
    $before = @($ast.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { $_.ToString() })
    $env:_VDICTL_COMPLETE = 'powershell'
    $env:_VDICTL_WORD = $word
    try {
        & vdictl @before 2>$null | ForEach-Object {
            $value, $means = $_ -split "`t", 2
            if (-not $means) { $means = $value }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $means)
        }
    } finally {
        Remove-Item Env:_VDICTL_COMPLETE, Env:_VDICTL_WORD -ErrorAction SilentlyContinue
    }
}
"""

SCRIPTS: Mapping[str, str] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}
PLACES: Mapping[str, str] = {
    "bash": "~/.local/share/bash-completion/completions/vdictl",
    "zsh": "a folder of $fpath, as _vdictl",
    "fish": "~/.config/fish/completions/vdictl.fish",
    "powershell": "the file $PROFILE",
}
