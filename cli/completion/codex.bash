# bash completion for codex: asks codex itself what may come next.

_codex() {
    local words=() word i
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        # bash cuts words at "=": --flag=value comes as three of them.
        if ((${#words[@]} > 0)) && [[ $word == "=" || ${COMP_WORDS[i - 1]} == "=" ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
    done
    local typed=${COMP_WORDS[COMP_CWORD]}
    [[ $typed == "=" ]] && typed=
    # What stands before the last "=" is no longer bash's to replace.
    local whole=${words[${#words[@]} - 1]} program=$1 line
    local cut=${whole%"$typed"}
    command -v -- "$program" >/dev/null 2>&1 || program=codex
    COMPREPLY=()
    while IFS= read -r line; do
        line=${line%%$'\t'*}
        COMPREPLY+=("${line#"$cut"}")
        [[ $line == *= ]] && compopt -o nospace 2>/dev/null
    done < <("$program" __complete "${words[@]}" 2>/dev/null)
    return 0
}

complete -o default -F _codex codex
