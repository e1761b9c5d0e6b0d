#compdef codex
# zsh completion for codex: asks codex itself what may come next.

_codex() {
    local -a candidates
    local line word
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        candidates+=("${word//:/\\:}:${line#*$'\t'}")
    done < <("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#candidates} )); then
        _describe 'codex' candidates
    else
        _files
    fi
}

if [[ ${funcstack[1]} == _codex ]]; then
    _codex "$@"
else
    compdef _codex codex
fi
