package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// writeWhole writes a file that is there whole or not at all, and on disk when it returns. The error names the file system
// that is full or read-only.
func writeWhole(name string, b []byte, mode fs.FileMode) error {
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, ".bisc-*")
	if err != nil {
		return onFileSystem(dir, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return onFileSystem(dir, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return onFileSystem(dir, err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// onFileSystem adds to an error where the file system begins that a folder is on.
func onFileSystem(dir string, err error) error {
	abs, absErr := filepath.Abs(dir)
	if absErr != nil {
		return err
	}
	return fmt.Errorf("%w (file system at %s)", err, mountPoint(abs))
}

// mountPoint goes up from a folder to where its file system begins.
func mountPoint(dir string) string {
	for dir != "/" {
		here, hereErr := os.Stat(dir)
		up, upErr := os.Stat(filepath.Dir(dir))
		if upErr != nil {
			return dir
		}
		if hereErr == nil && deviceOf(here) != deviceOf(up) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return dir
}

func deviceOf(i os.FileInfo) uint64 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev)
	}
	return 0
}
