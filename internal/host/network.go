package host

import (
	_ "embed"
	"strconv"
)

//go:embed guards/interface.sh
var interfaceText string

// InterfaceIs holds when the network interface of this name still has the index that was seen: a name comes back with
// another interface behind it when docker makes its bridge anew or a tunnel is made again.
func InterfaceIs(name string, index int) Guard {
	return Guard{Name: "interface as shown", Text: interfaceText, Args: []string{name, strconv.Itoa(index)}}
}
