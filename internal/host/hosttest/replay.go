package hosttest

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"bisc/internal/host"
)

// Parse makes a fake from a txtar archive. Its sections:
//
//	-- file PATH --            the content
//	-- missing PATH --         a path that is not there
//	-- stat PATH --            words key=value: type mode uid gid size dev rdev mount, link (a blank
//	                           is %20), mtime (RFC 3339)
//	-- glob PATTERN --         a path a line
//	-- query ARGV... --        the argv as Question prints it; a first line "#exit N [STDERR]" gives the status
//	-- page URL --             the body of a page; a first line "#status N" gives another status than 200. One URL may
//	                           stand there several times: see Fake.Pages
//	-- silent URL --           nobody listens there: host.ErrNotListening
//	-- stuck QUESTION --       no answer: host.ErrStuck
//	-- show WORDS --           what a switch answers to "show WORDS"; a first line "#refused TEXT" makes it a
//	                           host.ShowError
//	-- kube QUESTION --        the object or list, by the question as host.KubeQuery prints it; empty: host.ErrNoObject. A first
//	                           line "#refused CODE REASON MESSAGE" makes it a host.KubeError, "#no api TEXT" host.ErrNoAPI
//	-- docker WORDS --         docker's JSON, by the question as host.DockerQuery prints it; empty: fs.ErrNotExist. A first line
//	                           "#silent" makes it host.ErrNotListening
//	-- rpc QUESTION --         a result, by the question as host.RPCQuery prints it; a first line "#error CODE MESSAGE" makes it a
//	                           host.RPCError, "#silent" host.ErrNotListening. One question may stand there several times: see
//	                           Fake.RPCs
//
// Other sections (want, resource...) are left to the test.
func Parse(name string, archive *txtar.Archive) (*Fake, error) {
	f := New(name)
	for _, s := range archive.Files {
		verb, rest, _ := strings.Cut(s.Name, " ")
		switch verb {
		case "file":
			f.Files[rest] = string(s.Data)
		case "missing":
			f.Missing[rest] = true
		case "glob":
			f.Globs[rest] = strings.Fields(string(s.Data))
		case "stuck":
			f.Errors[rest] = host.ErrStuck
		case "stat":
			st, err := parseStat(string(s.Data))
			if err != nil {
				return nil, fmt.Errorf("stat %s: %w", rest, err)
			}
			f.Stats[rest] = st
		case "page":
			f.Pages[rest] = append(f.Pages[rest], parsePage(string(s.Data)))
		case "silent":
			f.Errors["get "+rest] = host.ErrNotListening
		case "query":
			f.Answers[rest] = parseOutput(string(s.Data))
		case "show":
			f.show(s.Name, string(s.Data))
		case "kube":
			f.kube(rest, string(s.Data))
		case "docker":
			f.docker(s.Name, string(s.Data))
		case "rpc":
			f.rpc(rest, string(s.Data))
		}
	}
	return f, nil
}

func (f *Fake) show(command, data string) {
	if f.Shows == nil {
		f.Shows = map[string]string{}
	}
	if text, ok := strings.CutPrefix(data, "#refused "); ok {
		f.Errors["show "+command] = &host.ShowError{Command: command, Text: strings.TrimSpace(text)}
		return
	}
	f.Shows[command] = data
}

func (f *Fake) kube(question, data string) {
	f.Kubes[question] = strings.TrimSpace(data)
	if text, ok := strings.CutPrefix(data, "#no api "); ok {
		f.Errors["kube "+question] = fmt.Errorf("%w: %s", host.ErrNoAPI, strings.TrimSpace(text))
	}
	if text, ok := strings.CutPrefix(data, "#refused "); ok {
		code, text, _ := strings.Cut(strings.TrimSpace(text), " ")
		reason, message, _ := strings.Cut(text, " ")
		n, _ := strconv.Atoi(code)
		f.Errors["kube "+question] = &host.KubeError{Code: n, Reason: reason, Message: message}
	}
}

func (f *Fake) docker(question, data string) {
	f.Dockers[question] = strings.TrimSpace(data)
	if strings.HasPrefix(data, "#silent") {
		f.Errors[question] = fmt.Errorf("%s: %w", question, host.ErrNotListening)
	}
}

func (f *Fake) rpc(question, data string) {
	data = strings.TrimSpace(data)
	switch text, refused := strings.CutPrefix(data, "#error "); {
	case refused:
		code, message, _ := strings.Cut(text, " ")
		n, _ := strconv.Atoi(code)
		f.Errors["rpc "+question] = &host.RPCError{Code: n, Message: message}
	case data == "#silent":
		f.Errors["rpc "+question] = fmt.Errorf("%s: %w", question, host.ErrNotListening)
	default:
		f.RPCs[question] = append(f.RPCs[question], data)
	}
}

func parseOutput(data string) host.Output {
	if rest, ok := strings.CutPrefix(data, "#exit "); ok {
		first, body, _ := strings.Cut(rest, "\n")
		status, stderr, _ := strings.Cut(strings.TrimSpace(first), " ")
		n, _ := strconv.Atoi(status)
		return host.Output{Exit: n, Stdout: []byte(body), Stderr: []byte(stderr)}
	}
	return host.Output{Stdout: []byte(data)}
}

func parsePage(data string) host.Response {
	r := host.Response{Status: 200, Type: "text/plain", Body: []byte(data)}
	if rest, ok := strings.CutPrefix(data, "#status "); ok {
		first, body, _ := strings.Cut(rest, "\n")
		r.Status, _ = strconv.Atoi(strings.TrimSpace(first))
		r.Body = []byte(body)
	}
	return r
}

func parseStat(data string) (host.Stat, error) {
	st := host.Stat{Type: host.Regular, Mode: 0o644}
	for _, word := range strings.Fields(data) {
		key, val, _ := strings.Cut(word, "=")
		if err := setStat(&st, key, val); err != nil {
			return st, fmt.Errorf("%s: %w", word, err)
		}
	}
	return st, nil
}

func setStat(st *host.Stat, key, val string) (err error) {
	var n uint64
	switch key {
	case "type":
		st.Type = host.FileType(val)
	case "link":
		st.Link, err = url.PathUnescape(val)
	case "mtime":
		st.ModTime, err = time.Parse(time.RFC3339, val)
	case "dev":
		st.Dev, err = ParseDevice(val)
	case "rdev":
		st.Rdev, err = ParseDevice(val)
	case "mode":
		n, err = strconv.ParseUint(val, 8, 32)
		st.Mode = uint32(n)
	case "uid":
		n, err = strconv.ParseUint(val, 10, 32)
		st.UID = uint32(n)
	case "gid":
		n, err = strconv.ParseUint(val, 10, 32)
		st.GID = uint32(n)
	case "mount":
		st.MountID, err = strconv.Atoi(val)
	case "size":
		st.Size, err = strconv.ParseInt(val, 10, 64)
	default:
		err = fmt.Errorf("unknown key")
	}
	return err
}

// ParseDevice reads major:minor.
func ParseDevice(s string) (d host.DeviceID, err error) {
	_, err = fmt.Sscanf(s, "%d:%d", &d.Major, &d.Minor)
	return d, err
}
