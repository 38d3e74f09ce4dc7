// Kind stands in for kind in the lab (package kind).
package main

import (
	"os"

	"bisc/internal/lab/standin/kind"
)

func main() { os.Exit(kind.Main(os.Args[1:], os.Stdout, os.Stderr)) }
