package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"bisc/internal/lab/onekube/store"
)

var errUsage = errors.New("this stand-in knows: ctr [-n k8s.io] images import FILE|-, ls [-q], tag OLD NEW, rm NAME...; crictl images [-o json|-q], inspecti NAME, rmi NAME")

// words are the arguments without options; an option's value goes with it, flags that have none are named.
func words(args []string, valued ...string) (plain []string, options map[string]string) {
	options = map[string]string{}
	for i := 0; i < len(args); i++ {
		name, value, given := strings.Cut(args[i], "=")
		if args[i] == "-" || !strings.HasPrefix(args[i], "-") {
			plain = append(plain, args[i])
			continue
		}
		name = strings.TrimLeft(name, "-")
		for _, v := range valued {
			if !given && v == name && i+1 < len(args) {
				i++
				value = args[i]
			}
		}
		options[name] = value
	}
	return plain, options
}

// ctr is containerd's own client: import, list and name images in the namespace k8s.io, which is Kubernetes'.
func ctr(args []string) error {
	plain, options := words(args, "n", "namespace", "snapshotter", "a", "address", "platform")
	if space := options["n"] + options["namespace"]; space != "k8s.io" {
		return fmt.Errorf("namespace %q has no images; Kubernetes' are in k8s.io (-n k8s.io)", space)
	}
	if len(plain) < 2 || plain[0] != "images" && plain[0] != "image" && plain[0] != "i" {
		return errUsage
	}
	s := store.Store{Dir: store.Dir}
	switch rest := plain[2:]; plain[1] {
	case "import":
		if len(rest) != 1 {
			return errUsage
		}
		return importImages(s, rest[0])
	case "ls", "list":
		_, quiet := options["q"]
		return listNames(s, quiet)
	case "tag":
		if len(rest) != 2 {
			return errUsage
		}
		image, err := s.Find(rest[0])
		if err != nil {
			return err
		}
		return s.Tag(image.ID, rest[1])
	case "rm", "remove", "delete":
		for _, name := range rest {
			if err := s.Untag(name); err != nil {
				return err
			}
		}
		return nil
	}
	return errUsage
}

func importImages(s store.Store, name string) error {
	var archive io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		archive = f
	}
	images, err := s.Import(archive)
	if err != nil {
		return err
	}
	for _, image := range images {
		for _, name := range image.Names {
			fmt.Printf("unpacking %s (%s)...done\n", name, image.Digest)
		}
	}
	return nil
}

func listNames(s store.Store, quiet bool) error {
	images, err := s.List()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 1, 1, 1, ' ', 0)
	defer table.Flush()
	if !quiet {
		fmt.Fprintln(table, "REF\tTYPE\tDIGEST\tSIZE\tPLATFORMS\tLABELS")
	}
	for _, image := range images {
		for _, name := range image.Names {
			if quiet {
				fmt.Fprintln(table, name)
				continue
			}
			fmt.Fprintf(table, "%s\tapplication/vnd.docker.distribution.manifest.v2+json\t%s\t%d B\tlinux/amd64\tio.cri-containerd.image=managed\n", name, image.Digest, image.Size)
		}
	}
	return nil
}

// criImage is an image as the CRI tells it.
type criImage struct {
	ID          string   `json:"id"`
	RepoTags    []string `json:"repoTags"`
	RepoDigests []string `json:"repoDigests"`
	Size        string   `json:"size"`
	UID         any      `json:"uid"`
	Username    string   `json:"username"`
	Spec        any      `json:"spec"`
	Pinned      bool     `json:"pinned"`
}

func toCRI(image store.Image) criImage {
	return criImage{ID: image.ID, RepoTags: append([]string{}, image.Names...), RepoDigests: []string{}, Size: strconv.FormatInt(image.Size, 10)}
}

// crictl is the CRI's client.
func crictl(args []string) error {
	plain, options := words(args, "o", "output", "r", "runtime-endpoint", "i", "image-endpoint", "t", "timeout")
	if len(plain) == 0 {
		return errUsage
	}
	s := store.Store{Dir: store.Dir}
	switch rest := plain[1:]; plain[0] {
	case "images", "image":
		_, quiet := options["q"]
		return criImages(s, options["o"]+options["output"], quiet)
	case "inspecti":
		if len(rest) != 1 {
			return errUsage
		}
		image, err := s.Find(rest[0])
		if err != nil {
			return fmt.Errorf("no such image %q present", rest[0])
		}
		return printJSON(map[string]any{"status": toCRI(image), "info": map[string]any{"imageSpec": map[string]any{"config": image.Config}}})
	case "rmi":
		for _, name := range rest {
			if err := s.Untag(name); err != nil {
				return err
			}
		}
		return nil
	}
	return errUsage
}

func criImages(s store.Store, format string, quiet bool) error {
	images, err := s.List()
	if err != nil {
		return err
	}
	if format == "json" {
		list := []criImage{}
		for _, image := range images {
			list = append(list, toCRI(image))
		}
		return printJSON(map[string]any{"images": list})
	}
	table := tabwriter.NewWriter(os.Stdout, 1, 1, 1, ' ', 0)
	defer table.Flush()
	if !quiet {
		fmt.Fprintln(table, "IMAGE\tTAG\tIMAGE ID\tSIZE")
	}
	for _, image := range images {
		if quiet {
			fmt.Fprintln(table, image.ID)
			continue
		}
		for _, name := range append(image.Names, "<none>:<none>")[:max(1, len(image.Names))] {
			at := strings.LastIndex(name, ":")
			fmt.Fprintf(table, "%s\t%s\t%.13s\t%d\n", name[:at], name[at+1:], strings.TrimPrefix(image.ID, "sha256:"), image.Size)
		}
	}
	return nil
}

func printJSON(v any) error {
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(v)
}
