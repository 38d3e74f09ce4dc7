package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"bisc/internal/lab/eos"
)

// eosVerb is all that concerns emulated switches.
func eosVerb(args []string) error {
	if len(args) == 0 {
		return errors.New("eos: run, up or down?")
	}
	switch args[0] {
	case "run":
		return eosRun(args[1:])
	case "up":
		return eosUp(args[1:])
	case "down":
		return down(args[1:])
	}
	return fmt.Errorf("unknown command eos %q", args[0])
}

// wiring is a port's cable.
type wiring struct {
	port, dev, netns string
	addr             netip.Prefix
}

// eosFlags reads what a switch is to be.
func eosFlags(args []string) (dir string, opts eos.Options, wires []wiring, err error) {
	flags := flag.NewFlagSet("eos", flag.ContinueOnError)
	flags.StringVar(&dir, "dir", "", "the switch's folder")
	startup := flags.String("startup", "", "its startup-config")
	flash := flags.String("flash", "", "a folder with what lies on its flash")
	user := flags.String("user", "admin", "who may log in")
	flags.StringVar(&opts.Device.Hostname, "name", "", "its name where its configuration has none")
	flags.StringVar(&opts.Device.Serial, "serial", "", "its serial number")
	flags.StringVar(&opts.Device.Version, "version", "", "the version of EOS")
	flags.Func("wire", "PORT=DEV,NETNS[,ADDR/LEN]", func(text string) error {
		w, err := parseWire(text)
		wires = append(wires, w)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return "", opts, nil, err
	}
	if dir == "" {
		return "", opts, nil, errors.New("--dir is missing")
	}
	opts.Users = []string{*user}
	if *startup != "" {
		text, err := os.ReadFile(*startup)
		if err != nil {
			return "", opts, nil, err
		}
		opts.Device.Startup = string(text)
	}
	if *flash != "" {
		if opts.Flash, err = readTree(*flash); err != nil {
			return "", opts, nil, err
		}
	}
	if opts.Program, err = os.Executable(); err != nil {
		return "", opts, nil, err
	}
	dir, err = filepath.Abs(dir)
	return dir, opts, wires, err
}

func parseWire(text string) (w wiring, err error) {
	port, rest, ok := strings.Cut(text, "=")
	parts := strings.Split(rest, ",")
	if !ok || len(parts) < 2 || len(parts) > 3 {
		return w, fmt.Errorf("wire %q: want PORT=DEV,NETNS[,ADDR/LEN], as in Ethernet4/1=sw0,/run/netns/host,198.51.100.2/24", text)
	}
	w = wiring{port: port, dev: parts[0], netns: parts[1]}
	if len(parts) == 3 {
		w.addr, err = netip.ParsePrefix(parts[2])
	}
	return w, err
}

func readTree(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(filepath.Join(dir, path))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is to be on flash: %w", err)
	}
	return files, nil
}

// eosRun runs a switch in the foreground until a signal comes. The folder's ssh_config, written last, says that it is up; flash is a
// link to the switch's flash.
func eosRun(args []string) error {
	dir, opts, wires, err := eosFlags(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	sw, err := eos.Start(ctx, opts)
	if err != nil {
		return err
	}
	for _, w := range wires {
		if err := sw.Wire(w.port, w.netns, w.dev, w.addr); err != nil {
			return errors.Join(err, sw.Close())
		}
	}
	if err := describeSwitch(dir, sw); err != nil {
		return errors.Join(err, sw.Close())
	}
	fmt.Println("up")
	<-ctx.Done()
	return sw.Close()
}

// describeSwitch writes what ssh and a person need.
func describeSwitch(dir string, sw *eos.Switch) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	link := filepath.Join(dir, "flash")
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := errors.Join(os.Symlink(sw.Flash, link), os.WriteFile(filepath.Join(dir, "netns"), []byte(sw.Netns+"\n"), 0o644)); err != nil {
		return err
	}
	text, err := os.ReadFile(sw.SSHConfig())
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "ssh_config.new"), text, 0o644), os.Rename(filepath.Join(dir, "ssh_config.new"), filepath.Join(dir, "ssh_config")))
}

// eosUp runs a switch in the background.
func eosUp(args []string) error {
	dir, _, _, err := eosFlags(args)
	if err != nil {
		return err
	}
	if pid, err := running(dir); err == nil {
		return fmt.Errorf("%s has a switch already, process %d; bisc-lab eos down --dir %s ends it", dir, pid, dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("/proc/self/exe", append([]string{"eos", "run"}, args...)...)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	up, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := writePid(dir, cmd.Process.Pid); err != nil {
		return errors.Join(err, cmd.Process.Signal(syscall.SIGTERM))
	}
	if n, _ := up.Read(make([]byte, 3)); n == 0 { // it has ended without a word
		err := cmd.Wait()
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("the switch ended: %v\n%s", err, said)
	}
	fmt.Printf("log in with: ssh -F %s/ssh_config NAME\n", dir)
	return nil
}
