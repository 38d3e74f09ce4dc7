package live

import (
	"strings"
	"testing"

	"bisc/layers"
)

// The verify of a file is no fact of the host, so that nothing can break it: it is seen by what it keeps from the host.
func TestVerifyKeepsTheFile(t *testing.T) {
	t.Parallel()
	o := oneHost(t, program(t))
	for name, c := range map[string]struct{ block, path string }{
		"its own": {"file \"/etc/lab\" {\n  content = \"bad\\n\"\n  verify = [\"grep\", \"-q\", \"good\", \"{path}\"]\n}", "/etc/lab"},
		"sudo's":  {"file \"/etc/sudoers.d/ops\" {\n  content = \"ops ALL=(ALL NOPASSWD ALL\\n\"\n  mode = \"0440\"\n}", "/etc/sudoers.d/ops"},
	} {
		t.Run(name, func(t *testing.T) {
			o.sh(t, "touch "+c.path+"; cp -p "+c.path+" /root/before")
			stages := o.load(t, c.block)
			outs := o.apply(t, stages, o.plan(t, stages, layers.Options{}), layers.Options{})
			if outs[0].State != layers.Failed || !strings.Contains(outs[0].Err.Error(), "exit status 1") {
				t.Errorf("%s: %v", outs[0].State, outs[0].Err)
			}
			o.sh(t, "cmp "+c.path+" /root/before; test -z \"$(find "+c.path[:strings.LastIndex(c.path, "/")]+" -maxdepth 1 -name '*bisc*')\"")
		})
	}
}
