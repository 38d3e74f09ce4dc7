package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"bisc/internal/source"
	"bisc/plans"
)

func (c *command) fmt() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt [FILE or FOLDER...]",
		Short: "write plan files in the one form; comments stay",
		Long:  "Without arguments the files of --plans and --inventory. With --check nothing is written: exit status 2 says that a file would change.",
		RunE: func(_ *cobra.Command, args []string) error {
			files, err := c.toFormat(args)
			if err != nil {
				return err
			}
			return c.format(files, check)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; list the files that would change and exit with 2")
	return cmd
}

// toFormat reads the files that the arguments name.
func (c *command) toFormat(args []string) ([]source.File, error) {
	if len(args) > 0 {
		return source.Read(".hcl", args...)
	}
	files, err := source.Read(plans.Suffix, c.flags.plans)
	if c.flags.inventory == "" {
		return files, err
	}
	hosts, invErr := source.Read(".hcl", c.flags.inventory)
	return append(files, hosts...), errors.Join(err, invErr)
}

func (c *command) format(files []source.File, check bool) error {
	formatted, texts, diags := plans.FormatFiles(files)
	if err := c.faults(texts, diags); err != nil {
		return err
	}
	changed := false
	for _, f := range formatted {
		if !f.Changed {
			continue
		}
		changed = true
		fmt.Fprintln(c.out, f.Name)
		if check {
			continue
		}
		if err := replaceFile(f.Name, f.Out); err != nil {
			return err
		}
	}
	if check && changed {
		return exitStatus(2)
	}
	return nil
}

// replaceFile puts new content in place of a file's, whole or not at all, and keeps its mode.
func replaceFile(name string, content []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	if err := writeWhole(name, content, mode); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
