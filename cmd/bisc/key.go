package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// secretKey is 32 random bytes in bisc's own folder. It keys the MAC of plan files and the digests of secrets, so that
// both mean something on this machine only.
func secretKey() ([]byte, error) {
	dir, err := stateDir()
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "key")
	key, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := newKey(name)
		if err != nil {
			return nil, onFileSystem(dir, err)
		}
		return key, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading bisc's key: %w", err)
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("%s is not a key of bisc (32 bytes): remove it; plan files made with it are lost", name)
	}
	return key, nil
}

// newKey writes a key. Of two bisc that start at once the first to link its file wins, and both use that.
func newKey(name string) ([]byte, error) {
	key := make([]byte, 32)
	rand.Read(key)
	temp, err := os.CreateTemp(filepath.Dir(name), "key-")
	if err != nil {
		return nil, fmt.Errorf("making bisc's key: %w", err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(key)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return nil, fmt.Errorf("making bisc's key: %w", err)
	}
	err = os.Link(temp.Name(), name)
	if errors.Is(err, fs.ErrExist) {
		return os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("making bisc's key: %w", err)
	}
	return key, nil
}
