package store

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// unpack puts a layer over those that are in dir. Names in it cannot lead out of dir.
func unpack(dir string, layer io.Reader) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	buffered := bufio.NewReader(layer)
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		if layer, err = gzip.NewReader(buffered); err != nil {
			return err
		}
	} else {
		layer = buffered
	}
	for r := tar.NewReader(layer); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := place(root, head, r); err != nil {
			return err
		}
	}
}

// place makes one entry of a layer. A name that begins with .wh. takes away what layers below have.
func place(root *os.Root, head *tar.Header, content io.Reader) error {
	name := path.Clean(strings.TrimPrefix(head.Name, "/"))
	if name == "." {
		return nil
	}
	dir, base := path.Split(name)
	if hidden, ok := strings.CutPrefix(base, ".wh."); ok {
		return whiteout(root, dir, hidden)
	}
	if err := root.MkdirAll(path.Clean("./"+dir), 0o755); err != nil {
		return err
	}
	mode := head.FileInfo().Mode()
	if now, err := root.Lstat(name); err == nil && !(now.IsDir() && mode.IsDir()) {
		if err := root.RemoveAll(name); err != nil {
			return err
		}
	}
	switch head.Typeflag {
	case tar.TypeDir:
		if err := root.Mkdir(name, 0o755); err != nil && !os.IsExist(err) {
			return err
		}
	case tar.TypeReg:
		if err := write(root, name, content); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if err := root.Symlink(head.Linkname, name); err != nil {
			return err
		}
		return root.Lchown(name, head.Uid, head.Gid)
	case tar.TypeLink:
		return root.Link(path.Clean(strings.TrimPrefix(head.Linkname, "/")), name)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return device(root, name, head)
	default:
		return nil // a global header
	}
	if err := root.Lchown(name, head.Uid, head.Gid); err != nil {
		return err
	}
	return root.Chmod(name, mode.Perm()|mode&(os.ModeSetuid|os.ModeSetgid|os.ModeSticky)) // after chown, which takes setuid away
}

func whiteout(root *os.Root, dir, hidden string) error {
	if hidden != ".wh..opq" {
		return root.RemoveAll(path.Join(dir, hidden))
	}
	below, err := root.Open(path.Clean("./" + dir))
	if err != nil {
		return err
	}
	defer below.Close()
	names, err := below.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := root.RemoveAll(path.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func write(root *os.Root, name string, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, content); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

func device(root *os.Root, name string, head *tar.Header) error {
	parent, err := root.Open(path.Clean("./" + path.Dir(name)))
	if err != nil {
		return err
	}
	defer parent.Close()
	kind := map[byte]uint32{tar.TypeChar: unix.S_IFCHR, tar.TypeBlock: unix.S_IFBLK, tar.TypeFifo: unix.S_IFIFO}[head.Typeflag]
	number := unix.Mkdev(uint32(head.Devmajor), uint32(head.Devminor))
	return unix.Mknodat(int(parent.Fd()), filepath.Base(name), kind|uint32(head.Mode&0o7777), int(number))
}
