package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"bisc/internal/host"
)

// packetFilter is what a host has of iptables' rules, and by which of the kernel's two ways iptables makes them there.
type packetFilter struct {
	live ruleTable
	// other holds a way that iptables does not use on this host and that has rules all the same: nft or legacy.
	other string
	// saved are the rules that netfilter-persistent brings back early in the boot, and their file's text; nil: no such file.
	saved     *ruleTable
	savedText []byte
}

// savedRules is the file of netfilter-persistent (Debian: iptables-persistent).
const savedRules = "/etc/iptables/rules.v4"

// lookAtRules reads all of it. It makes no table and loads no module: iptables-save says nothing of a table that is not
// there (iptables -t nat -S would make it), and iptables-legacy-save is asked only where a legacy table is there already.
func lookAtRules(ctx context.Context, h host.Reader) (packetFilter, error) {
	var f packetFilter
	var version string
	var live, other ruleTable
	var legacy []byte
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { version, err = ask(ctx, h, "iptables", "--version"); return err },
		func(ctx context.Context) (err error) { live, err = saved(ctx, h, "iptables-save"); return err },
		func(ctx context.Context) (err error) {
			legacy, err = readIfThere(ctx, h, "/proc/net/ip_tables_names")
			return err
		},
		func(ctx context.Context) (err error) { f.savedText, err = readIfThere(ctx, h, savedRules); return err },
	)
	if err != nil {
		return f, err
	}
	f.live = live
	switch {
	case strings.Contains(version, "(nf_tables)") && len(strings.TrimSpace(string(legacy))) > 0:
		other, err = saved(ctx, h, "iptables-legacy-save")
		f.other = "legacy"
	case strings.Contains(version, "(legacy)"):
		var there bool
		if there, err = nftables(ctx, h); err == nil && there {
			other, err = saved(ctx, h, "iptables-nft-save")
			f.other = "nft"
		}
	case !strings.Contains(version, "(nf_tables)"):
		return f, fmt.Errorf("iptables says %q: bisc knows versions that say (nf_tables) or (legacy), which came with 1.8", strings.TrimSpace(version))
	}
	if err != nil {
		return f, err
	}
	if !other.decides() {
		f.other = ""
	}
	if f.savedText != nil {
		t, err := parseSave(string(f.savedText))
		if err != nil {
			return f, fmt.Errorf("read %s: %w", savedRules, err)
		}
		f.saved = &t
	}
	return f, nil
}

// saved asks one of the save programs.
func saved(ctx context.Context, h host.Reader, program string) (ruleTable, error) {
	text, err := ask(ctx, h, program)
	if errors.Is(err, host.ErrNoProgram) && program != "iptables-save" {
		return ruleTable{}, nil // what cannot be asked for was not made either: the programs come in one package
	}
	if err != nil {
		return ruleTable{}, err
	}
	t, err := parseSave(text)
	if err != nil {
		return t, fmt.Errorf("%s: %w", program, err)
	}
	return t, nil
}

// nftables tells whether the kernel has nf_tables. To ask nft itself would load the module.
func nftables(ctx context.Context, h host.Reader) (bool, error) {
	var modules, module bool
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { modules, err = stands(ctx, h, "/proc/modules"); return err },
		func(ctx context.Context) (err error) {
			module, err = stands(ctx, h, "/sys/module/nf_tables")
			return err
		},
	)
	if err != nil || module || !modules { // a kernel without modules has it or has not: to ask loads nothing
		return err == nil, err
	}
	release, err := ask(ctx, h, "uname", "-r")
	if err != nil {
		return false, err
	}
	builtin, err := readIfThere(ctx, h, "/lib/modules/"+strings.TrimSpace(release)+"/modules.builtin")
	return strings.Contains(string(builtin), "/nf_tables.ko"), err
}

// ask is a question whose program must exit 0.
func ask(ctx context.Context, h host.Reader, argv ...string) (string, error) {
	out, err := h.Query(ctx, argv...)
	if err == nil && out.Exit != 0 {
		err = &host.ExitError{Argv: argv, Exit: out.Exit, Stderr: out.Stderr}
	}
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", argv[0], err)
	}
	return string(out.Stdout), nil
}

// readIfThere gives nil for a file that is not there.
func readIfThere(ctx context.Context, h host.Reader, name string) ([]byte, error) {
	content, err := h.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if content == nil {
		content = []byte{}
	}
	return content, nil
}

func stands(ctx context.Context, h host.Reader, name string) (bool, error) {
	_, err := h.Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", name, err)
	}
	return true, nil
}
