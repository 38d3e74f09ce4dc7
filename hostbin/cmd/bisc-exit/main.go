// Command bisc-exit stays on a host while a validator is being stopped: it asks the validator to exit once its pods are being deleted,
// also where the bisc that deleted them has died. bisc puts it there and starts it; it can be run by hand as well.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"bisc/hostbin/deletion"
	"bisc/hostbin/letexit"
)

// Exit statuses: 0 the pods are gone and no process of theirs is left, 1 failed or misused.
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bisc-exit:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	w := deletion.Watch{Pods: &deletion.Pods{}, Say: out}
	f := flag.NewFlagSet("bisc-exit", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&w.Pods.Kubeconfig, "kubeconfig", "", "`FILE` by which the API server is reached")
	f.StringVar(&w.Pods.Context, "context", "", "`NAME` of its context; none is its current one")
	f.StringVar(&w.Pods.Namespace, "namespace", "", "`NAMESPACE` of the pods")
	f.StringVar(&w.Pods.Container, "container", "agave-validator", "`NAME` of the validator's container in them")
	f.Func("pod", "`POD` to be watched, NAME/UID (repeatable)", func(v string) error {
		p, err := letexit.ParsePod(v)
		w.Pods.Watched = append(w.Pods.Watched, p)
		return err
	})
	f.DurationVar(&w.Every, "every", time.Second, "`DURATION` between two looks")
	f.DurationVar(&w.Again, "again", time.Minute, "`DURATION` after which one that still lives is asked again")
	if len(args) == 0 || args[0] == "--help" || args[0] == "-h" {
		help(f, out)
		return nil
	}
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("%w; bisc-exit --help lists the settings", err)
	}
	switch {
	case len(w.Pods.Watched) == 0:
		return errors.New("--pod: name the pods to be watched")
	case !filepath.IsAbs(w.Pods.Kubeconfig):
		return errors.New("--kubeconfig: give the kubeconfig's path, from the root")
	case w.Pods.Namespace == "":
		return errors.New("--namespace: name that of the pods")
	case len(f.Args()) > 0:
		return fmt.Errorf("%q is no setting; bisc-exit --help lists them", f.Arg(0))
	case w.Every <= 0:
		return errors.New("--every: write how long to wait between two looks: 1s")
	}
	return w.Run(ctx)
}

// help lists the settings as bisc reads them.
func help(f *flag.FlagSet, out io.Writer) {
	fmt.Fprintln(out, "bisc-exit [settings]: asks the validators of the watched pods to exit, once all of these are being deleted")
	f.VisitAll(func(f *flag.Flag) {
		value, about := flag.UnquoteUsage(f)
		fmt.Fprintf(out, "  --%s %s\n        %s (default %q)\n", f.Name, value, about, f.DefValue)
	})
}
