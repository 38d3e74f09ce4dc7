package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"bisc/internal/lab/spec"
	"bisc/internal/lab/supervise"
)

// host runs a lab in the foreground.
func host(args []string) error {
	flags := flag.NewFlagSet("host", flag.ContinueOnError)
	asked := labFlags(flags)
	keep := flags.Bool("keep", false, "run until a signal comes, whatever stdin is")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := asked()
	if err != nil {
		return err
	}
	stdin := os.Stdin
	if *keep {
		var mine *os.File
		if stdin, mine, err = os.Pipe(); err != nil {
			return err
		}
		defer mine.Close()
	}
	return supervise.Run(wanted, stdin, os.Stdout, os.Stderr)
}

// labFlags declares the flags that describe a lab; the function it returns reads them once they are parsed.
func labFlags(flags *flag.FlagSet) func() (spec.Lab, error) {
	names := flags.String("names", "", "comma-separated host names")
	docker := flags.Bool("docker", false, "enable docker")
	disk := flags.String("disk", "", "size of the root disk")
	port := flags.Int("port", 0, "the first host's port")
	whole := flags.String("lab", "", "the lab as JSON")
	var pools []spec.Pool
	flags.Func("pool", "NAME=SIZE", func(text string) error {
		pool, err := parsePool(text)
		pools = append(pools, pool)
		return err
	})
	return func() (lab spec.Lab, err error) {
		if *whole != "" {
			err = json.Unmarshal([]byte(*whole), &lab)
			return lab, err
		}
		for i, name := range strings.FieldsFunc(*names, func(r rune) bool { return r == ',' }) {
			h := spec.Host{Name: name, Docker: *docker, Disk: *disk, Pools: pools}
			if *port != 0 {
				h.Port = *port + i
			}
			lab.Hosts = append(lab.Hosts, h)
		}
		return lab, lab.Validate()
	}
}

// parsePool reads NAME=SIZE; the size may end in K, M, G or T.
func parsePool(text string) (spec.Pool, error) {
	name, size, _ := strings.Cut(text, "=")
	shift := 0
	if size != "" {
		if i := strings.IndexByte("KMGT", size[len(size)-1]); i >= 0 {
			shift, size = 10*(i+1), size[:len(size)-1]
		}
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if name == "" || err != nil || n <= 0 {
		return spec.Pool{}, fmt.Errorf("pool %q: want NAME=SIZE, as in tank=100G", text)
	}
	return spec.Pool{Name: name, Size: n << shift}, nil
}
