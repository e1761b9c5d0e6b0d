#compdef codex
# zsh completion for codex: asks codex itself what may come next.

_codex() {
    local -a candidates keys
    local line word
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        line="${word//:/\\:}:${line#*$'\t'}"
        # What ends in "=" goes on with a value.
        if [[ $word == *= ]]; then keys+=("$line"); else candidates+=("$line"); fi
    done < <("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#candidates} + ${#keys} == 0 )); then
        _files
        return
    fi
    local none=1
    (( ${#candidates} )) && _describe 'codex' candidates && none=0
    (( ${#keys} )) && _describe 'codex' keys -S '' && none=0
    return none
}

if [[ ${funcstack[1]} == _codex ]]; then
    _codex "$@"
else
    compdef _codex codex
fi
