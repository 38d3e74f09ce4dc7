# Completion of bisc for bash. Nothing that was typed is evaluated: bisc takes the line apart itself.
_bisc() {
    local directive replies
    mapfile -t replies < <("$1" __line "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    directive=${replies[0]:-1}
    COMPREPLY=("${replies[@]:1}")
    ((directive & 1)) && return 1
    ((directive & 2)) && compopt -o nospace
    ((directive & 4)) && compopt +o default +o bashdefault
    return 0
}
complete -o default -o bashdefault -F _bisc bisc
