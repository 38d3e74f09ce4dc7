package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"bisc/cmd/bisc/view"
	"bisc/discover"
	"bisc/internal/host"
	"bisc/internal/secret"
	"bisc/internal/source"
	"bisc/inventory"
	"bisc/modules/all"
	"bisc/plans"
)

func (c *command) discover() *cobra.Command {
	var out string
	var force bool
	cmd := &cobra.Command{
		Use:   "discover HOST",
		Short: "read a live host, say which variant it is in, and write the plan that it already is; writes nothing on the host",
		Long: "Reads what the host has that bisc has kinds for, and writes it as a plan into --out. Where the host is not as it ought to be, the plan says how it " +
			"ought to be: what bisc plan then shows are the host's own faults, and comments in the plan say them too. What bisc has no kind for is listed, and so is " +
			"what runs now and would not survive a reboot.\n\n" +
			"With --plans (or $BISC_PLANS) the host is also compared with that plan: with each value that one of its variables may have " +
			"(a validation that says contains([...], var.NAME)), and the one that fits best is named.\n\n" +
			"Without --inventory the host is reached as ssh HOST would reach it. Exit status 7 says that something could not be read; it is named.",
		Example: "  bisc discover biscayne --inventory hosts.hcl --out plans/found\n  bisc plan --plans plans/found --inventory hosts.hcl\n  bisc discover biscayne --inventory hosts.hcl --plans plans/biscayne",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := vacant(out, force); err != nil {
				return err
			}
			compare := cmd.Flags().Changed("plans") || os.Getenv("BISC_PLANS") != ""
			secrets := c.keeper(cmd.Context())
			name := args[0]
			l, made, err := c.hostsFor(name, compare, secrets)
			if err != nil {
				return err
			}
			return c.within(cmd, l, secrets, "discover", false, func(ctx context.Context, s *session) error {
				if made != nil {
					name = s.hostNames()[0]
				}
				return s.discover(ctx, name, discovery{out: out, made: made, compare: compare, secrets: secrets})
			})
		},
		ValidArgsFunction: c.completeHosts,
	}
	cmd.Flags().StringVar(&out, "out", "", "folder to write the plan into; without it only the report is given")
	cmd.Flags().BoolVar(&force, "force", false, "with --out: replace plan files that are there")
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON (bisc schema discover)")
	return cmd
}

// vacant refuses a folder that holds a plan already.
func vacant(dir string, force bool) error {
	if dir == "" || force {
		return nil
	}
	there, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range there {
		if strings.HasSuffix(e.Name(), plans.Suffix) {
			return fmt.Errorf("%s holds a plan already (%s): choose another folder for --out, or replace it with --force", dir, e.Name())
		}
	}
	return err
}

// hostsFor reads the inventory, and the plan where it is to be compared with. Where the inventory is not given the host is
// reached as ssh would reach it; made is then the text that says so.
func (c *command) hostsFor(name string, compare bool, secrets *secret.Keeper) (l *loaded, made []source.File, err error) {
	if compare {
		l, err = c.loadWith(secrets)
		return l, nil, err
	}
	var hosts []source.File
	if c.flags.inventory != "" {
		if hosts, err = source.Read(".hcl", c.flags.inventory); err != nil {
			return nil, nil, err
		}
	} else {
		made = []source.File{{Name: "host" + plans.Suffix, Text: asSSHWould(name)}}
		hosts = made
	}
	inv, diags := inventory.Load(hosts...)
	if err := c.faults(filesOf(hosts), diags); err != nil {
		return nil, nil, err
	}
	beside, _ := source.Read(plans.Suffix, c.flags.plans) // other verbs would read that plan; there need not be one
	return &loaded{c: c, inv: inv, plan: &plans.Plan{Inventory: inv}, alsoEnv: plans.EnvNames(beside)}, made, nil
}

// asSSHWould is a host as ssh would reach it: [USER@]NAME, where NAME may be an alias of ssh's configuration, a name of the
// DNS, of which the first part is the host's name in plans, or an address.
func asSSHWould(destination string) []byte {
	user, at, named := strings.Cut(destination, "@")
	if !named {
		user, at = "", destination
	}
	name, _, dotted := strings.Cut(at, ".")
	if net.ParseIP(at) != nil {
		name, dotted = "host-"+strings.NewReplacer(".", "-", ":", "-").Replace(at), true
	}
	file := hclwrite.NewEmptyFile()
	body := file.Body().AppendNewBlock("host", []string{name}).Body()
	body.SetAttributeValue("platform", cty.StringVal("linux"))
	if dotted {
		body.SetAttributeValue("address", cty.StringVal(at))
	}
	if named {
		body.SetAttributeValue("user", cty.StringVal(user))
	}
	body.SetAttributeValue("become", cty.BoolVal(user != "root"))
	return append([]byte("# As ssh reaches it; an inventory with the host's key (host_keys) is better.\n"), plans.Format(file.Bytes())...)
}

// discovery is what a discover was asked for.
type discovery struct {
	out     string
	made    []source.File // the host block, where there was no inventory
	compare bool
	secrets *secret.Keeper
}

func (s *session) discover(ctx context.Context, name string, d discovery) error {
	if _, ok := s.loaded.inv.Lookup(name); !ok {
		return fmt.Errorf("%q is not in the inventory; bisc hosts lists it", name)
	}
	r, err := s.Reader(ctx, name)
	if err != nil {
		return err
	}
	h := host.NewMemo(r)
	found, err := discover.Read(ctx, h)
	if err != nil {
		return err
	}
	if err := found.Check(ctx, h, s.loaded.inv, all.Registry(), s.key); err != nil {
		return err
	}
	if d.compare {
		opts, err := s.c.sources()
		if err != nil {
			return err
		}
		opts.Secrets, opts.Env = d.secrets, s.c.lookupEnv
		if found.Variants, err = discover.Compare(ctx, h, s.c.flags.plans, opts); err != nil {
			return err
		}
	}
	var wrote []string
	if d.out != "" {
		if wrote, err = writePlan(d.out, append(d.made, found.Files()...)); err != nil {
			return err
		}
	}
	return s.showFound(found, wrote)
}

// writePlan writes files whole, one after the other.
func writePlan(dir string, files []source.File) (wrote []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the plan: %w", err)
	}
	for _, f := range files {
		name := filepath.Join(dir, f.Name)
		if err := replaceFile(name, f.Text); err != nil {
			return wrote, err
		}
		wrote = append(wrote, name)
	}
	return wrote, nil
}

func (s *session) showFound(found *discover.Found, wrote []string) error {
	s.progress.Close()
	status := view.ExitOK
	if found.Unknown() {
		status = view.ExitUnknown
	}
	var err error
	if s.c.flags.json {
		err = view.FoundJSON(s.c.out, found, wrote, status)
	} else {
		err = view.Found(s.c.out, found, wrote)
	}
	s.statistics()
	return errors.Join(err, exitOf(status))
}
