package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"

	"bisc/hostbin/cluster"
)

// chunk is how much is read at a time, in bytes.
const chunk = 256 << 10

// offer is what a server says of a file. It goes beside a partial file: what is resumed has to be the same in all of it.
type offer struct {
	URL      string `json:"-"`
	Length   int64  `json:"length"` // -1: it does not say
	ETag     string `json:"etag"`
	Modified string `json:"modified"`
	Ranges   bool   `json:"-"` // it answered Range: bytes=0-0 with 206
}

// same tells whether a partial file of one offer may be gone on with from another. The file's name, with its hash, is the same
// in any case: it is the partial file's name.
func (o offer) same(other offer) bool {
	return o.Length > 0 && o.Length == other.Length && o.ETag == other.ETag && o.Modified == other.Modified
}

// ask asks for the first byte. Agave's own server knows no ranges, and begins to send the whole file: that tells the length too.
func ask(ctx context.Context, c *cluster.Client, url string) (offer, error) {
	o := offer{URL: url, Length: -1}
	body, resp, err := c.Get(ctx, url, http.Header{"Range": {"bytes=0-0"}})
	if body != nil {
		_ = body.Close() // a byte
	}
	if resp == nil {
		return o, err
	}
	o.ETag, o.Modified = resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")
	switch resp.StatusCode {
	case http.StatusPartialContent:
		_, whole, ok := contentRange(resp.Header.Get("Content-Range"))
		o.Ranges, o.Length = ok && whole > 0, whole
		return o, nil
	case http.StatusOK:
		o.Length = resp.ContentLength
		return o, nil
	}
	return o, err
}

// contentRange reads "bytes FROM-TO/WHOLE".
func contentRange(text string) (from, whole int64, ok bool) {
	text, ok = strings.CutPrefix(text, "bytes ")
	span, all, ok2 := strings.Cut(text, "/")
	first, _, ok3 := strings.Cut(span, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	whole, err2 := strconv.ParseInt(all, 10, 64)
	return from, whole, ok && ok2 && ok3 && err == nil && err2 == nil
}

// begun is how much of a partial file can be gone on with: nothing unless the server keeps ranges and has the very same file.
func begun(part string, o offer) (int64, error) {
	info, err := os.Stat(part)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var was offer
	text, err := os.ReadFile(part + ".json")
	if err != nil || json.Unmarshal(text, &was) != nil || !o.Ranges || !o.same(was) || info.Size() > o.Length {
		return 0, drop(part, part+".json")
	}
	return info.Size(), nil
}

// note keeps the offer beside the partial file, first.
func (o offer) note(part string) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err := os.WriteFile(part+".json", text, 0o644); err != nil {
		return fmt.Errorf("note what is downloaded: %w", err)
	}
	return nil
}
