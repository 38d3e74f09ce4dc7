package system

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// UserKind is an account with its numbers.
var UserKind = modules.Kind{
	Name:     "user",
	Label:    "the account's name: solana",
	Platform: host.Linux,
	Layer:    "units",
	Doc: "An account of the host. Its numbers are what counts: a container's user and the owner of a file are the same one if the numbers are. " +
		"A missing account is created, with its primary group; one with other numbers is shown and never renumbered, because its files would belong to somebody else. " +
		"No account is deleted, no password set, no key written.",
	Checks: []string{
		"now and after boot: the numbers of user and primary group; home, shell and further groups where the block names them",
		"nobody else has the number, for an account that is to be created",
	},
	Example: `user "solana" {
  uid    = 20029
  home   = "/home/solana"
  shell  = "/bin/bash"
  groups = ["docker"]
}
`,
	New: func(label string) modules.Resource { return &User{Name: label, GID: -1} },
}

// User is the resource of UserKind.
type User struct {
	Name   string
	UID    int      `hcl:"uid" doc:"the account's number"`
	GID    int      `hcl:"gid,optional" doc:"the primary group's number. Default: that of the account"`
	Group  string   `hcl:"group,optional" doc:"the primary group's name, for a group that must be created. Default: the account's name"`
	Home   string   `hcl:"home,optional" doc:"the home folder; not looked at where it is left out"`
	Shell  string   `hcl:"shell,optional" doc:"the login shell; not looked at where it is left out"`
	Groups []string `hcl:"groups,optional" doc:"further groups that it must be in; others are left alone"`
	System bool     `hcl:"system,optional" doc:"create it as a system account: no home folder, no ageing" default:"false"`
}

// account is what was observed.
type account struct {
	passwd  []string // the seven fields; nil: no such account
	holder  string   // who has the number
	group   string   // the name of the group with the primary number; empty: none
	named   string   // the number of the group with the primary group's name; empty: none
	members map[string]groupState
}

type groupState struct {
	exists, member bool
}

// Validate checks names and numbers.
func (u *User) Validate() error {
	var faults []error
	name := regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	for _, n := range append([]string{u.Name, u.group()}, u.Groups...) {
		if !name.MatchString(n) {
			faults = append(faults, &modules.AttrError{Reason: fmt.Sprintf("%q is not the name of an account or group", n)})
		}
	}
	if u.UID <= 0 || u.UID > 1<<32-2 {
		faults = append(faults, &modules.AttrError{Attr: "uid", Reason: "a number from 1 on; root is not to be created"})
	}
	if u.GID < -1 || u.GID > 1<<32-2 {
		faults = append(faults, &modules.AttrError{Attr: "gid", Reason: "not the number of a group"})
	}
	faults = append(faults, checkField("home", u.Home), checkField("shell", u.Shell))
	return errors.Join(faults...)
}

// checkField refuses what would break the line in /etc/passwd.
func checkField(attr, value string) error {
	if value != "" && (!path.IsAbs(value) || strings.ContainsAny(value, ":\n\x00")) {
		return &modules.AttrError{Attr: attr, Reason: fmt.Sprintf("%q is not a full path", value)}
	}
	return nil
}

// Owns the account.
func (u *User) Owns() []string { return []string{"user:" + u.Name} }

func (u *User) gid() int {
	if u.GID < 0 {
		return u.UID
	}
	return u.GID
}

func (u *User) group() string {
	if u.Group == "" {
		return u.Name
	}
	return u.Group
}

// Plan asks the name service for names and numbers both ways.
func (u *User) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o := account{members: map[string]groupState{}}
	var holder, byID, byName []string
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) { o.passwd, err = getent(ctx, h, "passwd", u.Name, 7); return err },
		func(ctx context.Context) (err error) {
			holder, err = getent(ctx, h, "passwd", strconv.Itoa(u.UID), 7)
			return err
		},
		func(ctx context.Context) (err error) {
			byID, err = getent(ctx, h, "group", strconv.Itoa(u.gid()), 4)
			return err
		},
		func(ctx context.Context) (err error) { byName, err = getent(ctx, h, "group", u.group(), 4); return err },
	}
	further := make([][]string, len(u.Groups))
	for i, g := range u.Groups {
		questions = append(questions, func(ctx context.Context) (err error) { further[i], err = getent(ctx, h, "group", g, 4); return err })
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return modules.Change{}, err
	}
	if holder != nil {
		o.holder = holder[0]
	}
	if byID != nil {
		o.group = byID[0]
	}
	if byName != nil {
		o.named = byName[2]
	}
	for i, g := range u.Groups {
		o.members[g] = groupState{further[i] != nil, further[i] != nil && slices.Contains(strings.Split(further[i][3], ","), u.Name)}
	}
	return u.decide(o), nil
}

