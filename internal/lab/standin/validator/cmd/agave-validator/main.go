// Agave-validator stands in for agave's programs in the lab (package validator): which, its name says.
package main

import (
	"os"

	"bisc/internal/lab/standin/validator"
)

func main() { os.Exit(validator.Main(os.Args)) }
