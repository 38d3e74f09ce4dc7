// Command agave-validator stands for the validator in the tests of the shutdown guard: like the real one it ignores
// SIGTERM and exits when it is asked on the admin socket in its ledger's folder. It appends "clean exit" to the file order
// there, a second after it was asked. With STUBBORN set it takes the question and never exits.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	ledger, words := "ledger", []string{}
	args := os.Args[1:]
	for i := 0; i < len(args); i++ {
		if value, ok := strings.CutPrefix(args[i], "--ledger="); ok {
			ledger = value
		} else if args[i] == "--ledger" || args[i] == "-l" {
			i++
			ledger = args[i]
		} else {
			words = append(words, args[i])
		}
	}
	run := validate
	if strings.Join(words, " ") == "exit --force" {
		run = ask
	}
	if err := run(ledger); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func validate(ledger string) error {
	signal.Ignore(syscall.SIGTERM)
	socket := filepath.Join(ledger, "admin.rpc")
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	admin, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	asked, err := admin.Accept()
	if err != nil {
		return err
	}
	if os.Getenv("STUBBORN") != "" {
		for {
			time.Sleep(time.Hour)
		}
	}
	time.Sleep(time.Second)
	order, err := os.OpenFile(filepath.Join(ledger, "order"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := order.WriteString("clean exit\n"); err != nil {
		return err
	}
	if err := order.Sync(); err != nil {
		return err
	}
	return asked.Close()
}

// ask waits until the validator is gone, as the real command does.
func ask(ledger string) error {
	admin, err := net.Dial("unix", filepath.Join(ledger, "admin.rpc"))
	if err != nil {
		return err
	}
	admin.Read(make([]byte, 1))
	return nil
}
