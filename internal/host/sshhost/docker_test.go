package sshhost

import (
	"encoding/json"
	"errors"
	"io/fs"
	"sync"
	"testing"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// TestDocker asks a real daemon: as root over its socket, and as a user who may not open that by the command; both say the same.
func TestDocker(t *testing.T) {
	t.Parallel()
	l := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "a", Docker: true}}})
	h := l.Host("a")
	outOfBand(h)(t, `systemctl start docker
cp /usr/lib/bisc-lab/standin /tmp/zfs
tar -C /tmp -c zfs | docker import - lab:1 >/dev/null
docker create --name here --label who=lab lab:1 /zfs version >/dev/null
docker create --name there lab:1 /zfs version >/dev/null`)
	for _, user := range []string{"root", "ops"} {
		t.Run(user, func(t *testing.T) {
			r, err := ready(t, pool(t), config(h, user))
			if err != nil {
				t.Fatal(err)
			}
			var c struct {
				Name  string
				State struct{ Running bool }
			}
			docker(t, r, host.DockerQuery{What: host.DockerContainer, Name: "here"}, &c)
			var all, some []struct {
				ID     string `json:"Id"`
				Names  []string
				Labels map[string]string
				State  string
			}
			docker(t, r, host.DockerQuery{What: host.DockerContainers}, &all)
			docker(t, r, host.DockerQuery{What: host.DockerContainers, Label: "who=lab"}, &some)
			if c.Name != "/here" || len(all) != 2 || len(some) != 1 || some[0].Names[0] != "/here" || some[0].Labels["who"] != "lab" || some[0].State != "created" {
				t.Errorf("%+v %+v %+v", c, all, some)
			}
			var image struct {
				ID       string `json:"Id"`
				RepoTags []string
			}
			var images []struct {
				ID       string `json:"Id"`
				RepoTags []string
			}
			var info struct{ Driver string }
			docker(t, r, host.DockerQuery{What: host.DockerImage, Name: "lab:1"}, &image)
			docker(t, r, host.DockerQuery{What: host.DockerImages}, &images)
			docker(t, r, host.DockerQuery{What: host.DockerInfo}, &info)
			if image.ID == "" || len(images) != 1 || images[0].ID != image.ID || image.RepoTags[0] != "lab:1" || info.Driver != "overlay2" {
				t.Errorf("%+v %+v %+v", image, images, info)
			}
			for _, q := range []host.DockerQuery{{What: host.DockerContainer, Name: "none"}, {What: host.DockerImage, Name: "none:1"}} {
				if _, err := r.Docker(t.Context(), q); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v", q, err)
				}
			}
			if _, err := r.Docker(t.Context(), host.DockerQuery{What: host.DockerContainer, Name: "../info"}); err == nil {
				t.Error("a name that is a path was asked for")
			}
		})
	}
	t.Run("a daemon that hangs", func(t *testing.T) {
		outOfBand(h)(t, `kill -STOP $(pidof dockerd)`)
		defer outOfBand(h)(t, `kill -CONT $(pidof dockerd)`)
		var both sync.WaitGroup
		for _, user := range []string{"root", "ops"} {
			r, err := ready(t, pool(t), config(h, user))
			if err != nil {
				t.Fatal(err)
			}
			both.Go(func() {
				_, err := r.Docker(t.Context(), host.DockerQuery{What: host.DockerContainer, Name: "here"})
				if !errors.Is(err, host.ErrStuck) {
					t.Errorf("%s: %v", user, err)
				}
				works(t, r)
			})
		}
		both.Wait()
	})
	t.Run("one that is stopped is not started by the question", func(t *testing.T) {
		outOfBand(h)(t, `systemctl start docker.socket; systemctl stop docker.service`)
		for _, user := range []string{"root", "ops"} {
			r, err := ready(t, pool(t), config(h, user))
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.Docker(t.Context(), host.DockerQuery{What: host.DockerInfo})
			says(t, err, host.ErrNotListening, "docker")
		}
		if is := outOfBand(h)(t, `systemctl is-active docker.service docker.socket || true`); is != "inactive\nactive\n" {
			t.Errorf("docker is %q", is)
		}
	})
}

func docker(t *testing.T, r host.Reader, q host.DockerQuery, into any) {
	t.Helper()
	out, err := r.Docker(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s: %v: %s", q, err, out)
	}
}
