package validator

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Main runs the program that argv[0] names and returns its exit status.
func Main(argv []string) int {
	name, args := filepath.Base(argv[0]), argv[1:]
	switch name {
	case "agave-ledger-tool":
		return ledgerTool(args)
	case "solana-keygen":
		return keygen(args)
	case "entrypoint.sh":
		return entrypoint()
	case "start-rpc.sh":
		return startRPC()
	}
	return agave(args)
}

// agave is agave-validator: the validator itself, or a request to one that runs.
func agave(args []string) int {
	line, err := parse(args)
	if err != nil {
		return fail("%v", err)
	}
	switch {
	case line.help:
		fmt.Print(help())
		return 0
	case line.version:
		fmt.Println("agave-validator " + versionLine())
		return 0
	}
	switch line.command {
	case "", "run":
		return run(line)
	case "exit":
		return askToExit(line)
	case "contact-info":
		return contactInfo(line)
	}
	return fail("%s is not part of the stand-in", line.command)
}

// fail tells what is wrong and is status 1.
func fail(format string, args ...any) int {
	fmt.Println(strings.TrimRight(fmt.Sprintf(format, args...), "\n"))
	return 1
}
