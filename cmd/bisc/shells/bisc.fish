# Completion of bisc for fish. Nothing that was typed is evaluated, and fish quotes what it puts in.
function __bisc_complete
    set -l tokens (commandline -opc)
    set -l raw (commandline -ct)
    set -l typed (string replace -r -- '^[\'"]' '' $raw)
    test "$typed" = "$raw"; and set typed (string unescape -- $raw)
    test -n "$typed"; or set typed ''
    set -l head (string match -r -- '^-[^=]*=' $typed)
    test -n "$head"; or set head '' # an empty list would take the line with it
    set -l lines ($tokens[1] __complete $tokens[2..] $typed 2>/dev/null)
    set -l directive (string match -r -g -- '^:(\d+)$' $lines[-1])
    test -n "$directive"; or return
    for line in $lines[1..-2]
        echo $head$line
    end
    test (math "bitand($directive, 4)") -eq 0; and test (count $lines) -eq 1; and __fish_complete_path $typed
end
complete -c bisc -f -a '(__bisc_complete)'
