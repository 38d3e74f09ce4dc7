package agave

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"bisc/hostbin"
	"bisc/hostbin/snapshots"
	"bisc/internal/host"
	"bisc/modules/job"
)

// Held lists the archives of a folder, and what tells that one of them is not whole. there is false where there is no folder.
func Held(ctx context.Context, h host.Reader, dir string) (files []snapshots.File, there bool, err error) {
	return held(ctx, h, dir, "/*snapshot-*")
}

// HeldAll is Held with what was left of downloads: its names begin with a dot.
func HeldAll(ctx context.Context, h host.Reader, dir string) (files []snapshots.File, there bool, err error) {
	return held(ctx, h, dir, "/*snapshot-*", "/.*snapshot-*")
}

func held(ctx context.Context, h host.Reader, dir string, patterns ...string) (files []snapshots.File, there bool, err error) {
	st, there, err := host.StatIfThere(ctx, h, dir)
	if err != nil || !there {
		return nil, false, err
	}
	if st.Type != host.Directory {
		return nil, false, fmt.Errorf("%s is a %s, not a folder", dir, st.Type)
	}
	var names []string
	for _, p := range patterns {
		found, err := h.Glob(ctx, dir+p)
		if err != nil {
			return nil, true, fmt.Errorf("look into %s: %w", dir, err)
		}
		names = append(names, found...)
	}
	var mu sync.Mutex
	var ask []func(context.Context) error
	for _, name := range names {
		ask = append(ask, func(ctx context.Context) error {
			st, there, err := host.StatIfThere(ctx, h, name)
			if err != nil || !there || st.Type != host.Regular || st.Link != "" {
				return err // what goes meanwhile is not there; a link is none of ours
			}
			mu.Lock()
			defer mu.Unlock()
			files = append(files, snapshots.File{Name: path.Base(name), Size: st.Size, Modified: st.ModTime})
			return nil
		})
	}
	if len(ask) == 0 {
		return nil, true, nil
	}
	return files, true, host.Ask(ctx, ask...)
}

// askCluster asks for the finalized slot and, where the limit is a time, for slots a second.
func (s *Snapshot) askCluster(ctx context.Context, h host.Reader, seen *heldPairs) (err error) {
	ask := Asking(h, s.ClusterRPC)
	if seen.tip, err = snapshots.Tip(ctx, ask); err != nil {
		return err
	}
	if s.MaxBehind.Time > 0 {
		if seen.rate, err = snapshots.Rate(ctx, ask, seen.tip); err != nil {
			return err
		}
	}
	seen.most = s.MaxBehind.In(seen.rate)
	return nil
}

// Asking asks a cluster's RPC from a host, anew each time: slots move.
func Asking(h host.Reader, url string) snapshots.Ask {
	return func(ctx context.Context, method, params string) ([]byte, error) {
		text, err := h.RPC(host.Anew(ctx), host.RPCQuery{URL: url, Method: method, Params: params})
		var no *host.RPCError
		if errors.As(err, &no) {
			return nil, &snapshots.Refusal{Code: no.Code, Message: no.Message}
		}
		if errors.Is(err, host.ErrNotListening) {
			return nil, fmt.Errorf("%s: %w (asked from %s): is cluster_rpc right?", url, err, h.Name())
		}
		return text, err
	}
}

// Program says where the host keeps the program that finds and fetches snapshots, and which steps put it there; none where it is
// there already.
func Program(ctx context.Context, h host.Reader) (at string, steps []host.Step, err error) {
	return pushed(ctx, h, hostbin.Snapshot)
}

// FetchJob is the job that fetches into a folder: one a folder, whoever starts it, so that it is found again.
func FetchJob(folder string, argv []string, limit time.Duration) job.Job {
	return stateful("snapshot-fetch"+jobName(folder), argv, limit)
}

// FindJob is the job that looks for sources.
func FindJob(argv []string, limit time.Duration) job.Job {
	return stateful("snapshot-find", argv, limit)
}

// stateful has the program keep its state beside the job's own files.
func stateful(id string, argv []string, limit time.Duration) job.Job {
	j := job.Job{ID: id, Argv: argv, Limit: limit}
	j.Argv = append(append([]string{}, argv...), "--state", StateFile(j))
	return j
}

// StateFile is where a job of the program keeps how far it is (snapshots.State, JSON).
func StateFile(j job.Job) string { return path.Dir(j.Output()) + "/state" }

// jobName is a folder's path in the letters that a job's id may have; two folders that become the same name differ in its end.
func jobName(folder string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		}
		return '-'
	}, folder)
	return name[max(0, len(name)-60):] + "-" + host.ContentDigest([]byte(folder))[:6]
}
