package system

import (
	"strings"
	"testing"

	"bisc/modules/kindtest"
)

func TestUserDecides(t *testing.T) {
	there := func() account {
		return account{passwd: strings.Split("solana:x:20029:20029::/home/solana:/bin/bash", ":"), holder: "solana", group: "solana", named: "20029",
			members: map[string]groupState{"docker": {true, true}}}
	}
	with := func(change func(*account)) account { a := there(); change(&a); return a }
	full := User{Name: "solana", UID: 20029, GID: -1, Home: "/home/solana", Shell: "/bin/bash", Groups: []string{"docker"}}
	const renumber = "bisc renumbers nobody: files would change hands. Find them with find / -xdev -uid, decide, and use usermod"
	for name, tt := range map[string]struct {
		user User
		o    account
		want string
	}{
		"in sync": {full, there(), "in sync\n"},
		"another number": {full, with(func(a *account) { a.passwd[2] = "1000" }),
			"now uid: 1000 -> 20029\n    why: " + renumber + "\n"},
		"another group": {full, with(func(a *account) { a.passwd[3] = "1000" }),
			"now gid: 1000 -> 20029\n    why: " + renumber + "\n"},
		"shell and home": {full, with(func(a *account) { a.passwd[5], a.passwd[6] = "/srv", "/bin/sh" }),
			"now home: /srv -> /home/solana\nnow shell: /bin/sh -> /bin/bash\nstep: run usermod --home /home/solana -- solana\nstep: run usermod --shell /bin/bash -- solana\n"},
		"what is left out is not looked at": {User{Name: "solana", UID: 20029, GID: -1}, with(func(a *account) { a.passwd[5], a.passwd[6] = "/srv", "/bin/sh" }), "in sync\n"},
		"not in the group": {full, with(func(a *account) { a.members["docker"] = groupState{true, false} }),
			"now groups: not in docker -> in docker\nstep: run usermod --append --groups docker -- solana\n"},
		"no such group": {full, with(func(a *account) { a.members["docker"] = groupState{} }),
			"now groups: no group docker -> in docker\n    why: the group comes with a package, or with another user block: bisc does not guess its number\n"},
		"the primary group is a group too": {User{Name: "solana", UID: 20029, GID: -1, Groups: []string{"solana"}}, with(func(a *account) { a.members["solana"] = groupState{true, false} }), "in sync\n"},
		"missing": {full, with(func(a *account) { *a = account{members: a.members} }),
			"now account: (none) -> 20029:20029\nstep: run groupadd --gid 20029 -- solana\nstep: run useradd --uid 20029 --gid 20029 --create-home --home-dir /home/solana --shell /bin/bash --groups docker -- solana\n"},
		"missing, with its group": {User{Name: "agave", UID: 1000, GID: 50, System: true}, account{group: "staff", named: ""},
			"now account: (none) -> 1000:50\nstep: run useradd --uid 1000 --gid 50 --system --no-create-home -- agave\n"},
		"its number is another's": {full, account{holder: "agave", members: map[string]groupState{"docker": {true, false}}},
			"now account: (none) -> 20029:20029\n    why: the number 20029 belongs to agave\n"},
		"its group has another number": {full, account{named: "999", members: map[string]groupState{"docker": {true, false}}},
			"now account: (none) -> 20029:20029\n    why: the group solana has the number 999\n"},
		"missing, and so is a group": {full, account{members: map[string]groupState{}},
			"now groups: no group docker -> in docker\n    why: the group comes with a package, or with another user block: bisc does not guess its number\nnow account: (none) -> 20029:20029\n    why: it is created when its groups are there\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kindtest.Print(tt.user.decide(tt.o)); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestUserValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		user User
		want string
	}{
		"fine":    {User{Name: "solana", UID: 20029, GID: -1}, ""},
		"root":    {User{Name: "root", UID: 0, GID: -1}, "uid:"},
		"name":    {User{Name: "-M", UID: 1, GID: -1}, "not the name"},
		"group":   {User{Name: "a", UID: 1, GID: -1, Groups: []string{"a,b"}}, "not the name"},
		"home":    {User{Name: "a", UID: 1, GID: -1, Home: "/a:/b"}, "home:"},
		"shell":   {User{Name: "a", UID: 1, GID: -1, Shell: "bash"}, "shell:"},
		"minus 2": {User{Name: "a", UID: 1, GID: -2}, "gid:"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tt.user.Validate(), tt.want) })
	}
}
