// Command build makes the programs that bisc has in it for hosts, each for its platforms, for packages relaybin and hostbin to
// embed: static, and bit by bit the same whoever builds them and wherever. What is made of the same source, toolchain and
// modules already is left as it is.
//
//	go run ./relaybin/build                                   # all of them into relaybin/dist and hostbin/dist, what is not current
//	go run ./relaybin/build --tree hostbin                    # of one of the two
//	go run ./relaybin/build --only shredmeter --platform linux/386 --out /tmp/x
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"bisc/relaybin/builds"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "relaybin/build:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	source := flags.String("source", ".", "bisc's source: the folder with go.mod")
	tree := flags.String("tree", "", "build only these trees' programs, relaybin or hostbin (default: both)")
	out := flags.String("out", "", "the folder for the builds (default: dist of the tree in the source)")
	only := flags.String("only", "", "build only these programs, with commas between")
	platform := flags.String("platform", "", "build only for these platforms, with commas between")
	quiet := flags.Bool("q", false, "say nothing where all is current")
	if err := flags.Parse(args); err != nil {
		return err
	}
	top, err := filepath.Abs(*source)
	if err != nil {
		return err
	}
	var all []string
	for _, t := range builds.Trees() {
		all = append(all, t.Name)
	}
	if *out != "" || *only != "" || *platform != "" { // those belong to one tree: the daemons', where none is named
		*tree = cmp.Or(*tree, all[0])
	}
	some, err := chosen("tree", all, *tree)
	if err != nil {
		return err
	}
	for _, t := range builds.Trees() {
		if slices.Contains(some, t.Name) {
			if err := buildTree(ctx, t, top, *out, *only, *platform, *quiet); err != nil {
				return err
			}
		}
	}
	return nil
}

// buildTree makes what is not current of one tree.
func buildTree(ctx context.Context, t builds.Tree, top, out, only, platform string, quiet bool) error {
	if out == "" {
		out = filepath.Join(top, t.Name, "dist")
	}
	names, err := programs(top, t.Name)
	if err != nil {
		return err
	}
	if names, err = chosen("program", names, only); err != nil {
		return err
	}
	platforms, err := chosen("platform", t.Platforms, platform)
	if err != nil {
		return err
	}
	made, err := build(ctx, t.Name, top, out, names, platforms)
	if err == nil && (made > 0 || !quiet) {
		fmt.Printf("%s: %d built, %d current\n", t.Name, made, len(names)*len(platforms)-made)
	}
	return err
}

// programs are the folders of a tree's cmd.
func programs(top, tree string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(top, tree, tree+".go")); err != nil {
		return nil, fmt.Errorf("%s is not bisc's source: give the folder with its go.mod as --source (%w)", top, err)
	}
	mains, err := filepath.Glob(filepath.Join(top, tree, "cmd", "*", "main.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range mains {
		names = append(names, filepath.Base(filepath.Dir(m)))
	}
	return names, nil
}

func chosen(what string, all []string, list string) ([]string, error) {
	if list == "" {
		return all, nil
	}
	some := strings.Split(list, ",")
	for _, s := range some {
		if !slices.Contains(all, s) {
			return nil, fmt.Errorf("there is no %s %q: there are %s", what, s, strings.Join(all, ", "))
		}
	}
	return some, nil
}
