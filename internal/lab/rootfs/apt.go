package rootfs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// AptFiles writes what apt needs to fetch the release codename as this machine does into dir: machine.list and
// machine.sources (one of them may be empty) and apt.conf. The sources have main and the components given beside it.
func AptFiles(ctx context.Context, dir, codename string, components ...string) error {
	oneLine, deb822, err := sources("/etc/apt", codename, components...)
	if err != nil {
		return err
	}
	conf, err := aptConf(ctx)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"machine.list": oneLine, "machine.sources": deb822, "apt.conf": conf} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write apt's settings: %w", err)
		}
	}
	return nil
}

// aptConf returns those of the machine's apt settings that say how to fetch: proxies, retries, clock checks.
func aptConf(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return "", fmt.Errorf("apt-config dump: %w", err)
	}
	conf := "Acquire::Languages \"none\";\n"
	for line := range strings.Lines(string(out)) {
		for _, prefix := range []string{"Acquire::Check-", "Acquire::http", "Acquire::https", "Acquire::Retries", "Acquire::ForceIPv4"} {
			if strings.HasPrefix(line, prefix) {
				conf += line
				break
			}
		}
	}
	return conf, nil
}
