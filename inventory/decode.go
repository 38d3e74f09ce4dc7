package inventory

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/host"
	"bisc/internal/source"
)

// decoder fills a host from its block. A value that cannot be had is reported and left zero.
type decoder struct {
	host  *Host
	diags hcl.Diagnostics
}

// field reads one attribute of a host block.
type field func(d *decoder, a *hclsyntax.Attribute, v cty.Value)

// fields is the attributes of a host block. Via is read from its expression, for it may name hosts.
func fields() map[string]field {
	all := map[string]field{
		"platform":             (*decoder).platform,
		"address":              text(func(h *Host) *string { return &h.Address }, checkAddress),
		"user":                 text(func(h *Host) *string { return &h.User }, checkUser),
		"port":                 (*decoder).port,
		"become":               func(d *decoder, a *hclsyntax.Attribute, v cty.Value) { d.host.Become = d.bool(a, v) },
		"via":                  nil,
		"host_key":             list(func(h *Host) *[]string { return &h.HostKeys }, checkPin, asIs),
		"known_hosts":          list(func(h *Host) *[]string { return &h.KnownHosts }, checkPath, besideFile),
		"identity":             list(func(h *Host) *[]string { return &h.Identities }, checkPath, besideFile),
		"agent_key":            text(func(h *Host) *string { return &h.AgentKey }, checkPin),
		"ssh_config":           (*decoder).sshConfig,
		"become_password_env":  text(func(h *Host) *string { return &h.BecomePasswordEnv }, checkEnv),
		"become_password_file": (*decoder).passwordFile,
		"become_password_cmd":  list(func(h *Host) *[]string { return &h.BecomePasswordCmd }, checkArgument, asIs),
		"connect_timeout":      timeout(func(h *Host) *time.Duration { return &h.ConnectTimeout }),
		"answer_timeout":       timeout(func(h *Host) *time.Duration { return &h.AnswerTimeout }),
		"jump_only":            (*decoder).jumpOnly,
		"transport":            (*decoder).transport,
		"machine_id":           text(func(h *Host) *string { return &h.MachineID }, checkMachineID),
		"power":                list(func(h *Host) *[]string { return &h.Power }, checkTyped, asIs),
		"console":              list(func(h *Host) *[]string { return &h.Console }, checkTyped, asIs),
		"data":                 (*decoder).data,
	}
	maps.Copy(all, eapiFields())
	maps.Copy(all, switchFields())
	return all
}

func decode(b *hclsyntax.Block) (*Host, hcl.Diagnostics) {
	d := &decoder{host: &Host{Range: b.DefRange(), Data: cty.EmptyObjectVal, attrs: map[string]hcl.Range{}, data: map[string]hcl.Range{}}}
	if len(b.Labels) != 1 {
		return nil, hcl.Diagnostics{fault(b.DefRange(), "Host without a name", "A host block has one label, its name: host \"biscayne\" { ... }.")}
	}
	d.host.Name = b.Labels[0]
	if err := checkName(d.host.Name); err != nil {
		d.fault(b.LabelRanges[0], "Invalid host name", source.Sentence(err.Error()))
	}
	known := fields()
	for _, a := range sorted(b.Body.Attributes) {
		read, ok := known[a.Name]
		switch {
		case !ok:
			d.unknownAttribute(a, known)
		case a.Name == "via":
			d.via(a)
		default:
			d.read(a, read)
		}
		d.host.attrs[a.Name] = a.SrcRange
	}
	for _, inner := range b.Body.Blocks {
		d.fault(inner.TypeRange, "Unexpected block", fmt.Sprintf("A host has no blocks. Write %s = { ... } inside data, if plans are to read it.", inner.Type))
	}
	d.together(b)
	return d.host, d.diags
}

// together finds what is wrong between attributes.
func (d *decoder) together(b *hclsyntax.Block) {
	h := d.host
	if _, ok := b.Body.Attributes["platform"]; !ok {
		d.fault(b.DefRange(), "Missing attribute", fmt.Sprintf("The host %q needs platform = \"linux\" or \"eos\".", h.Name))
	}
	_, program := b.Body.Attributes["become_password_cmd"]
	if program && len(h.BecomePasswordCmd) == 0 && !d.diags.HasErrors() {
		d.fault(h.attrs["become_password_cmd"], "No program", "Write become_password_cmd = [\"pass\", \"show\", \"sudo/biscayne\"].")
	}
	for _, two := range []struct {
		both bool
		attr string
	}{{h.BecomePasswordEnv != "" && h.BecomePasswordFile != "", "become_password_file"}, {program && (h.BecomePasswordEnv != "" || h.BecomePasswordFile != ""), "become_password_cmd"}} {
		if two.both {
			d.fault(h.attrs[two.attr], "Two passwords", "Give one of become_password_env, become_password_file and become_password_cmd only, not both.")
		}
	}
	d.eapiTogether()
	d.switchTogether()
	if h.Local {
		d.local(b)
	}
}

