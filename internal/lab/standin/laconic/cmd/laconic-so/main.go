// Laconic-so stands in for laconic-so in the lab (package laconic).
package main

import (
	"os"

	"bisc/internal/lab/standin/laconic"
)

func main() { os.Exit(laconic.Main(os.Args[1:], os.Stdout, os.Stderr)) }
