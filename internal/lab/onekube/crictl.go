package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// criSocket is containerd's, on a kind node.
const criSocket = "unix:///run/containerd/containerd.sock"

// crictl asks containerd for images as cri-tools' crictl does, which Debian does not have: images [-o json], inspecti NAME.
func crictl(ctx context.Context, args []string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := grpc.NewClient(criSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	images := cri.NewImageServiceClient(conn)
	var words []string
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") && arg != "json" {
			words = append(words, arg)
		}
	}
	switch {
	case len(words) == 1 && words[0] == "images":
		list, err := images.ListImages(ctx, &cri.ListImagesRequest{})
		if err != nil {
			return err
		}
		return printMessages(list)
	case len(words) == 2 && words[0] == "inspecti":
		status, err := images.ImageStatus(ctx, &cri.ImageStatusRequest{Image: &cri.ImageSpec{Image: words[1]}})
		if err != nil {
			return err
		}
		if status.Image == nil {
			return fmt.Errorf("no such image %q present", words[1])
		}
		return printMessages(map[string]proto.Message{"status": status.Image})
	}
	return errors.New("this stand-in knows: crictl images -o json, inspecti NAME")
}

// printMessages prints messages as crictl does: with fields that are empty.
func printMessages(v any) error {
	options := protojson.MarshalOptions{EmitUnpopulated: true}
	var out any
	switch v := v.(type) {
	case proto.Message:
		text, err := options.Marshal(v)
		if err != nil {
			return err
		}
		out = json.RawMessage(text)
	case map[string]proto.Message:
		parts := map[string]json.RawMessage{}
		for name, m := range v {
			text, err := options.Marshal(m)
			if err != nil {
				return err
			}
			parts[name] = text
		}
		out = parts
	}
	printed := json.NewEncoder(os.Stdout)
	printed.SetIndent("", "  ")
	return printed.Encode(out)
}
