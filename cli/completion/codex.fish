# fish completion for codex: asks codex itself what may come next.

function __codex_candidates
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    $words[1] __complete $words[2..-1] "$typed" 2>/dev/null
end

function __codex_has_candidates
    test (count (__codex_candidates)) -gt 0
end

# Where codex has nothing to say, fish offers file names.
complete -c codex -n __codex_has_candidates -f -a '(__codex_candidates)'