func (d *decoder) unknownAttribute(a *hclsyntax.Attribute, known map[string]field) {
	var names []string
	for n := range known {
		names = append(names, n)
	}
	slices.Sort(names)
	hint := source.DidYouMean(a.Name, names)
	if source.Suggest(a.Name, names) == "" {
		hint = " What plans read of a host goes into data = { ... }."
	}
	d.fault(a.NameRange, "Unknown attribute", fmt.Sprintf("A host has no attribute %q.%s", a.Name, hint))
}

// read evaluates an attribute, which must be a constant, and gives it to its field.
func (d *decoder) read(a *hclsyntax.Attribute, to field) {
	if vars := a.Expr.Variables(); len(vars) > 0 {
		d.fault(vars[0].SourceRange(), "Not a constant", fmt.Sprintf("A host is data: %s must be a constant. Plans read hosts; hosts read nothing.", a.Name))
		return
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() {
		d.diags = append(d.diags, diags...)
		return
	}
	if v.IsNull() || !v.IsWhollyKnown() {
		d.fault(a.Expr.Range(), "No value", fmt.Sprintf("%s is null. Leave it out instead.", a.Name))
		return
	}
	to(d, a, v)
}

func (d *decoder) fault(at hcl.Range, summary, detail string) {
	d.diags = append(d.diags, fault(at, summary, detail))
}

func (d *decoder) invalid(a *hclsyntax.Attribute, err error) {
	d.fault(a.Expr.Range(), "Invalid "+a.Name, source.Sentence(err.Error()))
}

func (d *decoder) platform(a *hclsyntax.Attribute, v cty.Value) {
	switch s, _ := d.string(a, v); s {
	case "linux":
		d.host.Platform = host.Linux
	case "eos":
		d.host.Platform = host.EOS
	default:
		d.fault(a.Expr.Range(), "Unknown platform", fmt.Sprintf("There is no platform %q. It is \"linux\" or \"eos\".", s))
	}
}

func (d *decoder) port(a *hclsyntax.Attribute, v cty.Value) {
	n, ok := d.number(a, v)
	if ok && (n < 1 || n > 65535) {
		d.invalid(a, fmt.Errorf("a port is 1 to 65535, not %d", n))
		return
	}
	d.host.Port = n
}

func (d *decoder) sshConfig(a *hclsyntax.Attribute, v cty.Value) {
	if v.Type() == cty.String {
		if err := checkPath(v.AsString()); err != nil {
			d.invalid(a, err)
			return
		}
		yes := true
		d.host.SSHConfig, d.host.SSHConfigFile = &yes, besideFile(a, v.AsString())
		return
	}
	d.host.SSHConfig = d.bool(a, v)
}

func (d *decoder) passwordFile(a *hclsyntax.Attribute, v cty.Value) {
	text(func(h *Host) *string { return &h.BecomePasswordFile }, checkPath)(d, a, v)
	if d.host.BecomePasswordFile != "" {
		d.host.BecomePasswordFile = besideFile(a, d.host.BecomePasswordFile)
	}
}

func timeout(of func(*Host) *time.Duration) field {
	return func(d *decoder, a *hclsyntax.Attribute, v cty.Value) {
		s, ok := d.string(a, v)
		if !ok {
			return
		}
		t, err := time.ParseDuration(s)
		if err != nil || t <= 0 {
			d.invalid(a, fmt.Errorf("%q is not a time: write for example \"10s\"", s))
			return
		}
		*of(d.host) = t
	}
}

func (d *decoder) jumpOnly(a *hclsyntax.Attribute, v cty.Value) {
	if b := d.bool(a, v); b != nil {
		d.host.JumpOnly = *b
	}
}

func (d *decoder) data(a *hclsyntax.Attribute, v cty.Value) {
	if !v.Type().IsObjectType() {
		d.invalid(a, fmt.Errorf("data is an object: data = { zvol = \"tank/solana\" }, not a %s", v.Type().FriendlyName()))
		return
	}
	d.host.Data = v
	d.host.data = keyRanges(a.Expr)
	for _, k := range reserved {
		if v.Type().HasAttribute(k) {
			d.fault(d.host.Origin(k), "Reserved key", fmt.Sprintf("Plans read host.%s.%s as the host's own %s. Give this key another name.", d.host.Name, k, k))
		}
	}
}

// keyRanges is where the keys of an object are written.
func keyRanges(e hclsyntax.Expression) map[string]hcl.Range {
	out := map[string]hcl.Range{}
	object, ok := e.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return out
	}
	for _, item := range object.Items {
		key, diags := item.KeyExpr.Value(nil)
		if !diags.HasErrors() && !key.IsNull() && key.Type() == cty.String {
			out[key.AsString()] = hcl.RangeBetween(item.KeyExpr.Range(), item.ValueExpr.Range())
		}
	}
	return out
}
