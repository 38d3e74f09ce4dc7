package discover

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"bisc/internal/host/hosttest"
	"bisc/internal/source"
)

func TestParseSockets(t *testing.T) {
	got := parseSockets(`udp UNCONN 0 0 127.0.0.1:9100 0.0.0.0:* users:(("python3",pid=208,fd=3))
tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=95,fd=3),("systemd",pid=1,fd=40))
tcp LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=95,fd=4))
tcp LISTEN 0 128 *:80 *:* users:(("a \"b\"",pid=7,fd=4))
udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:*
`)
	want := []listener{{1, "systemd", []string{"tcp:22"}, ""}, {7, `a \"b\"`, []string{"tcp:80"}, ""}, {95, "sshd", []string{"tcp:22"}, ""}, {208, "python3", []string{"udp:9100"}, ""}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestListenerOfASession(t *testing.T) {
	transient := []Remark{{Name: "hand.service"}}
	for group, words := range map[string]string{
		"0::/user.slice/user-0.slice/session-3.scope":                    "session-3.scope",
		"1:name=systemd:/\n0::/user.slice/user-0.slice/session-3.scope":  "session-3.scope",
		"1:name=systemd:/user.slice/user-0.slice/session-3.scope\n0::/":  "session-3.scope",
		"0::/user.slice/user-1.slice/user@1.service/app.slice/x.service": "x.service",
		"0::/system.slice/hand.service":                                  "a transient unit",
		"0::/system.slice/ssh.service":                                   "",
		"0::/system.slice/docker-0123.scope":                             "",
		"0::/system.slice/run-credentials.service":                       "",
		"": "",
	} {
		r, ok := listener{comm: "x", ports: []string{"udp:1"}, group: groupOf(group)}.remark(transient)
		if ok != (words != "") || !strings.Contains(r.Why, words) || ok && r.State != Ephemeral {
			t.Errorf("%s: %v %+v", group, ok, r)
		}
	}
}

func TestCronEntry(t *testing.T) {
	for line, want := range map[string]string{
		"01 0 * * * root /x/backlog.sh --password y": "01 0 * * * /x/backlog.sh",
		"@daily  root  A=b C=d  /x":                  "@daily /x",
		"*/5 * * * * root":                           "",
		"# m h dom":                                  "",
		"SHELL=/bin/sh":                              "",
		"":                                           "",
	} {
		when, program, ok := cronEntry(line, false)
		if got := strings.TrimSpace(when + " " + program); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v", line, got, ok)
		}
	}
	if when, program, _ := cronEntry("1 2 3 4 5 /x y", true); when != "1 2 3 4 5" || program != "/x" {
		t.Errorf("a user's own line: %q %q", when, program)
	}
}

func TestUnsavedRules(t *testing.T) {
	const now = `# Generated
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -d 192.0.2.1/32 -p udp -j DNAT --to-destination 172.20.0.2
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.20.0.0/16 ! -o br-0123 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
COMMIT
*filter
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -d 172.20.0.2/32 -j ACCEPT
-A DOCKER-USER -j RETURN
-A KUBE-FORWARD -j ACCEPT
-A INPUT -s 192.0.2.9/32 -j ACCEPT
COMMIT
`
	var got []string
	for _, r := range unsaved(now, "*filter\n-A INPUT -s 192.0.2.9/32 -j ACCEPT\nCOMMIT\n", "IPv4") {
		got = append(got, r.Name)
	}
	want := []string{"IPv4 nat -A PREROUTING -d 192.0.2.1/32 -p udp -j DNAT --to-destination 172.20.0.2", "IPv4 filter -A DOCKER-USER -d 172.20.0.2/32 -j ACCEPT"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestContainer(t *testing.T) {
	const config = `{"Name":"/node","State":{"Running":%v},"Config":{"Image":"kindest/node","Env":["PASSWORD=hush"],"Labels":{"io.x-k8s.kind.cluster":"laconic"}},
"MountPoints":{"/mnt":{"Type":"bind","Source":"/srv/kind/"},"/var":{"Type":"volume","Source":""}}}`
	for _, c := range []struct {
		running bool
		policy  string
		state   State
		words   string
	}{
		{true, "", Ephemeral, "no restart policy"}, {true, "no", Ephemeral, "no restart policy"},
		{true, "always", Outside, "restart always"}, {false, "", Outside, "does not run"},
	} {
		got, err := parseContainer(fmt.Sprintf(config, c.running), fmt.Sprintf(`{"RestartPolicy":{"Name":%q}}`, c.policy))
		r := got.remark()
		if err != nil || r.State != c.state || r.Subject != "kind node" || !strings.Contains(r.Why, c.words) || !strings.Contains(r.Why, "sees /srv/kind;") || strings.Contains(r.Why, "hush") {
			t.Errorf("%+v: %+v, %v", c, r, err)
		}
	}
	if _, err := parseContainer("{", "{}"); err == nil {
		t.Error("half a file was read")
	}
}

func TestZFS(t *testing.T) {
	z := zfsSeen{pools: "p\tONLINE\nq\tDEGRADED\n",
		list:  "p\tfilesystem\t/p\ton\tyes\t0\t-\t-\t0\t-\np/v\tvolume\t-\t-\t-\t-\t1099511627776\t16384\t0\ton\np/srv\tfilesystem\t/srv\ton\tno\t1073741824\t-\t-\t0\t-\np/docker/x\tfilesystem\tlegacy\ton\tyes\t0\t-\t-\t0\t-\n",
		local: "p/srv\tmountpoint\t/srv\np/srv\trecordsize\t131072\np/srv\tcom.sun:x\t1\ngone\ta\tb\n"}
	pools, all, err := z.parse()
	if err != nil {
		t.Fatal(err)
	}
	blocks, out := zfsBlocks(pools, all)
	var got []string
	for _, b := range blocks {
		got = append(got, fmt.Sprintf("%s %v", b.Name(), b.Attrs))
	}
	want := []string{"zpool[p] []", "zpool[q] []", "zfs_dataset[p] [{protect false}]", "zvol[p/v] [{size 1TiB} {volblocksize 16KiB} {sparse true}]",
		"zfs_dataset[p/srv] [{mountpoint /srv} {quota 1GiB} {properties map[recordsize:131072]} {protect false}]"}
	if !reflect.DeepEqual(got, want) || len(out) != 1 || out[0].Name != "p/docker/x" {
		t.Errorf("got %q, %v", got, out)
	}
	if len(blocks[1].Faults) != 1 {
		t.Errorf("a degraded pool is no fault")
	}
	if at := datasetAt(all, "/srv/x"); at != "" {
		t.Errorf("%s is not mounted, and yet /srv/x lies on it", at)
	}
	if _, _, err := (zfsSeen{list: "p\tfilesystem\n"}).parse(); err == nil {
		t.Error("half a line was read")
	}
}

func TestSoftened(t *testing.T) {
	sections, bound := softened("[Unit]\nRequires=docker.socket srv-a\\x2db.mount\nAfter=x.service\nBindsTo=c.mount\nRequiresMountsFor=/d /e\n[Service]\nExecStart=\nExecStart=/x\n")
	want := map[string]map[string][]string{
		"Unit": {"Requires": {"docker.socket"}, "Wants": {`srv-a\x2db.mount`, "c.mount", "d.mount", "e.mount"}, "After": {`srv-a\x2db.mount`, "x.service", "c.mount", "d.mount", "e.mount"},
			"AssertPathIsMountPoint": {"/srv/a-b", "/c", "/d", "/e"}},
		"Service": {"ExecStart": {"", "/x"}},
	}
	if !reflect.DeepEqual(sections, want) || strings.Join(bound, " ") != "Requires= BindsTo= RequiresMountsFor=" {
		t.Errorf("got %v, %v", sections, bound)
	}
	if _, bound := softened("[Unit]\nWants=a.mount\nRequires=b.service\n[Service]\nRequires=c.mount\n"); len(bound) > 0 {
		t.Errorf("nothing binds, and yet %v", bound)
	}
}

func TestChoices(t *testing.T) {
	for text, want := range map[string]string{
		"variable \"v\" {\n validation {\n condition = contains([\"A\"], var.other)\n message = \"x\"\n }\n}\n":                                                                                                     "",
		"variable \"v\" {\n validation {\n condition = contains(local.all, var.v)\n message = \"x\"\n }\n}\n":                                                                                                       "",
		"variable \"v\" {\n validation {\n condition = contains([\"A\", local.b], var.v)\n message = \"x\"\n }\n}\n":                                                                                                "",
		"variable \"d\" {\n validation {\n condition = contains([\"M\"], var.d)\n message = \"x\"\n }\n}\nvariable \"v\" {\n validation {\n condition = contains([\"A\", \"B\"], var.v)\n message = \"x\"\n }\n}\n": "d M; v A,B",
		"variable \"w\" {\n}\nvariable \"v\" {\n validation {\n condition = contains([\"A\", \"B\"], var.v)\n message = \"x\"\n }\n}\n":                                                                             "v A,B",
	} {
		var said []string
		for _, c := range choices([]source.File{{Name: "x.bisc.hcl", Text: []byte(text)}}) {
			said = append(said, c.name+" "+strings.Join(c.values, ","))
		}
		if got := strings.Join(said, "; "); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestCronAndRamdiskFiles(t *testing.T) {
	for text, want := range map[string]bool{"options brd rd_nr=1\n": true, "# x\n\nbrd\n": true, "brd\nzfs\n": false, "": false, "options zfs a=1\n": false} {
		if got := brdOnly(localFile{path: "/etc/modprobe.d/x.conf", text: text}); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if brdOnly(localFile{path: "/etc/cron.d/x", text: "brd\n"}) {
		t.Error("a file of cron is taken for brd's")
	}
}

// blkid that could not tell (4), or that finds two things on one device (8), does not say that nothing is on it.
func TestSignatureUnknown(t *testing.T) {
	for exit, unknown := range map[int]int{0: 0, 2: 0, 1: 1, 4: 1, 8: 1} {
		r := &reader{Reader: hosttest.New("a").Answer(exit, "DEVNAME=/dev/x\n", "blkid", "-p", "-o", "export", "--", "/dev/x")}
		var found string
		if err := r.wave(t.Context(), r.signature(&found, "/dev/x")); err != nil || len(r.unknown) != unknown || found != "" {
			t.Errorf("exit %d: %v %q %+v", exit, err, found, r.unknown)
		}
	}
}
