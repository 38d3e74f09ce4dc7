#compdef bisc
# Completion of bisc for zsh. Nothing that was typed is evaluated, and zsh quotes what it puts in.
_bisc() {
    local line typed directive
    local -a before values texts
    before=("${(@Q)words[2,CURRENT-1]}")
    typed="${(Q)PREFIX}"
    [[ $typed == -*=* ]] && compset -P '*='
    for line in "${(@f)$("${(Q)words[1]}" __complete "${before[@]}" "$typed" 2>/dev/null)}"; do
        if [[ $line == :<-> ]]; then
            directive=${line#:}
        elif [[ -n $line ]]; then
            values+=("${line%%$'\t'*}")
            texts+=("${line//$'\t'/  -- }")
        fi
    done
    (( ${directive:-1} & 1 )) && return 1
    local -a space
    (( directive & 2 )) && space=(-S '')
    compadd "${space[@]}" -l -d texts -a values && return 0
    (( directive & 4 )) || _files
}
compdef _bisc bisc