// getent gives the fields of one entry, nil where there is none. Exit 2 is getent's own word for that; any other failure
// means that nothing was learned.
func getent(ctx context.Context, h host.Reader, database, key string, fields int) ([]string, error) {
	out, err := h.Query(ctx, "getent", database, key)
	if err != nil {
		return nil, fmt.Errorf("look up %s in %s: %w", key, database, err)
	}
	if out.Exit == 2 {
		return nil, nil
	}
	entry := strings.Split(strings.TrimSpace(string(out.Stdout)), ":")
	if out.Exit != 0 || len(entry) != fields {
		return nil, fmt.Errorf("look up %s in %s: %w", key, database, &host.ExitError{Argv: []string{"getent"}, Exit: out.Exit, Stderr: out.Stderr})
	}
	return entry, nil
}

func (u *User) decide(o account) modules.Change {
	var c modules.Change
	for _, g := range u.Groups {
		if !o.members[g].exists {
			c.Refuse("groups", "no group "+g, "in "+g, "the group comes with a package, or with another user block: bisc does not guess its number")
		}
	}
	if o.passwd == nil {
		u.create(&c, o)
		return c
	}
	const why = "bisc renumbers nobody: files would change hands. Find them with find / -xdev -uid, decide, and use usermod"
	if got := o.passwd[2]; got != strconv.Itoa(u.UID) {
		c.Refuse("uid", got, strconv.Itoa(u.UID), why)
	}
	if got := o.passwd[3]; got != strconv.Itoa(u.gid()) {
		c.Refuse("gid", got, strconv.Itoa(u.gid()), why)
	}
	if u.Home != "" && c.Differ("home", o.passwd[5], u.Home) {
		c.Do(usermod(u.Name, "--home", u.Home))
	}
	if u.Shell != "" && c.Differ("shell", o.passwd[6], u.Shell) {
		c.Do(usermod(u.Name, "--shell", u.Shell))
	}
	for _, g := range u.Groups {
		if o.members[g].exists && !o.members[g].member && o.group != g {
			c.Differ("groups", "not in "+g, "in "+g)
			c.Do(usermod(u.Name, "--append", "--groups", g))
		}
	}
	return c
}

func usermod(name string, args ...string) host.Step {
	return host.Script{Argv: append(append([]string{"usermod"}, args...), "--", name)}
}

// create adds the account, and its primary group where nobody has the number or the name.
func (u *User) create(c *modules.Change, o account) {
	want := fmt.Sprintf("%d:%d", u.UID, u.gid())
	switch {
	case o.holder != "":
		c.Refuse("account", "(none)", want, fmt.Sprintf("the number %d belongs to %s", u.UID, o.holder))
		return
	case o.group == "" && o.named != "":
		c.Refuse("account", "(none)", want, fmt.Sprintf("the group %s has the number %s", u.group(), o.named))
		return
	case len(c.Diffs) > 0:
		c.Refuse("account", "(none)", want, "it is created when its groups are there")
		return
	}
	c.Differ("account", "(none)", want)
	if o.group == "" {
		c.Do(host.Script{Argv: []string{"groupadd", "--gid", strconv.Itoa(u.gid()), "--", u.group()}})
	}
	argv := []string{"useradd", "--uid", strconv.Itoa(u.UID), "--gid", strconv.Itoa(u.gid())}
	if u.System {
		argv = append(argv, "--system", "--no-create-home")
	} else {
		argv = append(argv, "--create-home")
	}
	if u.Home != "" {
		argv = append(argv, "--home-dir", u.Home)
	}
	if u.Shell != "" {
		argv = append(argv, "--shell", u.Shell)
	}
	if len(u.Groups) > 0 {
		argv = append(argv, "--groups", strings.Join(u.Groups, ","))
	}
	c.Do(host.Script{Argv: append(argv, "--", u.Name)})
}
